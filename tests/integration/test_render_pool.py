"""Children that render: the same bytes from any of them, and what kills one costs one document."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from homepot_ai.errors import ReportError
from homepot_ai.reporting.pdf import Job
from homepot_ai.reporting.render_pool import RenderPool

FONTS = Path(__file__).resolve().parents[2] / "templates" / "fonts"
PAGE = """<html lang="en"><head><title>{n}</title><style>
@font-face {{ font-family: T; src: url(fonts:{font}) }} html {{ font-family: T }}</style></head>
<body><h1>Report {n}</h1><p>{text}</p></body></html>"""
MEMORY = 1024


def job(n: int, text: str = "All is well.") -> Job:
    font = sorted(path.name for path in FONTS.iterdir() if path.suffix in (".otf", ".ttf"))[0]
    html = PAGE.format(n=n, text=text, font=font)
    return Job(html, FONTS, b'{"n": %d}\n' % n, datetime(2026, 11, 20, 5, n % 60, tzinfo=UTC))


def test_the_same_bytes_from_a_fresh_child_and_from_one_that_made_others_before() -> None:
    with RenderPool(1, memory_mb=MEMORY, jobs=3) as pool:
        first = [pool.render(job(n)) for n in range(3)]
        assert pool.children == [], "after three documents it is replaced"
        again = [pool.render(job(n)) for n in (2, 1, 0)]
    assert again == first[::-1]
    assert len(set(first)) == 3
    assert b"2026-11-20T05:02" in first[2] or b"20261120050200" in first[2], "each has its own time"


def test_a_complaint_a_death_and_a_hang_cost_one_document_each() -> None:
    good = job(1)
    with RenderPool(1, memory_mb=MEMORY) as pool:
        expected = pool.render(good)
        with pytest.raises(ReportError, match="nothing is fetched"):
            pool.render(job(2, '<img src="http://example.org/x.png" alt="x">'))
        assert pool.render(good) == expected
        os.kill(pool.children[0], signal.SIGKILL)
        assert pool.render(good) == expected, "one that died while it waited is replaced"
        with pytest.raises(ReportError, match="took longer than 0 s and was stopped"):
            pool.render(job(3), timeout_s=0.001)
        assert pool.render(good) == expected


def test_a_document_that_is_too_large_fails_alone_and_says_which_setting() -> None:
    huge = "<table>" + "<tr><td>x</td></tr>" * 12_000 + "</table>"
    with RenderPool(1, memory_mb=330) as pool:
        expected = pool.render(job(1))
        with pytest.raises(ReportError, match=r"reports\.render_memory_mb"):
            pool.render(job(2, huge))
        assert pool.render(job(1)) == expected


def test_killed_while_it_renders() -> None:
    slow = job(1, "<table>" + "<tr><td>x</td><td>y</td></tr>" * 500 + "</table>")
    with RenderPool(1, memory_mb=MEMORY) as pool:
        pool.render(job(2))
        [pid] = pool.children
        made: list[bytes] = []
        thread = threading.Thread(target=lambda: made.append(pool.render(slow)))
        thread.start()
        while pool.children:  # until it has its job
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        thread.join()
        assert made[0].startswith(b"%PDF-"), "a fresh child made it"
        assert pool.children != [pid]


def test_threads_share_the_children() -> None:
    made: dict[int, bytes] = {}
    with RenderPool(2, memory_mb=MEMORY) as pool:
        threads = [
            threading.Thread(target=lambda n=n: made.update({n: pool.render(job(n))})) for n in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(pool.children) <= 2
        assert made[5] == pool.render(job(5))
        assert made[0] != pool.render(replace(job(0), facts=b"{}"))
    assert len(made) == 6
