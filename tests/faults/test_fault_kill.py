"""kill -9 in the middle of every kind of flow, then the flow again: as if nothing had happened.

Each flow runs undisturbed, which tells how many points it passes and what it writes; then it is killed at
points up to the last, run again, and every row of our tables is compared. In either case the mails are sent
and, behind scoring, the next minute comes: what was killed right after it had stored is told by that one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.faults.compare import content, differ
from tests.faults.conftest import NOW, Bed, Copy
from tests.faults.record import Case
from tests.mail_helpers import received

pytestmark = pytest.mark.faults

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
#: Where a flow is killed: shares of its points; 1.0 is right after the last.
WHERE = (0.4, 0.8, 1.0)


LATER = NOW + timedelta(hours=1)
SCORED = ("flows.health.score_health", NOW, {})
NEXT_MINUTE = ("flows.health.score_health", NOW + MINUTE, {})
PREDICTED = ("flows.predict.predict_failures", NOW, {})
SENT = ("flows.mail.deliver", LATER, {})


@dataclass(frozen=True)
class Victim:
    """A flow, when it runs and what has to be there before."""

    flow: str
    at: datetime = NOW
    parameters: dict[str, Any] = field(default_factory=dict)
    before: tuple[tuple[str, datetime, dict[str, Any]], ...] = ()
    after: tuple[tuple[str, datetime, dict[str, Any]], ...] = (SENT,)


VICTIMS = {
    "score-health": Victim("flows.health.score_health", after=(NEXT_MINUTE, SENT)),
    "deliver": Victim("flows.mail.deliver", before=(SCORED,), at=NOW + MINUTE),
    "predict-failures": Victim("flows.predict.predict_failures"),
    "settle-predictions": Victim("flows.settling.settle_predictions", before=(PREDICTED,), at=NOW + 2 * DAY),
    "judge-actions": Victim("flows.incident_memory.judge_actions", before=(SCORED,), at=NOW + 2 * DAY),
    "investigate-incident": Victim(
        "flows.incident_memory.investigate_incident", before=(SCORED,), at=NOW + MINUTE
    ),
    "rebuild-embeddings": Victim(
        "flows.incident_memory.rebuild_embeddings", before=(SCORED,), at=NOW + MINUTE
    ),
    "learn-baselines": Victim("flows.learning.learn_baselines"),
    "learn-hazards": Victim("flows.hazards.learn_hazards"),
    "daily-report": Victim("flows.reports.daily_report", parameters={"timezone": "Europe/Berlin"}),
    "weekly-report": Victim("flows.reports.weekly_report", parameters={"timezone": "Europe/Berlin"}),
    "monthly-report": Victim("flows.reports.monthly_report", parameters={"timezone": "Europe/Berlin"}),
    "custom-report": Victim(
        "flows.reports_asked.custom_report",
        parameters={"start": "2026-11-10", "end": "2026-11-17", "recipients": ["ops@homepot.example"]},
    ),
    "incident-report": Victim("flows.reports_asked.incident_report", before=(SCORED,), at=NOW + MINUTE),
    "record-action": Victim(
        "flows.incident_memory.record_action",
        parameters={"incident": 1, "action": "Power supply replaced", "by": "anna"},
        before=(SCORED,),
        at=NOW + MINUTE,
    ),
    "mark": Victim(
        "flows.marks.mark",
        parameters={"incident": 1, "verdict": "true", "comment": "seen on site", "by": "anna"},
        before=(SCORED,),
        at=NOW + MINUTE,
    ),
    "export-training-data": Victim(
        "flows.upkeep.export_training_data", parameters={"dry_run": False}, before=(SCORED,), at=NOW + DAY
    ),
    "plan-visits": Victim("flows.visits.plan_visits", before=(PREDICTED,), at=NOW + MINUTE),
    "clean-event-cache": Victim(
        "flows.upkeep.clean_event_cache", parameters={"dry_run": False}, at=NOW + 8 * DAY
    ),
    "apply-retention": Victim(
        "flows.upkeep.apply_retention", parameters={"dry_run": False}, at=NOW + 15 * DAY
    ),
}


def prepared(bed: Bed, victim: Victim) -> Copy:
    copy = bed.clone()
    for flow, at, parameters in victim.before:
        # Without a mail server: what they queue stays queued, as work for the victim.
        copy.environment["HOMEPOT_AI_MAIL__PORT"] = "9"
        assert copy.run(flow, at, **parameters)["good"]
    copy.environment.clear()
    return copy


def run_through(copy: Copy, victim: Victim, kill_after: int | None) -> int:
    """The flow, killed where asked and then run again, and what follows it; returns the points it passed."""
    if kill_after is not None:
        killed = copy.run(victim.flow, victim.at, kill_after, **victim.parameters)
        assert "killed" in killed, killed
    done = copy.run(victim.flow, victim.at, **victim.parameters)
    assert done["good"], done
    for flow, at, parameters in victim.after:
        assert copy.run(flow, at, **parameters)["good"]
    return int(done["points"])


def mails(bed: Bed, copy: Copy, seen: Counter[str]) -> tuple[int, int, int]:
    """(lost, twice, in the window): mails of this copy's outbox against the mail server."""
    arrived = received(bed.sink.directory) - seen
    states = dict(copy.rows("SELECT message_id, state::text FROM ai_mail_outbox"))
    lost = sum(arrived[message] == 0 for message, state in states.items() if state == "sent")
    twice = sum(arrived[message] > 1 for message in states)
    return lost, twice, sum(state == "unknown" for state in states.values())


@pytest.mark.parametrize("name", VICTIMS)
def test_killed_at_every_stage(bed: Bed, case: Case, name: str) -> None:
    victim = VICTIMS[name]
    copy = prepared(bed, victim)
    try:
        points = run_through(copy, victim, None)
        expected = content(copy.database)
    finally:
        copy.drop()
    where = sorted({max(1, round(points * share)) for share in WHERE})
    case.inject(
        "process", f"kill -9 of {name} after {', '.join(map(str, where))} of its {points} steps outside"
    )
    rows = sum(map(len, expected.values()))
    lost = twice = held = 0
    told = []
    for point in where:
        copy = prepared(bed, victim)
        try:
            seen = received(bed.sink.directory)
            with case.healing():
                run_through(copy, victim, point)
            found = differ(expected, content(copy.database))
            mail = mails(bed, copy, seen)
            lost += sum(found.lost.values()) + mail[0]
            twice += sum(found.twice.values()) + mail[1]
            held += mail[2]
            if found.lost or found.twice:
                told.append(f"at {point}: {found.what}")
        finally:
            copy.drop()
    assert case.heal_s is not None
    case.heal_s = round(case.heal_s / len(where), 1)
    if told:
        print("\n".join(told))
    case.judge(
        lost=lost,
        of=f"{rows:,} rows, {len(where)} times",
        twice=twice,
        held=held,
        told="run Crashed; next run",
    )
