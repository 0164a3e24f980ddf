"""What the door counts of itself, for Prometheus: one registry per application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from homepot_ai.answers.contracts import Grounded, Status

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """Counters and gauges of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Of fleet and system: names of sites are not for a token that may not see them.
        self.fleet = CollectorRegistry()
        self.request_seconds = Histogram(
            "homepot_ai_http_request_seconds", "From the request's first byte to the answer's last",
            ("route", "method", "status"), buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.running = Gauge(
            "homepot_ai_http_requests_running", "Requests that are worked on", registry=self.registry
        )
        self.queued = Gauge(
            "homepot_ai_http_requests_queued", "Requests that wait for a thread", ("lane",),
            registry=self.registry,
        )  # fmt: skip
        self.refused = Counter(
            "homepot_ai_http_refused", "Requests refused, by why", ("reason",), registry=self.registry
        )
        self.cache = Counter(
            "homepot_ai_answer_cache", "Answers looked up in the cache", ("operation", "found"),
            registry=self.registry,
        )  # fmt: skip
        self.worded = Counter(
            "homepot_ai_answers_worded", "Answers by who worded them", ("operation", "by"),
            registry=self.registry,
        )  # fmt: skip
        self.claims = Counter(
            "homepot_ai_model_claims", "Sentences of a model, by verdict", ("verdict",),
            registry=self.registry,
        )  # fmt: skip
        self.audit_lost = Counter(
            "homepot_ai_audit_rows_lost", "Audit rows that could not be written", registry=self.registry
        )
        self.lateness = Gauge(
            "homepot_ai_flow_lateness_seconds", "Since a flow last completed, beyond its rhythm", ("flow",),
            registry=self.registry,
        )  # fmt: skip
        self.scored_age = Gauge(
            "homepot_ai_scored_minute_age_seconds", "Age of the newest scored minute", registry=self.registry
        )
        self.up = Gauge("homepot_ai_part_up", "Whether a part answers", ("part",), registry=self.registry)

    def note_words(self, operation: str, grounded: Grounded) -> None:
        """Count who worded an answer, and what became of a model's sentences."""
        self.worded.labels(operation, grounded.worded_by).inc()
        self.claims.labels("verified").inc(grounded.verified)
        self.claims.labels("refused").inc(grounded.refused)

    def note_status(self, status: Status, scored_age_s: float | None) -> None:
        """Show what the status says."""
        for name, flow in status.flows.items():
            if flow.lateness_seconds is not None:
                self.lateness.labels(name).set(flow.lateness_seconds)
        if scored_age_s is not None:
            self.scored_age.set(scored_age_s)
        parts = {
            "database": status.database, "ollama": status.ollama_status, "chromadb": status.chromadb_status,
            "mail": status.mail,
        }  # fmt: skip
        for part, state in parts.items():
            self.up.labels(part).set(float(state in ("ok", "running")))

    def text(self, *, with_fleet: bool = True) -> bytes:
        """Everything, as Prometheus reads it; takes a moment, since the database is asked."""
        own = generate_latest(self.registry)
        return own + generate_latest(self.fleet) if with_fleet else own
