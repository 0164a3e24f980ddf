"""The state folder is its owner's alone: mails, logs, keys and databases lie in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER, PASSABLE, FILE = 0o700, 0o711, 0o600
#: The embedded PostgreSQL keeps its own folder (0700), which belongs to another user where we are root.
_NOT_OURS = {"postgres"}


def keep_private(var_dir: Path) -> None:
    """Let nobody else read the state folder; whatever this process and its children write is private.

    To be called before anything is written. Started by root the embedded PostgreSQL runs as a user of its
    own, which must pass through the folder, and the folders above it, to its own: then others may pass as
    well, but see nothing.
    """
    os.umask(0o077)
    var_dir.mkdir(parents=True, exist_ok=True)
    close(var_dir)


def close(var_dir: Path) -> None:
    """Take away what others may do with a folder and what lies in it, one level deep."""
    _set(var_dir, PASSABLE if os.geteuid() == 0 else FOLDER)
    for entry in var_dir.iterdir():
        if entry.is_symlink() or entry.name in _NOT_OURS:
            continue  # what it leads to is not ours to close
        _set(entry, FOLDER if entry.is_dir() else FILE)


def _set(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)
