"""What is tried again, and what is not."""

from __future__ import annotations

import psycopg
import pytest
from prefect import flow

from homepot_ai.errors import DatabaseUnreachable, NotMigrated, StateMoved
from tasks.stage import is_transient, stage


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnreachable("away"),
        psycopg.OperationalError("server closed the connection"),
        psycopg.errors.DeadlockDetected("deadlock"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_the_world_failed(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        StateMoved("another run was ahead"),
        NotMigrated("run db upgrade"),
        ValueError("a bug"),
        psycopg.errors.UndefinedTable("no such table"),
        FileNotFoundError("no template"),
        PermissionError("not ours"),
    ],
)
def test_another_attempt_would_find_the_same(error: Exception) -> None:
    assert not is_transient(error)


def attempts(error: Exception) -> int:
    made: list[int] = []

    @stage("try-it", timeout_seconds=10, tags={"test"}, retries=1)
    def work() -> str:
        made.append(1)
        if len(made) == 1:
            raise error
        return "done"

    @flow(name="attempts")
    def run() -> None:
        work()

    run(return_state=True)
    return len(made)


def test_prefect_tries_again_only_then() -> None:
    assert attempts(DatabaseUnreachable("away")) == 2
    assert attempts(ValueError("a bug")) == 1
