"""What answers look like, for the OpenAPI document: made with the contracts, so that they stay true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from homepot_ai.answers import contracts as c

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
_WORDS = c.Grounded(figures=3, verified=2, refused=0, worded_by="model")


def _example(model: BaseModel) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": model.model_dump(mode="json")}}
    return {200: {"description": "Found", "content": content}}


ANSWER = _example(
    c.Answer(
        answer="The health score of Till 3 is 0.61. It is in warning since 08:15.",
        relevant_devices=[c.Device(id=3, name="Till 3", status="warning")],
        mode="maintenance",
        response_time_ms=41.2,
        model_used=None,
        understood_as="Health of Till 3 at Berlin, last 24 h",
        period=c.Span(start=NOW - timedelta(days=1), end=NOW, words="last 24 h"),
        data_age_seconds=42.0,
        grounded=c.Grounded(figures=2, verified=0, refused=0),
        intent="device_status",
    )
)
ANALYSIS = _example(
    c.Analysis(
        device_id=3,
        device_name="Till 3",
        analysis=c.DeviceAnalysis(
            summary="Till 3 at Berlin is in warning, with a health score of 0.61.",
            health_score=0.61,
            status="warning",
            anomalies_detected=1,
            similar_past_incidents=[
                c.PastIncident(
                    date=NOW - timedelta(days=20), description="pos terminal, storage: disk nearly full",
                    resolution="old logs removed", similarity_score=0.87, held=True,
                )
            ],
            recommendations=["In a similar incident (12) this was done: “old logs removed”."],
        ),
        metrics={"avg_cpu_percent": 31.2, "max_cpu_percent": 97.2, "uptime_percentage": 99.86},
        period="24h",
        generated_at=NOW,
        mode="maintenance",
        grounded=_WORDS,
        data_age_seconds=42.0,
    )
)  # fmt: skip
PREDICTIONS = _example(
    c.Predictions(
        device_id=3,
        predictions=[
            c.Prediction(
                prediction="Disk reaches 90.0 %", confidence=None, reasoning="Disk is 81.0 %, +1.2 % a day",
                recommended_action="Free space on the disk", severity="warning",
                due_at=NOW + timedelta(days=7),
                interval=c.Interval(low=NOW + timedelta(days=5), high=NOW + timedelta(days=10)),
            )
        ],
        risk_score=0.04,
        forecast_period="next 30 days",
        generated_at=NOW,
        track_record=c.TrackRecord(n=1204, hit_rate=0.91, brier_skill=0.22, coverage=0.81),
    )
)  # fmt: skip
INSIGHTS = _example(
    c.SiteInsights(
        site_id=1,
        site_name="Berlin",
        insights=c.SiteState(
            overall_health="warning",
            health_score=0.94,
            total_devices=8,
            devices_healthy=7,
            devices_warning=1,
            devices_critical=0,
            devices_no_data=0,
            key_findings=["1 of 8 devices at high risk of a failure or of passing a limit"],
            predicted_issues=[
                c.PredictedIssue(description="Till 3: failure is likely", confidence=0.4, estimated_cost=None)
            ],
            cost_analysis=c.CostAnalysis(
                current_month_downtime_cost=None, prevented_issues_value=None,
                recommended_maintenance_budget=None,
            ),
        ),
        generated_at=NOW,
    )
)  # fmt: skip
STATUS = _example(
    c.Status(
        ollama_status="ok",
        ollama_url="http://127.0.0.1:11434",
        available_models=[c.ModelState(name="llama3.2:3b", size=2_019_393_189, status="loaded")],
        chromadb_status="ok",
        chromadb_collections=["incident_history.minilm-l6-v2.use-m3.1"],
        total_embeddings=412,
        memory_usage=c.Memory(ollama=2_019_393_189, chromadb=18_403_328),
        timestamp=NOW,
        database="ok",
        mail="ok",
        flows={"score-health": c.FlowState(last_success=NOW - timedelta(seconds=20), lateness_seconds=0.0)},
        last_backup=None,
        last_restore_drill=None,
        prefect="ok",
    )
)
