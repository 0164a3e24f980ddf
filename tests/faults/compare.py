"""Whether two databases hold the same work: table by table, row by row, but for what no two runs share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from homepot_ai.store.database import Database

#: Who read and wrote what, and what was told of it, each time it is done: a second attempt is written down.
NOT_COMPARED = {"ai_audit_log", "ai_service_checks", "ai_alembic_version", "ai_watch_alarms"}
#: What no two runs share: counted identities (a rolled back row leaves a hole) and what names one, and what
#: is read off a clock.
NO_TWO_ALIKE = {
    "id", "prediction_id", "claimed_at", "claimed_by", "sent_at", "last_answer", "attempts", "not_before",
    "recorded_at", "payload", "seconds", "scored_at", "created_at", "updated_at", "queued_at", "generated_at",
    "made_at",
}  # fmt: skip
#: What is told of an incident that is noticed by the next run is dated and numbered by that run.
OF_THIS_TABLE = {
    "ai_alert_messages": {"at", "told_at", "message_id", "due_at"},
    "ai_mail_outbox": {"message_id"},
    "ai_incidents": {"opened_at"},
    "ai_incident_devices": {"joined_at"},
    "ai_incident_events": {"at", "alerted_at"},
    "ai_baselines": {"digest", "version", "at", "fitted_at"},
}
#: Of these it is compared at least whether they are there.
THERE_OR_NOT = {"prediction_id", "opened_at", "joined_at", "alerted_at", "sent_at"}
Content = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Difference:
    """Rows that are missing, and rows that are too many, by table; one of each, for whoever looks into it."""

    lost: dict[str, int]
    twice: dict[str, int]
    examples: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        return "\n".join((f"lost {self.lost}, too many {self.twice}", *self.examples))


def content(database: Database) -> Content:
    """Every row of our tables."""
    with database.admin() as conn:
        tables = conn.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
            [database.schema],
        ).fetchall()
        return {
            table: [
                row
                for (row,) in conn.execute(
                    f'SELECT to_jsonb(t) FROM "{database.schema}"."{table}" t'
                ).fetchall()
            ]
            for (table,) in tables
            if table not in NOT_COMPARED
        }


def differ(expected: Content, found: Content) -> Difference:
    """Rows lost and rows too many."""
    lost, twice, examples = {}, {}, []
    for table, rows in expected.items():
        should, have = _values(table, rows), _values(table, found[table])
        if missing := should - have:
            lost[table] = sum(missing.values())
            examples.append(f"{table} lost {min(missing).decode()}")
        if extra := have - should:
            twice[table] = sum(extra.values())
            examples.append(f"{table} too many {min(extra).decode()}")
    return Difference(lost, twice, tuple(examples))


def _values(table: str, rows: list[dict[str, Any]]) -> Counter[bytes]:
    left_out = NO_TWO_ALIKE | OF_THIS_TABLE.get(table, set())
    return Counter(
        orjson.dumps(
            {c: c in left_out or _plain(c, row[c]) for c in row if c not in left_out or c in THERE_OR_NOT}
            | {f"{c} is there": row[c] is not None for c in THERE_OR_NOT & row.keys()},
            option=orjson.OPT_SORT_KEYS,
        )
        for row in rows
    )


def _plain(column: str, value: Any) -> Any:
    """A collection's name without the number of its build: a second attempt is another build. Details without
    the counted identity of an action, as its own table: a rolled back one leaves a hole.
    """
    if column == "active" and isinstance(value, str):
        return value.rpartition(".")[0]
    if column == "details" and isinstance(value, dict):
        return {name: name == "action_id" or one for name, one in value.items()}
    return value
