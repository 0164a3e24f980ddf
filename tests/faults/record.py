"""One row for each fault: what was done, what it cost, and the page that shows them all.

    python -m tests.faults.record               docs/faults.md from docs/faults.jsonl
    python -m tests.faults.record again FILE    first with the rows of tests that were run again alone

`scripts/test --faults` writes the rows while it runs (into the file HOMEPOT_AI_FAULTS_RECORD), then the page.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "docs" / "faults.jsonl"
PAGE = ROOT / "docs" / "faults.md"
VARIABLE = "HOMEPOT_AI_FAULTS_RECORD"

AREAS = ("process", "database", "memory", "model", "mail", "disk", "clock", "telemetry", "scheduler")


@dataclass
class Case:
    """A fault and what came of it.

    Attributes:
        test: the test that did it.
        area: one of AREAS.
        injected: what was done, in a few words.
        lost: rows, minutes or mails that should be there and are not; `of` says what was counted.
        twice: rows too many, and mails that arrived more than once.
        held: mails in the one window of SMTP (handed over, no answer): held, or sent again with the same id.
        heal_s: seconds from the end of the fault until all was judged well; None: nothing had to heal.
        told: where an operator reads of it.
    """

    test: str
    area: str = ""
    injected: str = ""
    lost: int = -1
    of: str = ""
    twice: int = -1
    held: int = 0
    heal_s: float | None = None
    told: str = ""

    def inject(self, area: str, what: str) -> None:
        """Say what is about to be done."""
        assert area in AREAS
        self.area, self.injected = area, what

    @contextmanager
    def healing(self) -> Iterator[None]:
        """From the end of the fault to the end of the block all becomes well again."""
        began = time.monotonic()
        yield
        self.heal_s = round((self.heal_s or 0.0) + time.monotonic() - began, 1)

    def judge(self, *, lost: int, of: str, twice: int, held: int = 0, told: str = "") -> None:
        """What it cost. Nothing may be lost, nothing may be there twice outside the window."""
        self.lost, self.of, self.twice, self.held, self.told = lost, of, twice, held, told
        assert (lost, twice) == (0, 0), f"{self.injected}: lost {lost}, twice {twice} ({of})"


def write(case: Case, *, passed: bool) -> None:
    """Add a row to the record, where one is kept."""
    if (path := os.environ.get(VARIABLE)) and case.injected:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(case) | {"passed": passed}) + "\n")


def page(lines: Iterable[str]) -> str:
    """The page, from the lines of a record; the first tells when and where."""
    entries = [json.loads(line) for line in lines]
    head, rows = entries[0], entries[1:]
    rows.sort(key=lambda row: (AREAS.index(row["area"]), row["test"]))
    good = sum(row["passed"] for row in rows)
    held = sum(row["held"] for row in rows)
    longest = max((row["heal_s"] or 0.0 for row in rows), default=0.0)
    parts = [
        "# What was done to it, and what that cost\n",
        "`./scripts/test --faults` does all of this to a real installation and writes this page; the quick "
        "ones run with every `./scripts/test`. Nothing is written by hand below this line.\n",
        f"{head['at'][:10]}, {head['machine']}: **{good} of {len(rows)} faults survived**{_again(rows)}; "
        f"rows and mails lost: {sum(max(0, row['lost']) for row in rows)}, there twice: "
        f"{sum(max(0, row['twice']) for row in rows)}, in SMTP's one window: {held} "
        "(handed over, no answer: a report is held for an operator, an alert goes again with the same "
        f"Message-ID; see [mail](mail.md)). Longest time to heal: {longest:.0f} s.\n",
        "*Lost* is counted against the same work undisturbed: rows of our tables, minutes, mails at the "
        "mail server. *Twice* counts rows too many and mails that arrived more than once. *Healed* is the "
        "time from the end of the fault until all was judged well, the next run included; - where nothing "
        "had to heal.\n",
    ]
    for area in AREAS:
        mine = [row for row in rows if row["area"] == area]
        if not mine:
            continue
        parts.append(f"## {area.capitalize()}\n")
        parts.append("| done to it | lost | twice | in the window | healed, s | where it is told |")
        parts.append("|---|---|---:|---:|---:|---|")
        parts += [_line(row) for row in mine]
        parts.append("")
    return "\n".join(parts)


def _again(rows: Sequence[dict[str, object]]) -> str:
    """How many are from runs of their own, after the whole one: added since, or run again."""
    many = sum("again" in row for row in rows)
    return f", {many} of them in runs of their own" if many else ""


def run_again(record: Iterable[str], rows: Iterable[str]) -> list[str]:
    """A record in which the rows of tests that were run again alone stand for the old ones, and say so.

    >>> run_again(['{}', '{"test": "a", "lost": -1}'], ['{"test": "a", "lost": 0}'])
    ['{}', '{"test": "a", "lost": 0, "again": true}']
    """
    first, *old = record
    new = [json.loads(row) | {"again": True} for row in rows]
    names = {row["test"] for row in new}
    return [first, *(row for row in old if json.loads(row)["test"] not in names), *map(json.dumps, new)]


def _line(row: dict[str, object]) -> str:
    heal = "-" if row["heal_s"] is None else f"{row['heal_s']:.1f}"
    failed = "" if row["passed"] else " **did not survive**"
    cells = (
        f"{row['injected']}{failed}", f"{row['lost']} of {row['of']}", row["twice"], row["held"], heal,
        row["told"] or "-",
    )  # fmt: skip
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def head() -> str:
    """The first line of a record."""
    cores = os.cpu_count()
    return json.dumps(
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{cores} cores, {platform.system()}",
        }
    )


def main(arguments: Sequence[str]) -> int:
    """`begin FILE` starts a record, `again FILE` takes rows into it; by default only the page is written."""
    if arguments and arguments[0] == "begin":
        Path(arguments[1]).write_text(head() + "\n", encoding="utf-8")
        return 0
    if arguments:
        rows = Path(arguments[1]).read_text(encoding="utf-8").splitlines()
        merged = run_again(ROWS.read_text(encoding="utf-8").splitlines(), rows)
        ROWS.write_text("\n".join(merged) + "\n", encoding="utf-8")
    PAGE.write_text(page(ROWS.read_text(encoding="utf-8").splitlines()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
