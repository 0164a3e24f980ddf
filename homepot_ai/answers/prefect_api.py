"""The Prefect server from outside: runs that answers ask for, and when flows last completed.

By its HTTP interface: nothing here imports Prefect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homepot_ai.errors import HomepotAIError

if TYPE_CHECKING:
    import httpx

    from homepot_ai.settings import Settings

#: Whoever looks at the status does not wait long; a run that is asked for is worth some patience, since the
#: server on SQLite is now and then silent for seconds.
TIMEOUT_S, START_TIMEOUT_S = 5.0, 25.0
DAY_S = 86_400.0
OURS = "homepot-ai"


class PrefectDown(HomepotAIError):
    """The Prefect server does not answer, or not as it should."""


@dataclass(frozen=True)
class FlowRun:
    """A run; `state` as Prefect names it, `ended`: nothing more will come."""

    id: str
    deployment: str
    state: str
    ended: bool
    good: bool
    message: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Rhythm:
    """A scheduled deployment: seconds between two runs, and when it last completed one."""

    name: str
    seconds: float
    last: datetime | None


class PrefectApi:
    """One client of one server."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.prefect.api_url
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Let go of its connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def start(self, deployment: str, parameters: Mapping[str, Any], key: str) -> FlowRun:
        """Ask for a run; with a key that was used before, the run that it led to.

        Raises:
            PrefectDown: the server does not answer, or has no such deployment.
        """
        with self._as_expected():
            found = self._json(
                "GET", f"deployments/name/{deployment}/{deployment}", timeout_s=START_TIMEOUT_S
            )
            body = {"parameters": dict(parameters), "idempotency_key": key, "state": {"type": "SCHEDULED"}}
            path = f"deployments/{found['id']}/create_flow_run"
            made = self._json("POST", path, body, timeout_s=START_TIMEOUT_S)
            return _run(made, deployment)

    def run(self, number: str) -> FlowRun | None:
        """A run by its id; None: there is none."""
        with self._as_expected():
            answer = self._send("GET", f"flow_runs/{number}")
            if answer.status_code in (404, 422):
                return None
            made = self._checked(answer)
            if made.get("deployment_id") is None:
                return None
            deployment = self._json("GET", f"deployments/{made['deployment_id']}")
            return _run(made, str(deployment["name"]))

    def rhythms(self) -> list[Rhythm]:
        """Every deployment of ours with an active schedule.

        Raises:
            PrefectDown: as above.
        """
        with self._as_expected():
            listed = self._json("POST", "deployments/filter", {"deployments": {"tags": {"all_": [OURS]}}})
            found = []
            for one in listed:
                spans = [_seconds(s["schedule"]) for s in one.get("schedules", ()) if s.get("active")]
                if spans and not one.get("paused"):
                    found.append(Rhythm(str(one["name"]), min(spans), self._last(str(one["id"]))))
            return found

    def block_documents(self) -> list[Mapping[str, Any]]:
        """Every block document, its secrets hidden by the server.

        Raises:
            PrefectDown: as above.
        """
        with self._as_expected():
            return list(
                self._json("POST", "block_documents/filter", {"include_secrets": False, "limit": 200})
            )

    def _last(self, deployment: str) -> datetime | None:
        # By name: a skipped run is of type COMPLETED too, but did no work.
        body = {
            "deployments": {"id": {"any_": [deployment]}},
            "flow_runs": {"state": {"name": {"any_": ["Completed"]}}},
            "sort": "END_TIME_DESC",
            "limit": 1,
        }
        runs = self._json("POST", "flow_runs/filter", body)
        return datetime.fromisoformat(runs[0]["end_time"]) if runs and runs[0].get("end_time") else None

    @contextmanager
    def _as_expected(self) -> Iterator[None]:
        """Whatever else sits at that address does not speak as Prefect does."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise PrefectDown(
                f"what answers at {self._url} is no Prefect server, or one of another version "
                f"({type(error).__name__})"
            ) from error

    def _json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> Any:
        return self._checked(self._send(method, path, body, timeout_s=timeout_s))

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> httpx.Response:
        import httpx

        if self._client is None:
            # Its own address only: no proxy of the environment stands between.
            self._client = httpx.Client(base_url=f"{self._url}/", trust_env=False)
        try:
            return self._client.request(method, path, json=body, timeout=timeout_s)
        except httpx.HTTPError as error:
            raise PrefectDown(
                f"the Prefect server at {self._url} does not answer ({type(error).__name__}): "
                "`homepot-ai up` starts it"
            ) from error

    def _checked(self, answer: httpx.Response) -> Any:
        if not answer.is_success:
            raise PrefectDown(
                f"the Prefect server at {self._url} answers {answer.status_code} to {answer.request.url.path}"
            )
        return answer.json()


def _run(made: Mapping[str, Any], deployment: str) -> FlowRun:
    state = made.get("state") or {}
    kind = str(state.get("type") or made.get("state_type") or "SCHEDULED")
    return FlowRun(
        id=str(made["id"]),
        deployment=deployment,
        state=str(state.get("name") or made.get("state_name") or "Scheduled"),
        ended=kind in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"),
        good=kind == "COMPLETED",
        message=str(state.get("message") or ""),
        parameters=made.get("parameters") or {},
    )


def _seconds(schedule: Mapping[str, Any]) -> float:
    """The time between two runs of a schedule; of a cron line, by what it leaves open.

    >>> _seconds({"interval": 60.0}), _seconds({"cron": "0 6 * * 1"}), _seconds({"cron": "0 6 * * *"})
    (60.0, 604800.0, 86400.0)
    """
    if "interval" in schedule:
        return float(schedule["interval"])
    fields = str(schedule.get("cron", "")).split()
    if len(fields) != 5:
        return DAY_S
    if fields[2] != "*":
        return 31 * DAY_S
    if fields[4] != "*":
        return 7 * DAY_S
    return 3600.0 if fields[1] == "*" else DAY_S
