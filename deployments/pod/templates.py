"""A pod's templates: the host's, with the pod's own in front of them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from homepot_ai.errors import SettingsError


def overlay(base: Path, own: Path, target: Path) -> Path:
    """A folder with every template: the pod's own where it has one, the host's elsewhere.

    Its name holds a digest of what is in it, so that a folder once made is never changed under a program
    that reads it, and one that was made only in part is never taken for whole.

    Args:
        base: the host's templates.
        own: the pod's.
        target: the folder that holds the made ones; all but the newest two are removed.

    Raises:
        SettingsError: `own` is no folder of templates; the message names each stranger.
    """
    if strangers := list(wrong(base, own)):
        raise SettingsError(f"the templates in {own} cannot be used:\n  " + "\n  ".join(strangers))
    made = target / _digest(base, own)
    if not made.is_dir():
        part = target / f"{made.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(base, part)
        shutil.copytree(own, part, dirs_exist_ok=True)
        part.rename(made)
    made.touch()
    others = sorted((one for one in target.iterdir() if one != made), key=lambda one: one.stat().st_mtime)
    for old in others[:-1]:
        shutil.rmtree(old, ignore_errors=True)
    return made


def wrong(base: Path, own: Path) -> Iterator[str]:
    """A sentence for each file that could never be used, or not be understood."""
    from jinja2 import Environment, TemplateSyntaxError

    if not own.is_dir():
        yield f"the folder {own} is not there"
        return
    for file in files(own):
        name = file.relative_to(own)
        if file.is_symlink():
            yield f"{name} is a link: put the file itself there"
        elif not (base / name).is_file():
            yield f"{name}: there is no such template to stand in front of; see {base}"
        elif name.suffix == ".j2":
            try:
                Environment(autoescape=True).parse(file.read_text(encoding="utf-8"))
            except (TemplateSyntaxError, UnicodeDecodeError) as error:
                yield f"{name}: {error}"
        elif name.parts[0] == "modes":
            yield from _wrong_mode(own, name)


def _wrong_mode(own: Path, name: Path) -> Iterator[str]:
    from homepot_ai.errors import ReportError
    from homepot_ai.reporting.modes import mode

    try:
        mode(own, name.stem)
    except ReportError as error:
        yield f"{name}: {error}"


def files(folder: Path) -> list[Path]:
    """Every file, but what editors leave behind."""
    found = (file for file in folder.rglob("*") if file.is_symlink() or file.is_file())
    return sorted(file for file in found if not file.name.startswith(".") and not file.name.endswith("~"))


def _digest(*folders: Path) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for file in files(folder):
            digest.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
