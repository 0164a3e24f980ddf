"""`homepot-ai predict`: which devices will fail, or what is foretold of one."""

from __future__ import annotations

from typing import Annotated

import typer

from homepot_ai.cli.common import moment, opened, say, utc_now
from homepot_ai.fleet import metrics
from homepot_ai.text import clean, table

app = typer.Typer()


@app.command()
def predict(
    device: Annotated[
        str | None, typer.Argument(help="Its name, public id or number; else the worst.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="A past moment: 2026-11-20T08:00 (UTC), or 12h.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the worst.")] = 20,
) -> None:
    """Say what is foretold of a device; without one, list the newest risks, the gravest first."""
    from homepot_ai.prediction import page, stage
    from homepot_ai.store import predictions

    settings, db = opened()
    now = utc_now()
    if device is not None or at is not None:
        judged = stage.predict(
            db,
            settings,
            at=now if at is None else moment(at, now, back=True),
            now=now,
            device=device,
            store=device is not None,
        )
        lines = page.device_lines(judged) if device is not None else page.markdown(judged).splitlines()
        for line in lines:
            say(line)
        return
    with db.reader() as conn:
        newest, found = predictions.newest_run(conn), predictions.worst(conn, limit)
    if newest is None:
        say("nothing is foretold yet: `homepot-ai run predict-failures`, or wait for the full hour")
        return
    rows = [
        (
            f"{page.SYMBOLS[r.level]} {r.level}", clean(r.name), clean(r.site),
            "" if r.when_low is None else f"{metrics.label(r.metric or '')} from {r.when_low:%a %d %b %H:%M}",
            "" if r.p_7d is None else f"{r.p_7d:.1%}", clean(r.action, 100) if r.action else "",
        )
        for r in found
    ]  # fmt: skip
    say(f"● as of {newest:%Y-%m-%d %H:%M} UTC")
    say(table(("risk", "device", "site", "limit", "7 days", "do"), rows, "0< 0< 0< 0< 0> 0<"))
    say("  homepot-ai predict DEVICE tells why")
