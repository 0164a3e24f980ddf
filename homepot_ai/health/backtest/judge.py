"""Pages against marks: precision, recall, delay. Pure.

A page is judged by the marked anomalies of its device that it overlaps in time: one marked true
confirms it; with only ones marked false it is known to be false; with none nothing is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from homepot_ai.health.backtest.records import Delay, Marked, Page, Share, Verdict
from homepot_ai.intervals import wilson as score_interval


def wilson(hits: int, of: int) -> Share | None:
    """A share with its 95 % score interval; None of nothing.

    Holds for few cases too, where plus or minus a standard error does not.

    >>> share = wilson(8, 10)
    >>> round(share.low, 3), round(share.high, 3)
    (0.49, 0.943)
    """
    if not of:
        return None
    low, high = score_interval(hits / of, of)
    # At 0 and 1 the ends are exact; rounding would leave 1e-17.
    low, high = (0.0 if hits == 0 else low), (1.0 if hits == of else high)
    return Share(hits=hits, of=of, low=round(low, 6), high=round(high, 6))


def overlap(start: float, end: float | None, other_start: float, other_end: float | None) -> bool:
    """Whether two stretches of time share a moment; None: not over yet.

    >>> overlap(0, 10, 10, 20), overlap(0, 9, 10, None)
    (True, False)
    """
    return (end is None or other_start <= end) and (other_end is None or start <= other_end)


def by_device(pages: Sequence[Page]) -> Mapping[int, list[Page]]:
    """Pages of each device, in order of their opening."""
    found: dict[int, list[Page]] = defaultdict(list)
    for page in sorted(pages, key=lambda page: page.opened_at):
        found[page.device_id].append(page)
    return found


def verdicts(pages: Sequence[Page], marked: Sequence[Marked]) -> list[Verdict | None]:
    """What marks say of each page, in the order of the pages."""
    marks: dict[int, list[Marked]] = defaultdict(list)
    for mark in marked:
        marks[mark.device_id].append(mark)
    said: list[Verdict | None] = []
    for page in pages:
        found = {
            mark.verdict
            for mark in marks[page.device_id]
            if overlap(page.opened_at, page.ended_at, mark.started_at, mark.ended_at)
        }
        said.append("true" if "true" in found else "false" if found else None)
    return said


def delays(pages: Sequence[Page], wanted: Sequence[Marked]) -> list[float | None]:
    """Minutes from each anomaly's start to the first page that overlaps it; None: no page does."""
    known = by_device(pages)
    found: list[float | None] = []
    for mark in wanted:
        first = next(
            (
                page
                for page in known.get(mark.device_id, ())
                if overlap(page.opened_at, page.ended_at, mark.started_at, mark.ended_at)
            ),
            None,
        )
        found.append(None if first is None else (first.opened_at - mark.started_at) / 60)
    return found


def summary_of(found: Sequence[float | None]) -> Delay | None:
    """Median and 90 % point (linear between neighbours) of the delays that there are.

    >>> summary_of([0.0, 10.0, None])
    Delay(median=5.0, p90=9.0, of=2)
    """
    there = [delay for delay in found if delay is not None]
    if not there:
        return None
    p90 = float(np.quantile(there, 0.9))
    return Delay(median=round(median(there), 3), p90=round(p90, 3), of=len(there))


def only_in(pages: Sequence[Page], others: Sequence[Page]) -> list[int]:
    """Positions of the pages that overlap none of the others' of the same device."""
    known = by_device(others)
    return [
        number
        for number, page in enumerate(pages)
        if not any(
            overlap(page.opened_at, page.ended_at, other.opened_at, other.ended_at)
            for other in known.get(page.device_id, ())
        )
    ]
