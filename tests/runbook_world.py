"""Commands as pages tell them, and a world in which each of them has something to act on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homepot_ai.store import named_sql
from homepot_ai.store.database import Database
from tests.support import small_fleet

ROOT = Path(__file__).resolve().parents[1]
#: Pages whose commands people copy.
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md")) + sorted((ROOT / "docs" / "guide").glob("*.md")) + [
    ROOT / "docs" / name for name in ("retention.md", "training-data.md", "incident-runbook.md")
]  # fmt: skip
#: The first words of what is a command, wherever it stands in code.
PROGRAMS = (
    "homepot-ai", "psql", "systemctl", "journalctl", "ollama", "curl", "df", "du", "timedatectl", "duckdb",
    ".venv/bin/python",
)  # fmt: skip
ROWS = named_sql.parse((ROOT / "tests" / "data" / "runbook_world.sql").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Command:
    """A command on a page, as one copies it; `line` is where it begins, `mention`: within a sentence."""

    page: str
    line: int
    text: str
    mention: bool = False

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.text}"


def commands(path: Path) -> Iterator[Command]:
    """Commands of a page: lines of its code blocks, and code within its sentences."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        block = re.match(r"^(?: {4,})(\S.*)$", line)
        found = [block[1]] if block else re.findall(r"`([^`]+)`", line)
        for code in found:
            if code.split(" ", 1)[0] in PROGRAMS and (block or " " in code):
                yield Command(path.relative_to(ROOT / "docs").as_posix(), number, code, not block)
    # Code that was broken by the end of a line.
    for broken in re.finditer(r"`([^`\n]+)\n\s*([^`\n]+)`", text):
        code = f"{broken[1]} {broken[2]}"
        if code.split(" ", 1)[0] in PROGRAMS:
            yield Command(
                path.relative_to(ROOT / "docs").as_posix(),
                text.count("\n", 0, broken.start()) + 1,
                code,
                True,
            )


def statements(path: Path) -> list[tuple[int, str]]:
    """SQL in the sentences and fenced blocks of a page, each with its line."""
    text = path.read_text(encoding="utf-8")
    found = re.finditer(r"`((?:SELECT|VACUUM|UPDATE|DELETE)\s[^`]+)`|```sql\n([^`]+)```", text)
    return [(text.count("\n", 0, one.start()) + 1, " ".join((one[1] or one[2]).split())) for one in found]


def fill(db: Database) -> None:
    """The numbers and names that pages use, each with a row of its own."""
    small_fleet(db, 6)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with db.admin() as conn:
        for statement in ROWS.values():
            conn.execute(statement, {"now": now, "old": now - timedelta(days=3)})
