"""The rows of each section, worded and drawn. Pure: facts in, rows out."""

from __future__ import annotations

from homepot_ai.reporting import charts, predicted, words
from homepot_ai.reporting.facts import (
    POINTS,
    AnomalyFacts,
    ClassFacts,
    DeviceRef,
    Figures,
    Provenance,
    ReportFacts,
    SiteFacts,
    WorstDevice,
)
from homepot_ai.reporting.rows import (
    AnomalyRow,
    CheckRow,
    ClassRow,
    CountedRow,
    DeviceRow,
    SiteRow,
    Tile,
)
from homepot_ai.reporting.words import Change, Clock, Tone, change, duration, percent, score
from homepot_ai.text import NBSP


def about(device: DeviceRef, *, headline: Provenance, with_site: bool) -> str:
    """The small line under a device's name: what it is or where, and its class when it is another one."""
    parts = [device.site if with_site else device.type.replace("_", " "), device.public_id]
    if device.provenance != headline:
        parts.append(words.PROVENANCE_WORD[device.provenance])
    return " · ".join(parts)


def _forecast_tile(facts: ReportFacts) -> Tile:
    found = facts.forecasts
    if found is None:
        return Tile("Forecasts falling due", "–", "", "not available yet", (), muted=True)
    near = predicted.soon(found, facts.period.end)
    basis = f"{near:,} within 72 hours" if near else "none within 72 hours"
    return Tile("At high risk", f"{found.total:,}", f"of {found.judged:,} judged", basis, ())


def tiles(facts: ReportFacts, headline: ClassFacts) -> tuple[Tile, ...]:
    """The five tiles, each with its change against the day before and the same weekday."""
    day = headline.figures
    earlier = [(then.figures, then.first_day) for then in headline.earlier]

    def changes(figure: str, unit: str, good: str, decimals: int, factor: float = 1.0) -> tuple[Change, ...]:
        def of(figures: Figures | None) -> float | None:
            number = getattr(figures, figure) if figures else None
            return None if number is None else number * factor

        return tuple(
            change(
                of(day),
                of(then),
                when,
                unit=unit,
                good="up" if good == "up" else "down",
                decimals=decimals,
                scored_then=then is not None,
            )
            for then, when in earlier
        )

    end, spent = day.status_at_end, day.status_minutes
    others = words.status_list(end)
    spent_well = f"{percent(spent.healthy / spent.total if spent.total else None)} of the day healthy"
    return (
        Tile(
            "Fleet health" if facts.scope.kind == "fleet" else "Site health",
            score(day.health),
            "of 1" if day.health is not None else "",
            f"mean of {words.count(day.scored_minutes, 'scored device-minute')}"
            if day.scored_minutes
            else "nothing was scored",
            changes("health", "", "up", 2),
        ),
        Tile(
            "Devices at day’s end",
            f"{end.healthy:,}",
            f"of {day.devices:,} healthy",
            f"{words.capitalised(others)}; {spent_well}" if others else spent_well,
            changes("attention", "needing attention", "down", 0),
            charts.status_bar(end, title=f"Devices at the end of the day: {_all_statuses(day)}"),
        ),
        Tile(
            "Anomalies",
            f"{day.opened:,}",
            "opened",
            f"{day.closed:,} closed, {day.still_open:,} still open",
            changes("opened", "", "down", 0),
        ),
        Tile(
            "Availability",
            percent(day.availability),
            "",
            f"{day.minutes_with_data:,} of {words.count(day.minutes_judged, 'device-minute')} with data",
            changes("availability", "points", "up", 1, 100.0),
        ),
        _forecast_tile(facts),
    )


def _all_statuses(day: Figures) -> str:
    return words.status_list(day.status_at_end, also_healthy=True) or "none"


def device_row(device: WorstDevice, clock: Clock, headline: Provenance, with_site: bool) -> DeviceRow:
    """One of the worst devices, with its day as a sparkline."""
    low_at = f"at {clock(device.lowest_at)}" if device.lowest_at else ""
    silent = device.minutes.no_data
    said = [
        f"lowest {score(device.lowest)} {low_at}, last {score(device.last)}"
        if device.lowest is not None
        else "never scored"
    ]
    if silent:
        said.append(f"{duration(silent)} without data")
    mainly = words.metric_label(device.main_metric) if device.main_metric else "–"
    if device.main_metric is None and silent:
        mainly = "silence"
    return DeviceRow(
        glyph=words.STATUS_GLYPH[device.status_at_end],
        status=device.status_at_end,
        status_word=words.STATUS_WORD[device.status_at_end],
        since=f"since {clock(device.since)}" if device.since else "all day",
        name=device.device.name,
        about=about(device.device, headline=headline, with_site=with_site),
        spark=charts.sparkline(
            device.spark,
            title=f"Health of {device.device.name} over the day: {', '.join(said)}",
            healthy_above=device.healthy_above,
        ),
        mean=score(device.mean),
        lowest=score(device.lowest),
        lowest_at=low_at,
        lost=duration(device.minutes_lost),
        mainly=mainly,
        mainly_share=f"{device.main_share:.0%} of it" if device.main_metric and device.main_share else "",
        attention=device.attention,
    )


_SEVERITY_GLYPH = {"critical": "▼", "warning": "▲", "info": "●"}


def anomaly_row(
    anomaly: AnomalyFacts, facts: ReportFacts, clock: Clock, headline: Provenance, with_site: bool
) -> AnomalyRow:
    """One anomaly with the value that was seen and the band that was expected."""
    until = anomaly.ended_at or facts.period.end
    observed, band = words.observed(anomaly), words.expected(anomaly)
    metric = words.metric_label(anomaly.metric)
    minutes = (until - anomaly.started_at).total_seconds() / 60
    return AnomalyRow(
        open=anomaly.ended_at is None,
        state=("still open" if anomaly.ended_at is None else f"until {clock(anomaly.ended_at)}")
        + ("" if anomaly.mark is None else f", marked {'true' if anomaly.mark else 'false'}"),
        severity=anomaly.severity,
        glyph=_SEVERITY_GLYPH[anomaly.severity],
        name=anomaly.device.name,
        about=about(anomaly.device, headline=headline, with_site=with_site),
        number=f"no.{NBSP}{anomaly.id}",
        metric=metric,
        observed=observed,
        expected=band,
        band=charts.band_chart(
            anomaly.observed,
            anomaly.expected_low,
            anomaly.expected_high,
            title=f"{metric}: {observed}, expected {band}",
        ),
        since=clock(anomaly.started_at),
        lasted=duration(minutes),
        lowest=score(anomaly.lowest_score),
        initial=f"from {score(anomaly.initial_score)}",
    )


def site_row(site: SiteFacts) -> SiteRow:
    """One site of the fleet, figures of the headline class."""
    day = site.figures
    other = f", and {site.other_devices:,} of another class" if site.other_devices else ""
    return SiteRow(
        name=site.name,
        about=f"{site.public_id} · {site.timezone}",
        attention=day.attention,
        devices=f"{day.devices:,} in all{other}",
        statuses=_all_statuses(day),
        bar=charts.status_bar(
            day.status_at_end,
            title=f"{site.name}, devices at the end of the day: {_all_statuses(day)}",
            width=96,
            height=8,
        ),
        health=score(day.health),
        availability=percent(day.availability),
        opened=f"{day.opened:,} / {day.still_open:,}",
    )


def check_rows(facts: ReportFacts, clock: Clock) -> tuple[CheckRow, ...]:
    """Whether this service itself worked: scoring, the last score, services, mail."""
    rows = []
    own = facts.scoring
    if own is None:
        reason = facts.problem("scoring") or "unknown"
        rows.append(CheckRow("worse", "▼", "Scoring", "not known", f"could not be read: {reason}"))
    else:
        tone: Tone = "better" if own.share is not None and own.share >= words.ENOUGH else "worse"
        slow = f", slowest run {own.slowest_seconds:.1f} s" if (own.slowest_seconds or 0) >= 0.05 else ""
        gap = f", longest gap {duration(own.longest_gap_minutes)}" if own.longest_gap_minutes else ", no gap"
        rows.append(
            CheckRow(
                tone,
                "●" if tone == "better" else "▲",
                "Scoring",
                f"{percent(own.share)} of minutes",
                f"{own.minutes_scored:,} of {own.minutes_due:,} minutes scored{gap}{slow}",
            )
        )
    last = facts.made.last_scored
    if last is None:
        rows.append(CheckRow("worse", "▼", "Last score", "never", "no minute has been scored yet"))
    else:
        age = max(0.0, (facts.made.at - last).total_seconds() / 60)
        late = age > 10
        rows.append(
            CheckRow(
                "worse" if late else "better",
                "▲" if late else "●",
                "Last score",
                "late" if late else "fresh",
                f"minute {clock(last)}, {duration(age)} before this report was made",
            )
        )
    for service in facts.made.services:
        good = service.state == "ok"
        rows.append(
            CheckRow(
                "better" if good else "worse",
                {"ok": "●", "degraded": "▲", "down": "▼"}[service.state],
                words.capitalised(service.service),
                service.state,
                f"{service.detail} (since {clock(service.since)})",
            )
        )
    waiting = {item.name: item.count for item in facts.made.outbox}
    bad = waiting.get("failed", 0) + waiting.get("unknown", 0)
    said = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in waiting.items()) or "empty"
    rows.append(
        CheckRow(
            "worse" if bad else "better",
            "▲" if bad else "●",
            "Outbox",
            "look" if bad else "ok",
            f"mails of the last 24 hours: {said}",
        )
    )
    return tuple(rows)


def counted_rows(facts: ReportFacts, headline: ClassFacts) -> tuple[CountedRow, ...]:
    """Numerator, denominator and what was left out, for each figure that is a quotient."""
    day = headline.figures
    before, week = (then.figures for then in headline.earlier)
    spent = day.status_minutes

    def then(figures: Figures | None, name: str) -> str:
        if figures is None:
            return "nothing scored"
        number = getattr(figures, name)
        return score(number) if name == "health" else percent(number)

    unscored = {
        "no data": spent.no_data,
        "in maintenance": spent.in_maintenance,
        "not scored": spent.not_scored,
    }
    left = ", ".join(f"{number:,} {name}" for name, number in unscored.items() if number) or "nothing"
    unjudged = day.minutes_due - day.minutes_judged
    rows = [
        CountedRow(
            "Health",
            score(day.health),
            f"{day.score_points / POINTS:,.1f} (sum of scores)",
            f"{day.scored_minutes:,} scored device-minutes",
            left,
            then(before, "health"),
            then(week, "health"),
        ),
        CountedRow(
            "Availability",
            percent(day.availability),
            f"{day.minutes_with_data:,} device-minutes with data",
            f"{day.minutes_judged:,} device-minutes judged",
            f"{unjudged:,} not judged" if unjudged else "nothing",
            then(before, "availability"),
            then(week, "availability"),
        ),
    ]
    if facts.completeness:
        rows.append(
            CountedRow(
                "Completeness",
                percent(facts.completeness.share),
                f"{facts.completeness.moments_counted:,} rows",
                f"{facts.completeness.expected:,} rows expected",
                f"{words.count(facts.completeness.devices_without_interval, 'device')} of unknown interval"
                if facts.completeness.devices_without_interval
                else "nothing",
                "–",
                "–",
            )
        )
    if facts.scoring:
        rows.append(
            CountedRow(
                "Minutes scored, fleet",
                percent(facts.scoring.share),
                f"{facts.scoring.minutes_scored:,} minutes",
                f"{facts.scoring.minutes_due:,} minutes due",
                "nothing",
                "–",
                "–",
            )
        )
    return tuple(rows)


def class_row(facts: ClassFacts) -> ClassRow:
    """One provenance class."""
    day = facts.figures
    return ClassRow(
        name=words.capitalised(words.PROVENANCE_WORD[facts.provenance]),
        meaning=words.PROVENANCE_MEANING[facts.provenance],
        devices=f"{day.devices:,}",
        attention=f"{day.attention:,}",
        health=score(day.health),
        availability=percent(day.availability),
        opened=f"{day.opened:,} / {day.still_open:,}",
    )
