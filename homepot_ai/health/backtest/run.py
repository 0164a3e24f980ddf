"""The engine once more over a past range, for one or two configurations at once. Nothing is written.

It always learns from telemetry, as a cold start does, and never begins with a kept state: states are
cleared away after days and were made by another configuration, so the same question asked later would get
another answer. Each stretch is read once and stepped through by every configuration's own engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from homepot_ai.health import scoring
from homepot_ai.health.backtest.planning import BacktestPlan, Part
from homepot_ai.health.backtest.records import Page
from homepot_ai.health.cursor import Cursor
from homepot_ai.health.engine import Engine
from homepot_ai.health.minutes import Fleet
from homepot_ai.health.planning import MINUTE, MinutePlan
from homepot_ai.health.records import Episode, Floats, MinuteResult
from homepot_ai.health.rows import explain
from homepot_ai.settings import Settings
from homepot_ai.store.database import Database

# Telemetry rows held at once; a stretch is cut so that about so many lie in it.
CHUNK_ROWS = 150_000
Progress = Callable[[int, int], None]


class Watch:
    """Keeps the episodes of one configuration that overlap the range, in their last state."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._open: dict[int, Episode] = {}
        self._done: list[Episode] = []

    def take(self, result: MinuteResult) -> None:
        """Note what a minute opened, worsened and closed."""
        for episode in (*result.opened, *result.updated):
            self._open[episode.device_id] = episode
        for episode in result.closed:
            self._open.pop(episode.device_id, None)
            if episode.ended_at is not None and episode.ended_at > self._after:
                self._done.append(episode)

    def pages(self) -> list[Page]:
        """All of them, by their opening; what is still open has no end."""
        found = [_page(episode) for episode in (*self._done, *self._open.values())]
        return sorted(found, key=lambda page: (page.opened_at, page.device_id))


def _page(episode: Episode) -> Page:
    return Page(
        device_id=episode.device_id,
        opened_at=episode.started_at,
        ended_at=episode.ended_at,
        severity=episode.severity,
        strength=episode.strength,
        opened_by=episode.opened_by,
        metric=episode.metric,
        why=explain(episode.metric, episode.observed, episode.low, episode.high),
    )


def run(
    db: Database, settings: Settings, plan: BacktestPlan, progress: Progress | None = None
) -> list[list[Page]]:
    """The pages of each configuration: episodes that overlap the range, also ones that opened before it.

    Args:
        progress: is told minutes done and minutes in all, after each stretch.
    """
    found: list[list[Page]] = [[] for _ in plan.configurations]
    done = 0
    for part in plan.parts:
        for number, pages in enumerate(_shard(db, settings, plan, part, done, progress)):
            found[number] += pages
        done += round((plan.end - part.learn_from) / MINUTE)
    return found


def _shard(
    db: Database,
    settings: Settings,
    plan: BacktestPlan,
    part: Part,
    before: int,
    progress: Progress | None,
) -> Sequence[list[Page]]:
    engines = [Engine(config) for config in plan.configurations]
    cursors = [Cursor.empty() for _ in engines]
    watches = [Watch(plan.start.timestamp()) for _ in engines]
    minutes = max(1, round((plan.end - part.learn_from) / MINUTE))
    step = stretch(part.rows, minutes)
    at = part.learn_from
    while at < plan.end:
        until = min(at + step, plan.end)
        due = MinutePlan(
            "live", part.shard, "backtest", at + MINUTE, until, None, at, None, 0, tuple(plan.missing)
        )
        # What was read so far is the same for every configuration: the first one's cursor speaks for all.
        with db.reader() as conn:
            batch = scoring.fetch(
                conn, settings, due, cursors[0], window=(at, at), parts={}, site_id=plan.site_id
            )
        for number, (engine, watch) in enumerate(zip(engines, watches, strict=True)):
            offsets = plan.offsets if plan.trials[number].moved_by_marks else {}
            # Those of the question's moment: a mark made meanwhile must not move half a range.
            own = replace(batch, fleet=replace(batch.fleet, alarm_offset=_offsets(batch.fleet, offsets)))
            stepped = scoring.step(engine, cursors[number], due, own, emit=False, watch=watch.take)
            cursors[number] = stepped.cursor
        at = until
        if progress is not None:
            progress(before + round((at - part.learn_from) / MINUTE), plan.minutes)
    return [watch.pages() for watch in watches]


def _offsets(fleet: Fleet, offsets: Mapping[str, float]) -> Floats | None:
    if not offsets:
        return None
    return np.array([offsets.get(kind, 0.0) for kind in fleet.device_type], np.float32)


def stretch(rows: int, minutes: int) -> timedelta:
    """How much is read at once.

    >>> stretch(1_500_000, 10_000), stretch(500, 10_000)
    (datetime.timedelta(seconds=60000), datetime.timedelta(days=1))
    """
    return MINUTE * max(1, min(1440, round(minutes * CHUNK_ROWS / max(rows, 1))))
