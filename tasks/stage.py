"""How every task is declared, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import Task, exponential_backoff

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun

P = ParamSpec("P")
R = TypeVar("R")


def stage(
    name: str, *, timeout_seconds: float, tags: set[str], retries: int = 2
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Declare a task the way this project does.

    Nothing is cached or persisted: what must happen once is decided in PostgreSQL,
    where a killed worker cannot take the knowledge with it.

    Args:
        name: what the operator reads in the run.
        timeout_seconds: for one attempt.
        tags: for filters in the UI.
        retries: further attempts, after 1, 2, 4 ... seconds, plus up to half as much again.
    """
    return task(
        name=name,
        tags=tags,
        retries=retries,
        retry_delay_seconds=exponential_backoff(1),
        retry_jitter_factor=0.5,
        retry_condition_fn=worth_retrying,
        timeout_seconds=timeout_seconds,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def worth_retrying(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether another attempt may go better: the network or a server failed, not the program.

    Prefect calls this with positional arguments after a failed attempt.
    """
    try:
        state.result(raise_on_failure=True)
    except BaseException as error:
        return is_transient(error)
    return False


def is_transient(error: BaseException) -> bool:
    """Whether an error is of the kind that goes away by itself.

    >>> is_transient(ConnectionRefusedError()), is_transient(ValueError())
    (True, False)
    """
    import psycopg

    from homepot_ai.errors import DatabaseUnreachable

    # FileNotFoundError and PermissionError are OSErrors that stay as they are.
    if isinstance(error, FileNotFoundError | PermissionError):
        return False
    return isinstance(error, DatabaseUnreachable | psycopg.OperationalError | OSError)
