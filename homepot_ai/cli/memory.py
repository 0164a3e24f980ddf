"""`homepot-ai` commands about what happened before: search, rebuild, check, record and judge."""

from __future__ import annotations

import getpass
import time
from typing import Annotated

import typer

from homepot_ai.cli.common import Number, console, moment, opened, say, utc_now
from homepot_ai.text import clean, table

app = typer.Typer()
memory_app = typer.Typer(help="What past incidents taught: search, check, rebuild.", no_args_is_help=True)
app.add_typer(memory_app, name="memory")


@memory_app.command()
def search(
    words: Annotated[str, typer.Argument(help="What it looks like, in your own words and language.")],
    category: Annotated[str | None, typer.Option(help="Known: storage, power, connectivity ...")] = None,
    device_type: Annotated[str | None, typer.Option(help="Known: pos_terminal, gateway ...")] = None,
) -> None:
    """Similar past incidents and passages of the operators' pages; nothing below the measured cut-off."""
    from homepot_ai.memory import embedder, manuals, page, passages, similar
    from homepot_ai.memory.advice import outcome_of
    from homepot_ai.memory.index import Folder
    from homepot_ai.memory.matching import Exact
    from homepot_ai.store import memory as store

    settings, db = opened()
    question = similar.Question(clean(words, 1000), Exact(device_type, category), utc_now())
    with db.reader() as conn:
        found = similar.find(conn, Folder.of(settings), settings, [question])[0]
        pages = store.passages(conn)
    if found.degraded:
        say(f"▲ {found.degraded}")
    if found.similar:
        rows = [
            (
                f"{s.similarity:.2f}",
                str(s.pattern.incident_id),
                f"{s.pattern.happened_at:%Y-%m-%d}",
                clean(s.pattern.description),
                clean(s.pattern.resolution or "none given"),
                outcome_of(s.pattern.outcome),
            )
            for s in found.similar
        ]
        header = ("similar", "incident", "when", "what it was", "resolution", "since")
        say(table(header, rows, "0> 0> 0< 0< 0< 0<"))
    else:
        say(page.similar(found)[0])
    if pages and not found.degraded:
        for quoted in passages.quoted(embedder.load(settings.memory), pages, [question.text])[0]:
            say(f"  {manuals.quote(quoted.passage)} ({quoted.similarity:.2f})")


@memory_app.command()
def rebuild(
    afresh: Annotated[
        bool, typer.Option(help="Begin again instead of going on with an interrupted one.")
    ] = False,
) -> None:
    """Build the index anew from the record, beside the one in force, then switch. Nothing is lost."""
    from homepot_ai.memory import keeping, manuals, page

    settings, db = opened()
    began = time.monotonic()
    keeping.learn_only(db, utc_now())
    with console.status("rebuilding ...") as status:
        checked = keeping.rebuild(
            db, settings, utc_now(), afresh=afresh,
            progress=lambda done, total: status.update(f"rebuilding: {done:,} of {total:,}"),
        )  # fmt: skip
    folder = manuals.read_folder(db, settings, utc_now())
    for one in checked:
        say(f"● {one.collection}: {one}")
    say(f"  {time.monotonic() - began:.0f} s")
    for line in page.pages(folder):
        say(f"  {line}")
    raise typer.Exit(0 if all(one.fine for one in checked) else 1)


@memory_app.command()
def check(
    repair: Annotated[bool, typer.Option(help="Put in order what differs.")] = True,
) -> None:
    """Compare the index with the record: count, ids and content hashes."""
    from homepot_ai.memory import keeping

    settings, db = opened()
    found = keeping.check(db, settings, utc_now(), repair=repair)
    for one in found:
        say(f"{'●' if one.fine else '▲'} {one.collection}: {one}")
    if repair and any(not one.fine and one.degraded is None for one in found):
        found = keeping.check(db, settings, utc_now(), repair=False)
        for one in found:
            say(f"{'●' if one.fine else '■'} {one.collection} after the repair: {one}")
    raise typer.Exit(0 if all(one.fine for one in found) else 1)


@memory_app.command()
def runbooks() -> None:
    """Read what changed in the operators' folder, and list what is in memory."""
    from homepot_ai.memory import manuals, page
    from homepot_ai.store import memory as store

    settings, db = opened()
    read = manuals.read_folder(db, settings, utc_now())
    with db.reader() as conn:
        known = store.manuals(conn)
    say(f"{read.folder}")
    for line in page.pages(read):
        say(f"  {line}")
    rows = [(m.path, str(m.passages), m.reason or "read") for m in known.values()]
    if rows:
        say(table(("file", "passages", "state"), rows, "0< 0> 0<"))


@app.command("record-action")
def record_action(
    incident: Number,
    action: Annotated[str, typer.Argument(help="What was done, in your own words.")],
    by: Annotated[str | None, typer.Option(help="Who did it; default you.")] = None,
    at: Annotated[str | None, typer.Option(help="When: 2026-11-20T08:15 (UTC); 2h: two hours ago.")] = None,
) -> None:
    """Record what was done about an incident; a day later it is judged whether it helped."""
    from homepot_ai.memory import acting

    _, db = opened()
    now = utc_now()
    done = acting.record(
        db, incident, action, by=by or getpass.getuser(), source="cli", now=now,
        at=None if at is None else moment(at, now, back=True),
    )  # fmt: skip
    said = "recorded" if done.new else "was recorded already: nothing written"
    say(f"● action on incident {incident} {said}; counted as: {done.action_key}")


@app.command()
def actions() -> None:
    """What was done and how often it helped, beside doing nothing."""
    from homepot_ai.memory.effect import effects
    from homepot_ai.store import actions as store

    _, db = opened()
    with db.reader() as conn:
        found = effects(store.tallies(conn, utc_now()))
    if not found:
        say('no action is recorded yet: homepot-ai record-action INCIDENT "what was done"')
        return
    rows = [(e.category, clean(e.action), str(e.taken), str(e.nothing), e.verdict) for e in found]
    say(table(("category", "action", "helped", "doing nothing", "what that says"), rows, "0< 0< 0< 0< 0<"))
