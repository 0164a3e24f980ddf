"""Keeping memory: patterns of closed incidents, the index in step with the record, building it anew.

learn     closed incidents become patterns; resolutions and outcomes follow
embed     what the index in force does not hold yet, in batches
rebuild   a new collection beside the old one, then one UPDATE switches; killed, the next one goes on
check     count, ids and hashes against the record; what is missing is put in, what is too much goes
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from homepot_ai.errors import IndexUnavailable, RecallError
from homepot_ai.memory import describe, embedder, index
from homepot_ai.memory.index import COLLECTIONS, Folder
from homepot_ai.store import memory as store
from homepot_ai.store.memory import Kind, Pattern

if TYPE_CHECKING:
    from homepot_ai.memory.embedder import Embedder
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Database

KINDS: tuple[Kind, ...] = ("incident", "course")
#: Called with (patterns done, patterns in all).
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Learned:
    """What a run added to memory.

    Attributes:
        waiting: patterns that the index does not hold yet.
        degraded: why not; None when it holds all.
    """

    patterns: int
    refreshed: int
    embedded: int
    waiting: int
    degraded: str | None


@dataclass(frozen=True)
class Checked:
    """The index beside the record, one kind of pattern."""

    collection: str
    recorded: int
    indexed: int
    missing: int
    changed: int
    too_many: int
    degraded: str | None = None

    @property
    def fine(self) -> bool:
        """Whether the index holds exactly the record."""
        return self.degraded is None and not (self.missing or self.changed or self.too_many)

    def __str__(self) -> str:
        if self.degraded is not None:
            return self.degraded
        if self.fine:
            return f"{self.indexed} of {self.recorded} patterns, ids and hashes agree"
        return (
            f"{self.indexed} indexed of {self.recorded} recorded: {self.missing} missing, "
            f"{self.changed} of another "
            f"text, {self.too_many} that the record does not have"
        )


def learn(db: Database, settings: Settings, now: datetime) -> Learned:
    """Make patterns of incidents that have closed, and embed what waits."""
    added, refreshed = learn_only(db, now)
    try:
        embedded, degraded = embed(db, settings, now), None
    except RecallError as error:
        embedded, degraded = 0, str(error)
    with db.reader() as conn:
        waiting = sum(count for _, count in store.counts(conn).values())
    return Learned(added, refreshed, embedded, waiting, degraded)


def learn_only(db: Database, now: datetime) -> tuple[int, int]:
    """Make patterns, without the index: (new ones, ones whose resolution or outcome changed)."""
    added = 0
    while True:
        with db.reader() as conn:
            rows = store.without_pattern(conn)
        if not rows:
            break
        with db.writer() as conn:
            new = store.add_patterns(conn, [describe.pattern_of(row) for row in rows], now)
        added += new
        if not new:  # another run was faster: it does the rest as well
            break
    with db.writer() as conn:
        return added, store.refresh(conn, now)


def embed(db: Database, settings: Settings, now: datetime) -> int:
    """Put into the index what it does not hold yet; returns how many.

    The very first pattern makes the index; a run that was killed while it did is gone on with. Killed between
    the index and the mark, the next run writes the same ids again.

    Raises:
        RecallError: the index or a model cannot be used; the patterns wait.
    """
    name = embedder.model_name(settings.memory)
    with db.reader() as conn:
        todo = any(store.patterns_to_embed(conn, kind, name, 1) for kind in KINDS)
        rows = {kind: store.index_row(conn, COLLECTIONS[kind]) for kind in KINDS}
    begun = [row for row in rows.values() if row is not None]
    unfinished = any(not row.active for row in begun) or 0 < len(begun) < len(rows)
    if not todo and not unfinished:
        return 0
    if unfinished or not (begun or _names(Folder.of(settings))):
        return sum(checked.indexed for checked in rebuild(db, settings, now))
    folder, done = Folder.of(settings), 0
    models = embedder.load(settings.memory)
    with store.one_rebuild(db) as mine:
        if not mine:
            raise IndexUnavailable(
                "another run is changing the index at this moment: patterns wait for the next run"
            )
        for kind in KINDS:
            while True:
                with db.reader() as conn:
                    active = index.in_force(rows[kind], models.name)
                    batch = store.patterns_to_embed(conn, kind, models.name, index.BATCH)
                if not batch:
                    break
                _put(folder, active, models, batch)
                with db.writer() as conn:
                    store.mark_embedded(conn, [p.id for p in batch], models.name, now)
                done += len(batch)
    return done


def _names(folder: Folder) -> list[str]:
    """Collections that are there; a run that is killed at its first step leaves a folder without any."""
    if not folder.path.exists():
        return []
    with folder.writing() as opened:
        return list(opened.names())


def rebuild(
    db: Database, settings: Settings, now: datetime, *, afresh: bool = False, progress: Progress | None = None
) -> list[Checked]:
    """Build every collection anew beside the one in force, then switch; returns the check of each.

    A folder that cannot be used is moved aside first. A rebuild that was killed is gone on with, unless
    `afresh`. The old collections are removed after the switch.

    Raises:
        RecallError: a model is missing, the folder is locked, or another rebuild runs.
    """
    models, folder, report = (
        embedder.load(settings.memory),
        Folder.of(settings),
        progress or (lambda *_: None),
    )
    with store.one_rebuild(db) as mine:
        if not mine:
            raise IndexUnavailable(
                "another run is changing the index at this moment: try again when it has ended"
            )
        _usable(folder, now)
        with db.reader() as conn:
            total = sum(count for count, _ in store.counts(conn).values())
        done = 0
        for kind in KINDS:
            done += _rebuild(db, folder, models, kind, now, afresh, partial(_told, report, done, total))
        return [_check(db, folder, models.name, kind) for kind in KINDS]


def _told(report: Progress, before: int, total: int, done: int) -> None:
    report(before + done, total)


def _rebuild(
    db: Database, folder: Folder, models: Embedder, kind: Kind, now: datetime, afresh: bool,
    report: Callable[[int], None],
) -> int:  # fmt: skip
    collection = COLLECTIONS[kind]
    with db.reader() as conn:
        row = store.index_row(conn, collection)
    with folder.writing() as opened:
        names = opened.names()
    after = 0
    if row is not None and row.building and not afresh and row.building in names:
        same = row.building.startswith(f"{collection}.{models.name}.")
        building, after = (row.building, row.built_to) if same else (None, 0)
    else:
        building = None
    if building is None:
        building = index.name_of(collection, models.name, _next_number(names, row))
        with db.writer() as conn:
            store.begin_building(conn, collection, models.name, building)
        after = 0
    with folder.writing() as opened:
        opened.make(building)
    done = 0
    while True:
        with db.reader() as conn:
            batch = store.patterns_after(conn, kind, after, index.BATCH)
        if not batch:
            break
        _put(folder, building, models, batch)
        after = batch[-1].id
        with db.writer() as conn:
            store.built_to(conn, collection, building, after)
        done += len(batch)
        report(done)
    with db.reader() as conn:
        recorded = sorted(store.pattern_hashes(conn, kind))
    with db.writer() as conn:
        if not store.switch_index(conn, collection, building, models.name, now):
            raise IndexUnavailable("another rebuild took over: the index is the one that it built")
        store.mark_embedded(conn, [number for number in recorded if number <= after], models.name, now)
    with folder.writing() as opened:
        for name in opened.names():
            if name.startswith(f"{collection}.") and name != building:
                opened.drop(name)
    return done


def check(db: Database, settings: Settings, now: datetime, *, repair: bool = True) -> list[Checked]:
    """Compare the index with the record, and put in order what differs.

    Args:
        repair: False only looks.
    """
    folder, model = Folder.of(settings), embedder.model_name(settings.memory)
    found = [_check(db, folder, model, kind) for kind in KINDS]
    if repair and not all(checked.fine for checked in found) and not any(c.degraded for c in found):
        _repair(db, folder, settings, now)
    with db.writer() as conn:
        for checked in found:
            store.checked_index(conn, checked.collection, str(checked), now)
    return found


def _repair(db: Database, folder: Folder, settings: Settings, now: datetime) -> None:
    models = embedder.load(settings.memory)
    with store.one_rebuild(db) as mine:
        if not mine:
            return
        for kind in KINDS:
            with db.reader() as conn:
                row = store.index_row(conn, COLLECTIONS[kind])
                recorded = store.pattern_hashes(conn, kind)
            active = index.in_force(row, models.name)
            with folder.reading() as opened:
                indexed = opened.hashes(active)
            wrong = sorted(number for number, digest in recorded.items() if indexed.get(number) != digest)
            for start in range(0, len(wrong), index.BATCH):
                ids = wrong[start : start + index.BATCH]
                with db.reader() as conn:
                    batch = store.patterns(conn, ids)
                _put(folder, active, models, [batch[number] for number in ids if number in batch])
            with folder.writing() as opened:
                opened.remove(active, sorted(set(indexed) - set(recorded)))
            with db.writer() as conn:
                store.mark_embedded(conn, sorted(recorded), models.name, now)


def _check(db: Database, folder: Folder, model: str, kind: Kind) -> Checked:
    collection = COLLECTIONS[kind]
    with db.reader() as conn:
        recorded = store.pattern_hashes(conn, kind)
        row = store.index_row(conn, collection)
    if row is None and not recorded:
        return Checked(collection, 0, 0, 0, 0, 0)
    try:
        active = index.in_force(row, model)
        with folder.reading() as opened:
            indexed = opened.hashes(active)
    except RecallError as error:
        return Checked(collection, len(recorded), 0, len(recorded), 0, 0, str(error))
    return Checked(
        collection,
        len(recorded),
        len(indexed),
        len(set(recorded) - set(indexed)),
        sum(indexed[n] != digest for n, digest in recorded.items() if n in indexed),
        len(set(indexed) - set(recorded)),
    )


def _put(folder: Folder, name: str, models: Embedder, batch: Sequence[Pattern]) -> None:
    vectors = models.encode([pattern.description for pattern in batch])
    facts = [
        {"hash": p.content_hash, "category": p.category, "device_type": p.device_type or ""} for p in batch
    ]
    with folder.writing() as opened:
        opened.put(name, [pattern.id for pattern in batch], vectors, facts)


def _usable(folder: Folder, now: datetime) -> None:
    """Move aside what cannot be opened. A lock is waited for, never broken."""
    if not folder.path.exists():
        return
    try:
        with folder.writing() as opened:
            for name in opened.names():
                opened.count(name)
    except IndexUnavailable as error:
        if "was locked by" in str(error):
            raise
        folder.set_aside(now)


def _next_number(names: Sequence[str], row: store.IndexRow | None) -> int:
    used = [name for name in [*names, row.active if row else "", (row.building or "") if row else ""] if name]
    numbers = [int(tail) for name in used if (tail := name.rpartition(".")[2]).isdigit()]
    return max(numbers, default=0) + 1
