"""Archives as no backup leaves them: cut off, altered, foreign. To see what is said of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from homepot_ai.backup.records import MANIFEST


def cut_off(path: Path, share: float = 0.6) -> None:
    """Keep only the beginning, as a copy that was interrupted."""
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])


def flip(path: Path, share: float = 0.5) -> None:
    """Turn one bit around, as a disk does."""
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * share)] ^= 0x10
    path.write_bytes(bytes(raw))


def repack(
    source: Path, target: Path, *, manifest: Callable[[dict[str, object]], object] = lambda _: None,
    replaced: Mapping[str, bytes] | None = None, left_out: str | None = None,
    added: tarfile.TarInfo | None = None,
) -> None:  # fmt: skip
    """Write an archive again with something else in it, as somebody who means harm would.

    Args:
        manifest: changes it in place.
        replaced: other contents of members.
        left_out: a member that is missing.
        added: a member more, without contents.
    """
    with tarfile.open(source, "r:gz") as old, tarfile.open(target, "w:gz") as new:
        for info in old:
            if info.name == left_out:
                continue
            opened = old.extractfile(info)
            data = opened.read() if opened is not None else b""
            if info.name == MANIFEST:
                said = orjson.loads(data)
                manifest(said)
                data = orjson.dumps(said)
            data = (replaced or {}).get(info.name, data)
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))
        if added is not None:
            new.addfile(added)
