"""`homepot-ai run DEPLOYMENT`: one run, now, with its outcome on the screen.

Through the running server and its worker when `homepot-ai up` is up on this state
folder, otherwise in this process with a Prefect server of its own that ends with it.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markdown import Markdown

from deployments import catalogue, environment, lock, private
from homepot_ai.errors import HomepotAIError, NotFound, SettingsError
from homepot_ai.settings import Settings, settings_for
from tasks.names import flow_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployments.runs import Ended

console = Console(highlight=False)
#: Parameters that are text whatever they look like: a verdict `true`, a device `7`, a comment `12`.
TEXT = frozenset({"verdict", "comment", "by", "device", "site", "cause", "reset_threshold"})


def command(
    deployment: Annotated[str, typer.Argument(help="A deployment's name.")] = "",
    at: Annotated[
        str | None,
        typer.Option(help="The moment to act for: 2026-11-20T08:15 (UTC), or 08:15."),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--param", help="A parameter as name=value; may be repeated.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the run.")] = 900.0,
) -> None:
    """Run a deployment now, wait for it and show what it says."""
    try:
        ended = run(settings_for(None), deployment, at=at, parameters=parameter or [], timeout_s=timeout)
    except HomepotAIError as error:
        console.print(f"homepot-ai run: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if ended.good else 1)


def run(
    settings: Settings,
    name: str,
    *,
    at: str | None = None,
    parameters: Sequence[str] = (),
    timeout_s: float = 900.0,
) -> Ended:
    """Run a deployment by name and print its outcome.

    Raises:
        NotFound: no deployment has this name.
        SettingsError: no name is given, a parameter is not of the form name=value or is unknown.
    """
    known = catalogue.installed(settings)
    if not name:
        raise SettingsError(f"say which deployment: {', '.join(known)}")
    given = parse_parameters(parameters)
    if at is not None:
        given["at"] = parse_moment(at, datetime.now(UTC)).isoformat()
    asked = _asked(known, name, given)

    server = server_of(settings)
    through_worker = server is not None
    if through_worker:
        console.print(f"{name}: through the server at {server} and its worker", markup=False)
    else:
        console.print(f"{name}: in this process, since `homepot-ai up` is not running here", markup=False)
    all_ended = []
    with nullcontext() if through_worker else _database_running(settings):
        for entry in asked:
            if through_worker:
                ended = _through_worker(settings, entry.name, given, timeout_s)
            else:
                ended = _in_process(settings, entry, {**entry.parameters, **given})
            _show(ended)
            all_ended.append(ended)
    return next((ended for ended in all_ended if not ended.good), all_ended[-1])


def server_of(settings: Settings) -> str | None:
    """The Prefect server that runs go through: the one that is set, else that of `up` here, else none."""
    if settings.prefect.url:
        return settings.prefect.api_url
    up = lock.running(settings.var_dir)
    return up.api_url if up is not None and up.ready else None


def _asked(
    known: Mapping[str, catalogue.Deployment], name: str, given: Mapping[str, Any]
) -> list[catalogue.Deployment]:
    """The deployment of this name; a flow that is split over several is asked for with all its parts."""
    if name in known:
        return [known[name]]
    parts = [entry for entry in known.values() if flow_of(entry.name) == name]
    if "shard" in given:
        parts = [entry for entry in parts if entry.parameters.get("shard") == given["shard"]]
    if not parts:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        raise NotFound("deployment", name, near or list(known))
    return parts


def parse_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """Parameters as typed: JSON where it is JSON, text otherwise.

    >>> parse_parameters(["dry_run=true", "timezone=Europe/Berlin", "keep_days=3"])
    {'dry_run': True, 'timezone': 'Europe/Berlin', 'keep_days': 3}
    >>> parse_parameters(["anomaly=7", "verdict=true"])
    {'anomaly': 7, 'verdict': 'true'}
    """
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise SettingsError(f"a parameter is written name=value, not {pair!r}")
        try:
            given[name] = value if name in TEXT else orjson.loads(value)
        except orjson.JSONDecodeError:
            given[name] = value
    return given


def parse_moment(text: str, now: datetime) -> datetime:
    """A moment as people type it; UTC where no offset is given, today where no date is.

    >>> parse_moment("08:15", datetime(2026, 11, 20, 12, tzinfo=UTC)).isoformat()
    '2026-11-20T08:15:00+00:00'
    """
    if len(text) <= len("HH:MM:SS") and ":" in text:
        text = f"{now:%Y-%m-%d}T{text}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is no moment; write for example 2026-11-20T08:15 (UTC) or 08:15"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _through_worker(settings: Settings, name: str, given: Mapping[str, Any], timeout_s: float) -> Ended:
    os.environ.update(environment.prefect_environment(settings))
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    from deployments import runs

    with get_client(sync_client=True) as client, console.status(f"{name} ...") as status:

        def show(state: str) -> None:
            status.update(f"{name}: {state}")

        try:
            runs.check_names(client, name, given)
            return runs.run(client, name, given, timeout_s=timeout_s, progress=show)
        except PrefectHTTPStatusError as error:
            raise SettingsError(f"{name} does not take these parameters: {_reason(error)}") from None


def _in_process(settings: Settings, entry: catalogue.Deployment, given: Mapping[str, Any]) -> Ended:
    """Call the flow here. Prefect starts a server of its own for it, on the same database as ours."""
    import time

    variables = environment.prefect_environment(settings)
    del variables["PREFECT_API_URL"]
    os.environ.pop("PREFECT_API_URL", None)
    os.environ.update(
        variables,
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="true",
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW="ignore",
        # Automations belong to the server that stays: evaluated here they only fight for SQLite.
        PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED="false",
    )
    if str(settings.home) not in sys.path:
        sys.path.insert(0, str(settings.home))
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ParameterTypeError
    from prefect.flows import load_flow_from_entrypoint

    from deployments import bootstrap, runs
    from homepot_ai.store import migrate
    from homepot_ai.store.database import Database

    # `up` migrates; here nothing does, and a flow would fail on the first column that it misses.
    migrate.require_current(Database.from_settings(settings))
    # Before the first `up` there is no state folder, and Prefect makes its home but not what is above it.
    private.keep_private(settings.var_dir)
    environment.prefect_home(settings).mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    bootstrap.make_blocks(settings)
    flow = load_flow_from_entrypoint(entry.entrypoint)
    try:
        state = flow(**given, return_state=True)
    except (ParameterTypeError, TypeError) as error:
        raise SettingsError(f"{entry.name} does not take these parameters: {error}") from None
    with get_client(sync_client=True) as client:
        run_id = state.state_details.flow_run_id
        artifact = runs.artifact_of(client, run_id) if run_id else None
    return runs.Ended(
        name=entry.name,
        run=str(run_id),
        state=state.name or "",
        good=state.is_completed(),
        message=state.message or "",
        artifact=artifact,
        seconds=time.monotonic() - begun,
    )


@contextmanager
def _database_running(settings: Settings) -> Iterator[None]:
    """The embedded PostgreSQL for the time of one run, unless it runs or another is configured."""
    from homepot_ai.store import embedded

    if settings.database_url is not None or embedded.running_url(settings.var_dir) is not None:
        yield
        return
    server = embedded.start(settings.var_dir)
    try:
        yield
    finally:
        server.stop()


def _show(ended: Ended) -> None:
    if ended.artifact:
        console.print(Markdown(ended.artifact))
        console.print()
    style = "green" if ended.good else "red"
    console.print(
        f"{ended.name}: {ended.state} after {ended.seconds:.1f} s. {ended.message}",
        style=style, markup=False, soft_wrap=True,
    )  # fmt: skip


def _reason(error: Exception) -> str:
    """What the server said, without the wrapping."""
    response = getattr(error, "response", None)
    try:
        return str(response.json().get("detail", response.text)) if response is not None else str(error)
    except ValueError:
        return str(error)
