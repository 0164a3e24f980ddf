"""`homepot-ai predict`: which devices will fail, or what is foretold of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from homepot_ai.errors import SettingsError
from homepot_ai.settings import load_settings
from homepot_ai.store.database import Database
from homepot_ai.text import clean, table

app = typer.Typer()
console = Console(highlight=False)


@app.command()
def predict(
    device: Annotated[
        str | None, typer.Argument(help="Its name, public id or number; else the worst.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="A past moment: 2026-11-20T08:00 (UTC).")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the worst.")] = 20,
) -> None:
    """Say what is foretold of a device; without one, list the newest risks, the gravest first."""
    from homepot_ai.prediction import page, stage
    from homepot_ai.store import predictions

    settings = load_settings()
    db, now = Database.from_settings(settings), datetime.now(UTC)
    if device is not None or at is not None:
        judged = stage.predict(
            db, settings, at=_moment(at) or now, now=now, device=device, store=device is not None
        )
        lines = page.device_lines(judged) if device is not None else page.markdown(judged).splitlines()
        for line in lines:
            _print(line)
        return
    with db.reader() as conn:
        newest, found = predictions.newest_run(conn), predictions.worst(conn, limit)
    if newest is None:
        _print("nothing is foretold yet: `homepot-ai run predict-failures`, or wait for the full hour")
        return
    rows = [
        (
            f"{page.SYMBOLS[r.level]} {r.level}", clean(r.name), clean(r.site),
            "" if r.when_low is None else f"{r.metric} from {r.when_low:%a %d %b %H:%M}",
            "" if r.p_7d is None else f"{r.p_7d:.1%}", clean(r.action, 100) if r.action else "",
        )
        for r in found
    ]  # fmt: skip
    _print(f"● as of {newest:%Y-%m-%d %H:%M} UTC")
    _print(table(("risk", "device", "site", "limit", "7 days", "do"), rows, "0< 0< 0< 0< 0> 0<"))
    _print("  homepot-ai predict DEVICE tells why")


def _print(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no moment; write for example 2026-11-20T08:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
