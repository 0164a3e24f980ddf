"""`homepot-ai verify`: is a PDF the report that was made here, and do the data still say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homepot_ai.cli.common import opened, say
from homepot_ai.errors import ReportError
from homepot_ai.text import clean

app = typer.Typer()
SHOWN = 40


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A report's PDF, as it was written or mailed.")],
) -> None:
    """Check a report's PDF against its own hash, the stored report, and today's database.

    Ends with 0 when everything agrees, 3 when the file was altered, 4 when it was not made here, 5 when
    data arrived or changed since (the differences are listed).
    """
    from homepot_ai.reporting import verify as verifying

    settings, db = opened()
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ReportError(f"{file} cannot be read: {error.strerror or error}") from error
    found = verifying.verify(db, settings, data)
    marks = {"genuine": "●", "later_data": "▲", "altered": "■", "unknown": "■"}
    for number, sentence in enumerate(found.sentences):
        say(f"{marks[found.finding] if number == 0 else ' '} {clean(sentence, 500)}")
    for item in found.differences[:SHOWN]:
        say(f"    {item.what}: {item.before} → {item.after}")
    if len(found.differences) > SHOWN:
        say(f"    and {len(found.differences) - SHOWN} more")
    if found.exit_code:
        raise typer.Exit(found.exit_code)
