"""`homepot-ai hazards`: the failure model in force, and the fits before it."""

from __future__ import annotations

import typer

from homepot_ai.cli.common import say
from homepot_ai.settings import load_settings
from homepot_ai.store import hazards as store
from homepot_ai.store.database import Database
from homepot_ai.text import clean, table

app = typer.Typer()


@app.command()
def hazards() -> None:
    """List the fits of the failure model, newest first: what was adopted and why."""
    with Database.from_settings(load_settings()).reader() as conn:
        found = store.recent(conn, 20)
    if not found:
        say("nothing is fitted yet: `homepot-ai run learn-hazards`, or wait for Sunday")
        return
    rows = [
        (
            str(row.version),
            f"{row.fitted_at:%Y-%m-%d %H:%M}",
            "in force" if row.in_force else "kept" if row.payload_bytes else "",
            row.kind,
            f"{row.failures}",
            f"{row.devices}",
            clean(row.reason, 90),
        )
        for row in found
    ]
    say(
        table(
            ("model", "fitted, UTC", "", "kind", "failures", "devices", "why"), rows, "0> 0< 0< 0< 0> 0> 0<"
        )
    )
