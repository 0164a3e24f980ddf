"""Two sites with a row of everything in each; what is of the second bears a word of its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import orjson

from homepot_ai.store.database import Connection, Database

#: A Wednesday, ten in the morning in Berlin.
NOW = datetime.fromisoformat("2026-11-18T09:00:00+00:00")
SECRET = "Verboten"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fill(db: Database, now: datetime = NOW) -> None:
    """Write both sites: the first's devices are 1 to 6, the second's 101 to 106."""
    with db.admin() as conn:
        conn.execute(
            "SELECT ai_make_score_partitions(%s, %s)", (now.date() - timedelta(3), now.date() + timedelta(1))
        )
        for minute in range(60 * 26):
            at = now - timedelta(minutes=minute)
            _put(
                conn,
                "ai_scoring_minutes",
                shard=0,
                at=at,
                devices=12,
                healthy=6,
                warning=2,
                critical=2,
                no_data=2,
                in_maintenance=0,
                not_scored=0,
                rows_read=24,
                rejected="{}",
                seconds=0.4,
                scored_at=at,
            )
        _put(conn, "ai_prediction_rules", made_at=now - HOUR, thresholds="{}", leaders="{}", record="{}")
        _put(
            conn,
            "ai_service_checks",
            service="mail",
            state="down",
            detail=f"{SECRET}.example.org does not answer",
            checked_at=now,
            since=now - HOUR,
        )
        site(conn, 1, "Berlin", "Europe/Berlin", now, word="")
        site(conn, 2, f"{SECRET} Hamburg", "America/New_York", now, word=f"{SECRET} ")


def site(conn: Connection, number: int, name: str, zone: str, now: datetime, *, word: str) -> None:
    """One site with six devices and whatever can happen to them."""
    first = (number - 1) * 100 + 1
    _put(
        conn,
        "sites",
        id=number,
        site_id=f"{word.strip()}SITE-{number}",
        name=name,
        location=f"{word}Street 1",
        is_active=True,
        lifecycle_state="active",
    )
    rates = {"currency": "EUR", "downtime_hour": 120.0, "visit": 80.0}
    _put(conn, "ai_site_settings", site_id=number, timezone=zone, cost_rates=_json(rates), updated_at=now)
    for weekday in range(7):
        _put(
            conn,
            "site_operating_schedules",
            site_id=number,
            day_of_week=weekday,
            open_time="08:00",
            close_time="20:00",
            is_closed=weekday == 6,
            is_maintenance_window=weekday == 6,
            peak_hours_start="12:00",
            peak_hours_end="14:00",
        )
    kinds = ("pos_terminal", "pos_terminal", "gateway", "iot_sensor", "pos_terminal", "tablet")
    names = ("POS 1", "POS 2", "Gateway", "Freezer hub", "POS 13", "Staff tablet")
    for place, (kind, label) in enumerate(zip(kinds, names, strict=True)):
        device(conn, first + place, number, f"{word}{label}", kind, place, now, word=word)
    troubles(conn, number, first, now, word=word)


def device(
    conn: Connection, id_: int, site_id: int, name: str, kind: str, place: int, now: datetime, *, word: str
) -> None:
    """A device with a day of scores and two of hours; the second is ill, the sixth silent."""
    _put(
        conn,
        "devices",
        id=id_,
        device_id=f"{word.strip()}DEVICE-{id_:04d}",
        name=name,
        device_type=kind,
        lifecycle_state="active",
        site_id=site_id,
        is_active=True,
        is_simulated=False,
        firmware_version=f"{word}4.{place}",
        created_at=now - 90 * DAY,
    )
    status = {1: "critical", 2: "warning", 5: "no_data"}.get(place, "healthy")
    score = {1: 0.12, 2: 0.55, 5: None}.get(place, 0.97)
    factors = _json(
        [
            {
                "metric": "cpu_percent",
                "kind": "baseline",
                "contribution": 0.8,
                "observed": 97.5,
                "low": 5.0,
                "high": 45.0,
            }
        ]
    )
    rows = []
    for minute in range(60 * 24 + 1):
        at = now - timedelta(minutes=minute)
        ill = status != "healthy" and minute < 300
        rows.append(
            (
                id_,
                at,
                score if ill or status == "healthy" else 0.97,
                status if ill else "healthy",
                factors if ill and score is not None else None,
            )
        )
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ai_health_scores (device_id, at, score, status, sample_count, data_age_seconds, "
            "factors) "
            "VALUES (%s, %s, %s, %s, 2, 12.5, %s)",
            rows,
        )
    for hours in range(49, 0, -1):
        low, high = 20.0 + place, 40.0 + place + (49 - hours) * 0.5
        _put(
            conn,
            "ai_metric_hours",
            device_id=id_,
            hour=now - hours * HOUR,
            metrics=["cpu_percent", "disk_percent" if place != 3 else f"{word.strip().lower()}draught"],
            n=[120, 120],
            mean=[30.0 + place, high],
            min=[low, low],
            max=[50.0, high + 1],
            last=[31.0, high],
        )
    for minute in range(90):
        _put(
            conn,
            "device_metrics",
            timestamp=(now - timedelta(minutes=minute, seconds=20)).replace(tzinfo=None),
            device_id=id_,
            cpu_percent=30.0 + place,
            disk_percent=65.0 + place,
            provenance="controlled",
        )
    if status == "no_data":
        _put(
            conn,
            "ai_device_gaps",
            device_id=id_,
            status="no_data",
            last_sample_at=now - 5 * HOUR,
            noticed_at=now - 5 * HOUR,
        )
    for kind_, text in (
        ("configuration_change", "poll interval changed"),
        ("error_burst", "4 errors in 15 minutes"),
        ("failed_job", "job update failed"),
    ):
        _put(
            conn,
            "ai_event_cache",
            device_id=id_,
            at=now - (place + 1) * HOUR,
            kind=kind_,
            key=kind_,
            summary=f"{word}{text}",
            expires_at=now + DAY,
        )


def troubles(conn: Connection, number: int, first: int, now: datetime, *, word: str) -> None:
    """Incidents open and closed, what was done, who was told, forecasts, visits, reports, windows."""
    ids = []
    for offset, (state, device_id, title, cause, age) in enumerate(
        (
            ("closed", first + 1, "CPU too high on POS 2", "cpu_percent.high", 12 * DAY),
            ("open", first + 1, "CPU too high on POS 2", "cpu_percent.high", 5 * HOUR),
            ("acknowledged", first + 5, "Staff tablet is silent", "silent", 5 * HOUR),
        )
    ):
        closed = state == "closed"
        ids.append(
            _put(
                conn,
                "ai_incidents",
                returning="id",
                fingerprint=f"{number}:{cause}:{offset}",
                kind="device",
                site_id=number,
                root_device_id=device_id,
                device_type="pos_terminal",
                cause=cause,
                category="performance",
                title=f"{word}{title}",
                state=state,
                severity="critical" if offset < 2 else "warning",
                initial_severity="warning",
                peak_severity="critical",
                started_at=now - age,
                opened_at=now - age,
                acknowledged_at=now - age + HOUR if state != "open" else None,
                acknowledged_by=f"{word}Ada" if state != "open" else None,
                closed_at=now - age + 3 * HOUR if closed else None,
                closed_by=f"{word}Bob" if closed else None,
                resolution=f"{word}restarted the service" if closed else None,
                devices=1,
                peak_devices=1,
                initial="{}",
                facts="{}",
                recurrence=int(offset == 1),
                flapping=offset == 1,
                mark=True if closed else None,
                updated_at=now - HOUR,
            )
        )
        _put(
            conn,
            "ai_incident_devices",
            incident_id=ids[-1],
            device_id=device_id,
            joined_at=now - age,
            left_at=now - age + 3 * HOUR if closed else None,
        )
        _put(
            conn,
            "ai_incident_events",
            incident_id=ids[-1],
            at=now - age,
            kind="opened",
            actor="rule",
            comment=f"{word}opened",
        )
    past, live, quiet = ids
    anomaly = _put(
        conn,
        "ai_anomaly_logs",
        returning="id",
        device_id=first + 1,
        status="open",
        metrics="[]",
        created_at=now,
        started_at=now - 5 * HOUR,
        severity="critical",
        metric="cpu_percent",
        observed=97.5,
        expected_low=5.0,
        expected_high=45.0,
        initial_score=0.5,
        peak_score=0.1,
        mark=True,
    )
    _put(conn, "ai_incident_anomalies", incident_id=live, anomaly_id=anomaly)
    _put(conn, "ai_anomaly_marks", anomaly_id=anomaly, verdict="true", marked_by=f"{word}Ada", marked_at=now)
    _put(
        conn,
        "ai_incident_patterns",
        kind="incident",
        incident_id=past,
        device_id=first + 1,
        site_id=number,
        device_type="pos_terminal",
        category="performance",
        severity="critical",
        metrics=["cpu_percent:high"],
        pattern_description=f"{word}cpu",
        content_hash="x",
        resolution=f"{word}restarted the service",
        outcome="held",
        happened_at=now - 12 * DAY,
        created_at=now,
    )
    _put(
        conn,
        "ai_actions",
        key=f"a{number}",
        incident_id=past,
        device_id=first + 1,
        category="performance",
        kind="taken",
        action=f"{word}restarted the service",
        action_key="restart",
        done_by=f"{word}Bob",
        done_at=now - 12 * DAY + 2 * HOUR,
        recorded_at=now - 11 * DAY,
        source="flow",
        outcome="helped",
        judged_at=now - 10 * DAY,
    )
    for incident, state in ((live, "told"), (quiet, "not_told")):
        told = state == "told"
        _put(
            conn,
            "ai_alert_messages",
            incident_id=incident,
            channel="mail",
            kind="opened",
            severity="critical",
            address=f"{word.strip().lower()}ops{number}@example.org",
            at=now - 5 * HOUR,
            state=state,
            why=None if told else "budget",
            told_at=now - 5 * HOUR if told else None,
            page=f"p{number}" if told else None,
        )
    _put(conn, "ai_suppressed", incident_id=quiet, why="budget", begun_at=now - 4 * HOUR)
    for place, level in ((1, "critical"), (4, "high"), (0, "low")):
        high = level != "low"
        _put(
            conn,
            "ai_device_risks",
            device_id=first + place,
            at=now - HOUR / 2,
            level=level,
            p_24h=0.2,
            p_7d=0.6,
            p_30d=0.7,
            cause="disk_percent.high" if high else None,
            metric="disk_percent" if high else None,
            when_low=now + DAY if high else None,
            when_mid=now + 2 * DAY if high else None,
            when_high=now + 4 * DAY if high else None,
            forecaster="hazard",
            version="1",
            action=f"{word}clean the disk" if high else None,
        )
    _put(
        conn,
        "ai_risk_episodes",
        device_id=first + 1,
        site_id=number,
        cause="failure",
        level="high",
        raised_at=now - 20 * DAY,
        last_at=now - 19 * DAY,
        ended_at=now - 19 * DAY,
        due_at=now - 13 * DAY,
        outcome="came_true",
        settled_at=now - 12 * DAY,
    )
    _put(
        conn,
        "ai_device_outcomes",
        device_id=first + 1,
        at=now - 12 * DAY,
        ended_at=now - 12 * DAY + 3 * HOUR,
        kind="failure",
        cause="cpu",
        source="incident",
        reference=str(past),
        recorded_by="rule",
        recorded_at=now - 11 * DAY,
        changed_at=now - 11 * DAY,
    )
    _put(
        conn,
        "ai_predictions",
        made_at=now - 6 * HOUR,
        device_id=first + 2,
        site_id=number,
        kind="limit",
        horizon="",
        from_at=now - 6 * HOUR,
        due_at=now + 30 * DAY,
        metric="disk_percent",
        low=(now + 5 * DAY).timestamp(),
        mid=(now + 6 * DAY).timestamp(),
        high=(now + 9 * DAY).timestamp(),
        unit="s",
        coverage=0.8,
        forecaster="trend",
        version="1",
        reason="daily",
    )
    _put(
        conn,
        "ai_maintenance_schedule",
        device_id=first + 1,
        site_id=number,
        cause="failure",
        visit_at=now + DAY,
        visit_until=now + DAY + HOUR,
        timezone="Europe/Berlin",
        state="proposed",
        reason=f"{word}it may fail",
        action=f"{word}clean the disk",
        level="critical",
        probability=0.6,
        cost=80,
        cost_if_not=400,
        currency="EUR",
        proposed_at=now - HOUR,
        updated_at=now - HOUR,
    )
    _put(
        conn,
        "ai_windows",
        scope="site",
        scope_id=number,
        name=f"{word}night works",
        starts_at=now + DAY,
        ends_at=now + DAY + 2 * HOUR,
        created_by=f"{word}Ada",
        created_at=now,
    )
    _put(
        conn,
        "ai_subscriptions",
        email=f"{word.strip().lower()}ops{number}@example.org",
        kind="daily",
        scope="site",
        scope_id=number,
        mode="maintenance",
    )
    _put(
        conn,
        "ai_reports",
        report_id=f"{word.strip()}R-{number}",
        revision=1,
        report_type="daily",
        scope="site",
        site_id=number,
        period_start=now - DAY,
        period_end=now,
        timezone="UTC",
        mode="maintenance",
        content="{}",
        facts_hash="x",
        generated_at=now - HOUR,
        recipients="[]",
        scope_name=f"{word}site",
    )
    _put(conn, "ai_health_rollups", day=date(2026, 1, number), rolled_at=now, minutes=1)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _put(conn: Connection, table: str, *, returning: str = "", **columns: Any) -> Any:
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    ending = f" RETURNING {returning}" if returning else ""
    found = conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks}){ending}", list(columns.values()))
    return found.fetchone()[0] if returning else None
