"""What goes in and out of the six read operations: the same models at both doors.

Times are UTC. Money appears only where rates are configured; otherwise it is null.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Mode = Literal["maintenance", "predictive", "executive"]
Period = Literal["1h", "24h", "7d", "30d"]
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class Contract(BaseModel):
    """Base: what is not in the contract is refused."""

    model_config = ConfigDict(extra="forbid")


class Span(Contract):
    """About when, in UTC, and as it was understood."""

    start: datetime
    end: datetime
    words: str


class Device(Contract):
    """A device that an answer is about."""

    id: int
    name: str
    status: str


class Grounded(Contract):
    """How the words were come by.

    Attributes:
        figures: values put in by code; verified, refused: a model's claims; worded_by: who wrote it.
        note: why templates stepped in, where they did.
    """

    figures: int
    verified: int
    refused: int
    worded_by: Literal["model", "template"] = "template"
    note: str = ""


class Query(Contract):
    """A question."""

    question: Question
    mode: Mode | None = None
    model: Annotated[str, Field(max_length=100)] | None = None
    language: Literal["en", "de"] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None


class Answer(Contract):
    """An answer, with how the question was understood."""

    answer: str
    relevant_devices: list[Device]
    mode: Mode
    response_time_ms: float
    model_used: str | None
    understood_as: str
    period: Span | None
    data_age_seconds: float | None
    grounded: Grounded
    intent: str | None
    candidates: list[str] = []
    table: list[list[str]] | None = None
    more_rows: int = 0


class PastIncident(Contract):
    """A past incident like what is seen now, and how it ended."""

    date: datetime
    description: str
    resolution: str | None
    similarity_score: float
    held: bool | None


class DeviceAnalysis(Contract):
    """What is seen of a device."""

    summary: str
    health_score: float | None
    status: str
    anomalies_detected: int
    similar_past_incidents: list[PastIncident]
    recommendations: list[str]


class Analysis(Contract):
    """A device over a period. `metrics`: avg_NAME, max_NAME in the metric's own unit, uptime_percentage."""

    device_id: int
    device_name: str
    analysis: DeviceAnalysis
    metrics: dict[str, float | None]
    period: Period
    generated_at: datetime
    mode: Mode
    grounded: Grounded
    data_age_seconds: float | None


class Interval(Contract):
    """An 80 % interval: of a moment, or of a value in its unit."""

    low: datetime | float | None
    high: datetime | float | None
    coverage: float = 0.8


class Prediction(Contract):
    """One forecast. `confidence` is the calibrated probability."""

    prediction: str
    confidence: float | None
    reasoning: str
    recommended_action: str | None
    severity: Literal["info", "warning", "critical"]
    due_at: datetime | None
    interval: Interval | None


class TrackRecord(Contract):
    """How earlier forecasts of the kind came out; None: too few are settled."""

    n: int
    hit_rate: float | None
    brier_skill: float | None
    coverage: float | None


class Predictions(Contract):
    """Forecasts of a device."""

    device_id: int
    predictions: list[Prediction]
    risk_score: float | None
    forecast_period: str
    generated_at: datetime
    track_record: TrackRecord


class ReportIncident(Contract):
    """An incident that a report tells of."""

    timestamp: datetime
    description: str
    resolution: str | None
    impact: str | None


class ReportContent(Contract):
    """What a report says."""

    title: str
    summary: str
    key_metrics: dict[str, Any]
    incidents: list[ReportIncident]
    recommendations: list[str]
    cost_impact: float | None


class DeviceReport(Contract):
    """A device's report."""

    report_id: str
    device_id: int
    report_type: Literal["daily", "incident", "weekly", "monthly", "custom"]
    mode: Mode
    content: ReportContent
    generated_at: datetime


class PredictedIssue(Contract):
    """What is expected at a site."""

    description: str
    confidence: float | None
    estimated_cost: float | None


class CostAnalysis(Contract):
    """Money, where rates are configured."""

    current_month_downtime_cost: float | None
    prevented_issues_value: float | None
    recommended_maintenance_budget: float | None
    currency: str | None = None


class SiteState(Contract):
    """A site at a glance."""

    overall_health: str
    health_score: float | None
    total_devices: int
    devices_healthy: int
    devices_warning: int
    devices_critical: int
    devices_no_data: int
    key_findings: list[str]
    predicted_issues: list[PredictedIssue]
    cost_analysis: CostAnalysis


class SiteInsights(Contract):
    """A site's last days."""

    site_id: int
    site_name: str
    insights: SiteState
    generated_at: datetime


class ModelState(Contract):
    """A model of the language model's server."""

    name: str
    size: int | None
    status: Literal["installed", "loaded", "missing"]


class FlowState(Contract):
    """When a flow last succeeded, and how late it is."""

    last_success: datetime | None
    lateness_seconds: float | None


class Memory(Contract):
    """Bytes in use; None: not known."""

    ollama: int | None
    chromadb: int | None


class Status(Contract):
    """Every part, by name."""

    ollama_status: str
    ollama_url: str
    available_models: list[ModelState]
    chromadb_status: str
    chromadb_collections: list[str]
    total_embeddings: int | None
    memory_usage: Memory
    timestamp: datetime
    database: str
    mail: str
    flows: dict[str, FlowState]
    last_backup: datetime | None
    last_restore_drill: datetime | None
    prefect: str = ""


class Run(Contract):
    """A long run: `state` as the scheduler names it, `result` when it is there."""

    run_id: str
    state: str
    follow: str
    result: dict[str, Any] | None = None
    message: str = ""


class Preferences(Contract):
    """How somebody reads."""

    mode: Mode
    language: Literal["en", "de"] = "en"


class Problem(BaseModel):
    """Problem details (RFC 9457).

    Attributes:
        nearest: names that exist and are like the one that does not.
        part: what is down, of a 503.
        errors: what is wrong with which parameter, of a 422.
        request_id: stands in the log too.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = ""
    nearest: list[str] = []
    part: str = ""
    errors: list[dict[str, str]] = []
    request_id: str = ""
