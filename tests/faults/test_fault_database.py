"""PostgreSQL stops, is full, stands still - under a real run of a real flow, on a server of its own."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from homepot_ai.store import embedded
from tests.faults.compare import Content, content, differ
from tests.faults.conftest import NOW, Bed, Copy
from tests.faults.record import Case

pytestmark = pytest.mark.faults

MINUTE = timedelta(minutes=1)
SCORE = "flows.health.score_health"


@pytest.fixture(scope="module")
def expected(bed: Bed) -> Content:
    """What two runs of scoring write undisturbed."""
    copy = bed.clone()
    try:
        heal(copy)
        return content(copy.database)
    finally:
        copy.drop()


def heal(copy: Copy) -> None:
    """The run again, the next minute's, and the mails."""
    for flow, at in ((SCORE, NOW), (SCORE, NOW + MINUTE), ("flows.mail.deliver", NOW + 60 * MINUTE)):
        done = copy.run(flow, at)
        assert done["good"], done


def judge(case: Case, copy: Copy, expected: Content, told: str) -> None:
    found = differ(expected, content(copy.database))
    rows = sum(map(len, expected.values()))
    print(found.what)
    case.judge(lost=sum(found.lost.values()), twice=sum(found.twice.values()), of=f"{rows:,} rows", told=told)


@contextmanager
def in_the_background(copy: Copy) -> Iterator[list[dict[str, Any]]]:
    """A run of scoring beside what the block does; its outcome is there when the block has ended."""
    outcome: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: outcome.append(copy.run(SCORE, NOW)))
    thread.start()
    yield outcome
    thread.join(300)
    assert not thread.is_alive()


def wait_until_it_stores(copy: Copy) -> None:
    deadline = time.monotonic() + 240
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock' "
        "AND application_name = 'homepot-ai'"
    )
    while not copy.rows(query, copy.name):
        assert time.monotonic() < deadline, "the run did not come to its storing"
        time.sleep(0.1)


def test_postgres_is_killed_in_the_middle_of_a_run(
    bed: Bed, fleet: Copy, case: Case, expected: Content
) -> None:
    case.inject("database", "kill -9 of the postmaster while a minute is stored; started again")
    locker = psycopg.connect(fleet.url, application_name="observer")
    locker.execute("LOCK TABLE homepot_ai.ai_health_scores IN ACCESS EXCLUSIVE MODE")
    with in_the_background(fleet) as outcome:
        wait_until_it_stores(fleet)
        pid = int((embedded.data_dir(bed.var) / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        locker.close()
    assert not outcome[0]["good"], outcome
    with case.healing():
        # Its children notice that they are alone; until then a new one is refused.
        deadline = time.monotonic() + 60
        while True:
            try:
                embedded.start(bed.var)
                break
            except Exception:
                assert time.monotonic() < deadline
                time.sleep(1)
        heal(fleet)
    judge(case, fleet, expected, "run Failed; check-services: PostgreSQL down")


def test_postgres_has_no_connection_left(bed: Bed, fleet: Copy, case: Case, expected: Content) -> None:
    case.inject("database", "all connections are taken by others for as long as two runs try")
    with ExitStack() as taken:
        try:
            while True:
                taken.enter_context(psycopg.connect(bed.server.url.replace("/homepot?", "/postgres?")))
        except psycopg.OperationalError:
            pass
        for _ in range(2):
            assert not fleet.run(SCORE, NOW)["good"]
    with case.healing():
        heal(fleet)
    judge(case, fleet, expected, "run Failed: too many clients; doctor")


def test_postgres_is_read_only_for_a_run(bed: Bed, fleet: Copy, case: Case, expected: Content) -> None:
    case.inject("database", "read-only during a whole run of score-health, mails and artifact included")
    with psycopg.connect(bed.server.url, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {fleet.name} SET default_transaction_read_only = on")
    assert not fleet.run(SCORE, NOW)["good"]
    with psycopg.connect(bed.server.url, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {fleet.name} RESET default_transaction_read_only")
    with case.healing():
        heal(fleet)
    judge(case, fleet, expected, "run Failed: read-only transaction")


def test_postgres_stands_still_for_half_a_minute(
    fleet: Copy, case: Case, expected: Content, tmp_path: Path
) -> None:
    case.inject("database", "so slow that storing a minute takes 30 s")
    locker = psycopg.connect(fleet.url, application_name="observer")
    locker.execute("LOCK TABLE homepot_ai.ai_health_scores IN ACCESS EXCLUSIVE MODE")
    with in_the_background(fleet) as outcome:
        wait_until_it_stores(fleet)
        time.sleep(30)
        locker.close()
    assert outcome[0]["good"], outcome
    with case.healing():
        heal(fleet)
    judge(case, fleet, expected, "the run took longer")
