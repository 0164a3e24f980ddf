"""`homepot-ai hazards`: the failure model in force, and the fits before it."""

from __future__ import annotations

import typer
from rich.console import Console

from homepot_ai.settings import load_settings
from homepot_ai.store import hazards as store
from homepot_ai.store.database import Database
from homepot_ai.text import clean, table

app = typer.Typer()
console = Console(highlight=False)


@app.command()
def hazards() -> None:
    """List the fits of the failure model, newest first: what was adopted and why."""
    with Database.from_settings(load_settings()).reader() as conn:
        found = store.recent(conn, 20)
    if not found:
        _print("nothing is fitted yet: `homepot-ai run learn-hazards`, or wait for Sunday")
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
    _print(
        table(
            ("model", "fitted, UTC", "", "kind", "failures", "devices", "why"), rows, "0> 0< 0< 0< 0> 0> 0<"
        )
    )


def _print(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
