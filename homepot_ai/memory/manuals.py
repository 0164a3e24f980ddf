"""Operators' runbooks and manuals: files of one folder, cut into passages, and found again.

Markdown and text are cut at headings, PDF at pages. What cannot be read is named and skipped. Contents are
foreign text: cleaned, capped, quoted with path and heading, never followed. Only files that lie in the
folder are read: a link that leads out of it is skipped.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homepot_ai.store import memory as store
from homepot_ai.store.memory import Manual, Passage
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

MARKDOWN = frozenset({".md", ".markdown"})
TEXT = frozenset({".txt", ".text", ".rst"})
SUFFIXES = MARKDOWN | TEXT | {".pdf"}
FILES = 5000
PASSAGE_CAP = 1500
PASSAGES_PER_FILE = 2000
HEADING_CAP = 120
PATH_CAP = 300
PDF_SECONDS = 60.0
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True)
class Part:
    """A passage as it was cut out of a file."""

    heading: str
    page: int | None
    body: str


@dataclass(frozen=True)
class FolderRead:
    """What reading the folder did.

    Attributes:
        skipped: path and reason of each file that could not be read.
    """

    folder: str
    files: int
    read: int
    removed: int
    passages: int
    skipped: tuple[tuple[str, str], ...]


def folder_of(settings: Settings) -> Path:
    """The folder that operators put their pages into."""
    return settings.memory.runbooks_dir or settings.var_dir / "runbooks"


def read_folder(db: Database, settings: Settings, now: datetime) -> FolderRead:
    """Read what changed in the folder, forget what is gone. Unchanged files are not read again.

    A folder that is not there counts as empty only when it is the default one: one that was named may be a
    mount
    that is away for the moment, and nothing is forgotten then.
    """
    folder = folder_of(settings)
    with db.reader() as conn:
        known = store.manuals(conn)
    if not folder.is_dir():
        if settings.memory.runbooks_dir is not None:
            why = ((str(folder), "the folder memory.runbooks_dir is not there"),)
            return FolderRead(str(folder), len(known), 0, 0, sum(m.passages for m in known.values()), why)
        folder.mkdir(parents=True, exist_ok=True)
    present: set[str] = set()
    read = 0
    for path in _files(folder):
        name = clean(path.relative_to(folder).as_posix(), PATH_CAP)
        present.add(name)
        manual, parts = _look(path, name, folder, known.get(name), settings.memory.runbook_file_bytes, now)
        if manual is None:
            continue
        read += 1
        rows = [(p.heading, p.page, p.body, _digest(p.body.encode())) for p in parts]
        with db.writer() as conn:
            store.put_manual(conn, manual, rows)
    gone = sorted(set(known) - present)
    with db.writer() as conn:
        for name in gone:
            store.drop_manual(conn, name)
    with db.reader() as conn:
        found = store.manuals(conn)
    return FolderRead(
        str(folder),
        len(found),
        read,
        len(gone),
        sum(manual.passages for manual in found.values()),
        tuple((m.path, m.reason) for m in found.values() if m.reason is not None),
    )


def _files(folder: Path) -> Iterator[Path]:
    found = (
        p
        for p in sorted(folder.rglob("*"))
        if p.suffix.lower() in SUFFIXES and (p.is_file() or p.is_symlink())
    )
    for number, path in enumerate(found):
        if number >= FILES:
            return
        yield path


def _look(
    path: Path, name: str, folder: Path, before: Manual | None, limit: int, now: datetime
) -> tuple[Manual | None, Sequence[Part]]:
    """A file's record and passages; None where it is as it was."""

    def skipped(reason: str, size: int = 0, digest: str = "") -> tuple[Manual | None, Sequence[Part]]:
        said = clean(reason, 300)
        if before is not None and before.reason == said and before.content_hash == digest:
            return None, ()
        return Manual(name, digest, size, "skipped", said, 0, now), ()

    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            return skipped("it is a link that leads out of the folder")
        size = path.stat().st_size
        if size > limit:
            return skipped(f"larger than memory.runbook_file_bytes ({limit:,} bytes)", size)
        raw = path.read_bytes()
    except OSError as error:
        return skipped(f"it cannot be read: {error.strerror or error}")
    digest = _digest(raw)
    if before is not None and before.content_hash == digest and before.bytes == size:
        return None, ()
    try:
        parts = cut(path.suffix.lower(), raw, path.stem)
    except Exception as error:  # whatever a broken PDF makes its reader raise: the next file is read
        return skipped(f"it cannot be read as {path.suffix}: {error or type(error).__name__}", size, digest)
    if not parts:
        return skipped("no text in it (a scan?)", size, digest)
    return Manual(name, digest, size, "read", None, len(parts), now), parts


def cut(suffix: str, raw: bytes, title: str) -> list[Part]:
    """The passages of a file. Pure for Markdown and text.

    >>> cut(".md", b"# Printer\\nTurn it off.\\n## Paper\\nOpen the lid.", "p")[1]
    Part(heading='Printer › Paper', page=None, body='Open the lid.')
    """
    if suffix == ".pdf":
        return _pdf(raw)
    text = _decode(raw)
    parts: list[Part] = []
    trail: list[str] = []
    lines: list[str] = []
    fenced = False

    def close() -> None:
        heading = clean(" › ".join(trail) or title, HEADING_CAP)
        parts.extend(Part(heading, None, body) for body in _bodies("\n".join(lines)))
        lines.clear()

    for line in text.splitlines():
        fenced ^= bool(_FENCE.match(line))
        found = None if fenced or suffix not in MARKDOWN else _HEADING.match(line)
        if found is None:
            lines.append(line)
            continue
        close()
        trail = [*trail[: len(found[1]) - 1], found[2]]
    close()
    return parts[:PASSAGES_PER_FILE]


def _pdf(raw: bytes) -> list[Part]:
    import io
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what is wrong with the file is said once, by us
    reader = PdfReader(io.BytesIO(raw))
    if reader.is_encrypted and not reader.decrypt(""):
        raise ValueError("it is encrypted")
    parts: list[Part] = []
    deadline = time.monotonic() + PDF_SECONDS
    for number, page in enumerate(reader.pages, 1):
        if time.monotonic() > deadline:
            raise TimeoutError(f"took longer than {PDF_SECONDS:.0f} s, at page {number}")
        text = page.extract_text()
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        parts.extend(
            Part(clean(first or f"page {number}", HEADING_CAP), number, body) for body in _bodies(text)
        )
        if len(parts) >= PASSAGES_PER_FILE:
            break
    return parts[:PASSAGES_PER_FILE]


def _bodies(text: str) -> Iterator[str]:
    """Paragraphs put together up to the cap; each is one line of cleaned text."""
    current = ""
    for paragraph in re.split(r"\n\s*\n", text):
        if not paragraph.strip():
            continue
        line = clean(paragraph, PASSAGE_CAP)
        if current and len(current) + len(line) + 1 > PASSAGE_CAP:
            yield current
            current = line
        else:
            current = f"{current} {line}" if current else line
    if current:
        yield current


def _decode(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.count("\x00") > len(text) // 100:
            raise ValueError("it is no text")
        return text
    return raw.decode("latin-1")


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]


def quote(passage: Passage, cap: int = 300) -> str:
    """A passage as it is told: path, heading, and its beginning between quotation marks."""
    where = passage.path if passage.page is None else f"{passage.path}, page {passage.page}"
    return f"{where} ({passage.heading}): “{clean(passage.body, cap)}”"
