"""How long each kind of row is kept: pure, and the whole list.

A rule's rows leave together in one transaction: their archive is on disk and verified when it commits.
What it takes is said in `sql/old.sql`, once for counting and for taking.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, LiteralString

from homepot_ai.settings import RetentionSettings

Span = Literal["day", "month"]


@dataclass(frozen=True)
class Rule:
    """What leaves after so many days.

    Attributes:
        name: of the statements in `old.sql`.
        days: the setting (`retention.…`) that says how many.
        tables: parts of one row of the last of them; what refers to others comes before them.
        span: one archive file holds a UTC day or a month; what leaves is cut there as well.
        chosen: its rows are chosen first, and their parts are taken by their ids.
        let_go: a statement makes others stop pointing at the chosen ones.
        after: not where this rule failed: its rows are still referred to.
    """

    name: LiteralString
    days: str
    tables: tuple[LiteralString, ...]
    span: Span = "month"
    chosen: bool = False
    let_go: bool = False
    after: str = ""


#: In this order: what others refer to leaves after them.
RULES = (
    Rule("metric_hours", "hour_days", ("ai_metric_hours",), "day"),
    Rule("health_hours", "hour_days", ("ai_health_hours",), "day"),
    Rule("minutes", "hour_days", ("ai_scoring_minutes",), "day"),
    Rule("gaps", "score_days", ("ai_device_gaps",), "day"),
    Rule("calls", "score_days", ("ai_llm_calls",), "day"),
    Rule("questions", "score_days", ("ai_questions",), "day"),
    Rule("visits", "ledger_days", ("ai_maintenance_schedule",)),
    Rule("warnings", "ledger_days", ("ai_risk_episodes",)),
    Rule("forecasts", "ledger_days", ("ai_predictions",)),
    Rule("lessons", "ledger_days", ("ai_prediction_rules",)),
    Rule("fits", "ledger_days", ("ai_baseline_fits",)),
    Rule("sizes", "size_days", ("ai_watch_sizes",)),
    Rule("outbox_mail", "outbox_days", ("ai_mail_outbox",)),
    Rule("outbox_channels", "outbox_days", ("ai_alerts_outbox",)),
    Rule("audit", "audit_days", ("ai_audit_log",)),
    Rule("backups", "audit_days", ("ai_backups",)),
    Rule("drills", "audit_days", ("ai_restore_drills",)),
    Rule("alarms", "audit_days", ("ai_watch_alarms",)),
    Rule(
        "incidents",
        "incident_days",
        (
            "ai_incident_devices",
            "ai_incident_anomalies",
            "ai_incident_events",
            "ai_alert_messages",
            "ai_suppressed",
            "ai_actions",
            "ai_incident_patterns",
            "ai_incidents",
        ),
        chosen=True,
        let_go=True,
    ),
    Rule(
        "anomalies", "incident_days", ("ai_anomaly_marks", "ai_anomaly_logs"), chosen=True, after="incidents"
    ),
    Rule("outcomes", "incident_days", ("ai_incident_patterns", "ai_device_outcomes"), chosen=True),
    Rule("thresholds", "incident_days", ("ai_alarm_thresholds",)),
    Rule("windows", "incident_days", ("ai_windows",)),
    Rule("hazards", "report_days", ("ai_hazard_models",)),
    Rule("backtests", "report_days", ("ai_backtests",)),
    Rule("reports", "report_days", ("ai_report_editions", "ai_reports")),
)


def midnight(moment: datetime) -> datetime:
    """The beginning of a moment's UTC day.

    >>> midnight(datetime(2026, 11, 20, 3, 25, tzinfo=UTC)).isoformat()
    '2026-11-20T00:00:00+00:00'
    """
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def first_kept(now: datetime, days: int) -> datetime:
    """The first UTC day that is kept.

    >>> first_kept(datetime(2026, 11, 20, 3, 25, tzinfo=UTC), 14).isoformat()
    '2026-11-06T00:00:00+00:00'
    """
    return midnight(now) - timedelta(days=days)


def boundary(rule: Rule, settings: RetentionSettings, now: datetime) -> datetime:
    """What is older than this leaves; of monthly archives whole months only.

    >>> settings = RetentionSettings()
    >>> now = datetime(2026, 11, 20, 3, 25, tzinfo=UTC)
    >>> by_name = {rule.name: rule for rule in RULES}
    >>> boundary(by_name["questions"], settings, now).isoformat()
    '2026-11-06T00:00:00+00:00'
    >>> boundary(by_name["forecasts"], settings, now).isoformat()
    '2026-05-01T00:00:00+00:00'
    """
    return begin(first_kept(now, int(getattr(settings, rule.days))), rule.span)


def begin(moment: datetime, span: Span) -> datetime:
    """The beginning of the UTC day or month that a moment lies in."""
    day = midnight(moment)
    return day if span == "day" else day.replace(day=1)


def end(moment: datetime, span: Span) -> datetime:
    """The end of the UTC day or month that a moment lies in.

    >>> end(datetime(2026, 12, 31, 23, tzinfo=UTC), "month").isoformat()
    '2027-01-01T00:00:00+00:00'
    """
    first = begin(moment, span)
    # The 31 days after the first of a month end in the next month.
    return first + timedelta(days=1) if span == "day" else begin(first + timedelta(days=31), span)


def label(moment: datetime, span: Span) -> str:
    """How an archive file is called.

    >>> label(datetime(2026, 5, 20, tzinfo=UTC), "month"), label(datetime(2026, 5, 20, tzinfo=UTC), "day")
    ('2026-05', '2026-05-20')
    """
    return f"{moment:%Y-%m}" if span == "month" else f"{moment:%Y-%m-%d}"
