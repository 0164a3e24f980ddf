"""Answers on demand, by the same functions as the HTTP door."""

from __future__ import annotations

from datetime import datetime

from prefect.logging import get_run_logger

from homepot_ai.answers import analyze, insights, predict, report
from homepot_ai.answers.caching import Cache
from homepot_ai.answers.contracts import Analysis, DeviceReport, Mode, Period, Predictions, SiteInsights
from homepot_ai.answers.report import Kind, ReportPeriod
from homepot_ai.health.summary import cell
from homepot_ai.language.facts import Language
from homepot_ai.language.ollama import model_of
from homepot_ai.questions.types import Asker
from homepot_ai.reporting.insight import Insight
from homepot_ai.settings import Settings
from homepot_ai.store import predictions
from homepot_ai.store.database import Database
from tasks.stage import stage

TAGS = {"answers"}


@stage("analyze-one", timeout_seconds=240, tags=TAGS, retries=1)
def analyze_one(
    database: Database, settings: Settings, device: str, *, period: Period, mode: Mode, language: Language,
    now: datetime,
) -> Analysis:  # fmt: skip
    """Look at a device."""
    asker = Asker(timezone=settings.reports.timezone, mode=mode, language=language)
    found = analyze.analyze(
        database, settings, device.strip(), period=period, asker=asker, model=model_of(settings, database),
        cache=Cache(), now=now,
    )  # fmt: skip
    get_run_logger().info("analyzed device=%d status=%s", found.device_id, found.analysis.status)
    return found


@stage("make-device-report", timeout_seconds=1500, tags=TAGS)
def make_report(
    database: Database,
    settings: Settings,
    device: str,
    *,
    period: ReportPeriod,
    report_type: Kind | None,
    mode: Mode,
    language: Language,
    asked_at: datetime,
    now: datetime,
) -> DeviceReport:
    """Make a device's report, or replay it."""
    asker = Asker(timezone=settings.reports.timezone, mode=mode, language=language)
    want = report.wanted(
        database, settings, device.strip(), period=period, report_type=report_type, mode=mode, asker=asker,
        now=asked_at,
    )  # fmt: skip
    made = report.make(database, settings, want, now=now)
    get_run_logger().info("report %s device=%d", made.report_id, made.device_id)
    return made


@stage("tell-predictions", timeout_seconds=60, tags=TAGS)
def foretold_of(database: Database, settings: Settings, device: str, *, now: datetime) -> Predictions:
    """What was foretold of a device, as the HTTP door tells it."""
    asker = Asker(timezone=settings.reports.timezone)
    return predict.predict(database, settings, device, horizon="30d", asker=asker, now=now)


@stage("tell-insights", timeout_seconds=60, tags=TAGS)
def insights_of(database: Database, seen: Insight) -> SiteInsights:
    """A site's last days, as the HTTP door tells them."""
    return insights.of(seen, insights.month_failures(database, seen))


@stage("list-worst", timeout_seconds=30, tags=TAGS)
def list_worst(database: Database, *, now: datetime) -> list[str]:
    """Devices that are worth a look, as lines."""
    with database.reader() as conn:
        found = predictions.worst(conn, 10)
    return [f"- {cell(one.name)} ({cell(one.site)}): {one.level} risk" for one in found]
