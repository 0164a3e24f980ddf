"""What people decide about visits, and what they know of what happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import State
from pydantic import Field

from flows.common import FAILURE_HOOKS, RowId, as_utc, done, open_fleet, person, publish, utc_now
from homepot_ai.errors import PredictionError
from homepot_ai.prediction import visits_page
from homepot_ai.settings import load_settings
from tasks import visits

#: What clocks may differ by.
AHEAD = timedelta(hours=1)


class VisitAnswer(RunInput):
    """What a person says to the visits that a run shows."""

    decision: Literal["accept all", "decline all", "decide nothing"] = Field(
        default="decide nothing", description="About every proposed visit shown, or those in `only`."
    )
    only: str = Field(default="", description="Numbers of visits, separated by commas; empty: all shown.")
    by: str = Field(default="", description="Who says so.")
    comment: str = ""


@flow(name="plan-visits", timeout_seconds=3600, **FAILURE_HOOKS)
def plan_visits(
    site: Annotated[str, Field(max_length=200)] = "",
    ask: bool = False,
    wait_minutes: Annotated[int, Field(ge=1, le=45)] = 10,
    at: datetime | None = None,
) -> State[Any]:
    """Plan visits anew after hours, rates or decisions changed; with `ask`, wait for a person's yes or no.

    Args:
        site: a site's name, public id or number; empty: all.
        ask: pause and wait for an answer: "Resume" in the UI shows a form.
        wait_minutes: for so long; without an answer nothing is decided.
        at: the moment to plan for (UTC where no zone is given); default now.
    """
    now, database, settings = utc_now(), open_fleet(), load_settings()
    moment = now if at is None else as_utc(at)
    if moment > now + AHEAD:
        # Every warning would have been silent for too long by then, and end.
        raise PredictionError(f"{moment:%Y-%m-%d %H:%M} UTC lies in the future: leave `at` empty")
    # Before anything is planned: a site that is none is refused.
    visits.read_schedule(database, settings, site=site.strip(), now=moment)
    followed = visits.act_on_risks(database, settings, (), now=moment)
    found = visits.read_schedule(database, settings, site=site.strip(), now=moment)
    listed = visits_page.listing(found.visits, found.names, moment)
    publish("plan-visits", "\n".join([f"**{followed.acted.headline}**", "", *listed, ""]))
    waiting = [visit.id for visit in found.visits if visit.state == "proposed"]
    if not ask or not waiting:
        return done(f"{followed.acted.headline}; {len(waiting)} visits wait for a decision")
    try:
        answer = pause_flow_run(
            wait_for_input=VisitAnswer.with_initial_data(description="\n".join(listed)),
            timeout=wait_minutes * 60,
            poll_interval=2,
        )
    except FlowPauseTimeout:
        return done(f"nobody answered: {len(waiting)} visits still wait for a decision")
    if answer.decision == "decide nothing":
        return done("nothing was decided")
    chosen = _numbers(answer.only, waiting)
    decided = visits.decide_visits(
        database, settings, chosen, "accept" if answer.decision == "accept all" else "decline",
        by=person(answer.by), comment=answer.comment, now=utc_now() if at is None else moment,
    )  # fmt: skip
    found = visits.read_schedule(database, settings, site=site.strip(), now=moment)
    publish("plan-visits", visits_page.decided_page(decided, found.visits, found.names, moment))
    return done("; ".join(one.said for one in decided))


def _numbers(text: str, shown: list[int]) -> list[int]:
    """The visits that an answer is about.

    >>> _numbers("3, 1", [1, 2, 3]), _numbers(" ", [1, 2])
    ([3, 1], [1, 2])
    """
    words = text.replace(",", " ").split()
    if not all(word.isdecimal() and int(word) in shown for word in words):
        said = ", ".join(map(str, shown))
        raise PredictionError(f"{text!r} are no numbers of the visits shown ({said}): nothing was decided")
    return [int(word) for word in words] or shown


@flow(name="decide-visit", timeout_seconds=120, **FAILURE_HOOKS)
def decide_visit(
    visit: RowId = 0,
    decision: Literal["not said", "accept", "decline"] = "not said",
    by: Annotated[str, Field(max_length=100)] = "",
    comment: Annotated[str, Field(max_length=500)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Accept or decline a proposed visit. With nothing filled in it lists what is proposed.

    Args:
        visit: its number, as mails, artifacts and `homepot-ai visits` show it.
        decision: an accepted visit never moves by itself; a declined one is not proposed again for the same
            cause until the risk is higher.
        by: who says so.
        comment: optional, e.g. who goes.
        at: the moment of the decision (UTC where no zone is given); default now.
    """
    now, database, settings = utc_now(), open_fleet(), load_settings()
    moment = now if at is None else as_utc(at)
    decided = []
    if visit or decision != "not said":
        if not visit or decision == "not said":
            raise PredictionError("say both, which visit and whether it is accepted: nothing was decided")
        decided = visits.decide_visits(
            database, settings, [visit], decision, by=person(by), comment=comment, now=moment
        )
    found = visits.read_schedule(database, settings, site="", now=moment)
    publish("decide-visit", visits_page.decided_page(decided, found.visits, found.names, moment))
    return done(decided[0].said if decided else "nothing decided: no visit was named")


@flow(name="visit-done", timeout_seconds=120, **FAILURE_HOOKS)
def visit_done(
    visit: RowId = 0,
    by: Annotated[str, Field(max_length=100)] = "",
    comment: Annotated[str, Field(max_length=500)] = "",
    at: datetime | None = None,
) -> State[Any]:
    """Note that a visit was made: forecasts about the device count no further. With nothing filled in it
    lists.

    Args:
        visit: its number.
        by: who was there.
        comment: what was done.
        at: when (UTC where no zone is given); default: when it was planned, or now if that is still to come.
    """
    now, database, settings = utc_now(), open_fleet(), load_settings()
    noted = []
    if visit:
        noted = [
            visits.note_visit_done(
                database, settings, visit,
                at=None if at is None else as_utc(at), by=person(by), comment=comment, now=now,
            )
        ]  # fmt: skip
    found = visits.read_schedule(database, settings, site="", now=now)
    publish("visit-done", visits_page.decided_page(noted, found.visits, found.names, now))
    return done(noted[0].said if noted else "nothing noted: no visit was named")
