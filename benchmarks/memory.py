#!/usr/bin/env python3
"""How well and how fast memory finds past incidents.

    benchmarks/memory.py [--pairs FILE.jsonl] [--patterns N] [--real N] [--quality-only]

Quality: `{"a", "b", "same"}` per line (default: the pairs of the tests). The cut-off is chosen on one half,
the accuracy measured on the other. Speed: N patterns in a real PostgreSQL and a real Chroma folder. Embedding
100 000 texts takes the longer part of an hour on two cores, so `--real` of them are embedded from generated
texts; the others are these vectors with noise added. The rate of embedding is measured on the real ones and
stated apart: `rebuild_seconds_whole` = insertion as measured + N texts at that rate.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from homepot_ai.memory import describe, embedder, index, matching, pairs
from homepot_ai.memory.index import Folder
from homepot_ai.memory.matching import Exact
from homepot_ai.memory.similar import NEIGHBOURS, Question, find
from homepot_ai.settings import MemorySettings, Settings
from homepot_ai.store import embedded, migrate
from homepot_ai.store import memory as store
from homepot_ai.store.database import Database

DEFAULT_PAIRS = Path(__file__).resolve().parents[1] / "tests" / "data" / "incident_pairs.jsonl"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CATEGORIES = ("temperature", "connectivity", "power", "performance", "storage", "application", "security")
TYPES = ("pos_terminal", "iot_sensor", "industrial_controller", "gateway", "tablet")
NOISE = 0.35


def quality(models: embedder.Embedder, path: Path) -> dict[str, Any]:
    labelled = pairs.read(path)
    began = time.perf_counter()
    scores = pairs.score(models, labelled)
    seconds = time.perf_counter() - began
    judged = pairs.judge(labelled, scores)
    print(
        f"{path.name}: {judged.pairs} pairs, accuracy {judged.accuracy:.1%} on {judged.measured_on} of them"
    )
    print(f"  cut-off {judged.cut_off:.3f} chosen on the others; same cause found {judged.recall:.1%}, ")
    print(f"  other cause taken for the same {judged.false_alarms:.1%}")
    print(
        f"  at the cut-off in force ({matching.CUT_OFF}) over all pairs {judged.shipped:.1%}; {seconds:.1f} s"
    )
    return {
        "pairs": judged.pairs, "measured_on": judged.measured_on, "accuracy": judged.accuracy,
        "cut_off": judged.cut_off, "recall": judged.recall, "false_alarms": judged.false_alarms,
        "accuracy_at_shipped_cut_off": judged.shipped,
    }  # fmt: skip


def texts(count: int) -> list[str]:
    """Generated descriptions, as `describe` would make them: no two the same."""
    phrases = list(describe.PHRASES.values())
    rng = random.Random(4)
    return [
        f"{rng.choice(TYPES).replace('_', ' ')}, {rng.choice(CATEGORIES)}: {rng.choice(phrases)} "
        f'{rng.uniform(5, 99):.1f}. {rng.choice(phrases)}. "{rng.choice(phrases)} on unit {n}".'
        for n in range(count)
    ]


def speed(models: embedder.Embedder, count: int, real: int) -> dict[str, Any]:
    folder_path = Path(tempfile.mkdtemp(prefix="hp-memory-"))
    server = embedded.start(folder_path)
    try:
        return _speed(models, Database(server.url), folder_path, count, min(real, count))
    finally:
        server.stop()
        shutil.rmtree(folder_path, ignore_errors=True)


def _speed(models: embedder.Embedder, db: Database, var: Path, count: int, real: int) -> dict[str, Any]:
    migrate.upgrade(db)
    settings = Settings(var_dir=var, memory=MemorySettings())
    folder, rng = Folder.of(settings), np.random.default_rng(4)
    written = texts(real)
    began = time.perf_counter()
    vectors = models.encode(written)
    embed_rate = real / (time.perf_counter() - began)
    one: list[float] = []
    for text in written[:50]:
        began = time.perf_counter()
        models.encode([text + " x"])
        one.append((time.perf_counter() - began) * 1000)
    print(f"embedding: {embed_rate:.0f} a second in batches, {np.median(one):.0f} ms for one")

    _record(db, itertools.islice(itertools.cycle(written), count), count)
    with db.reader() as conn:
        rows = store.patterns_after(conn, "incident", 0, count)
    name = index.name_of(index.INCIDENT_HISTORY, models.name, 1)
    with folder.writing() as opened:
        opened.make(name)
    began = time.perf_counter()
    for start in range(0, count, index.BATCH):
        batch = rows[start : start + index.BATCH]
        base = vectors[[(start + n) % real for n in range(len(batch))]]
        if start >= real:
            base = base + rng.normal(0, NOISE / np.sqrt(base.shape[1]), base.shape).astype(np.float32)
            base /= np.linalg.norm(base, axis=1, keepdims=True)
        facts = [
            {"hash": p.content_hash, "category": p.category, "device_type": p.device_type or ""}
            for p in batch
        ]
        with folder.writing() as opened:
            opened.put(name, [p.id for p in batch], base, facts)
    inserting = time.perf_counter() - began
    with db.writer() as conn:
        store.begin_building(conn, index.INCIDENT_HISTORY, models.name, name)
        store.switch_index(conn, index.INCIDENT_HISTORY, name, models.name, NOW)
    print(f"inserting: {count / inserting:.0f} a second ({inserting:.0f} s)")
    asked = _ask(db, settings, models, folder, name)
    disk = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = inserting + count / embed_rate
    print(f"rebuild: {whole:.0f} s of which {count / embed_rate:.0f} s are embedding (at the measured rate)")
    print(f"memory: {peak:.0f} MB at the peak, {disk / 1e6:.0f} MB on disk")
    return {
        "patterns": count, "really_embedded": real, "embed_per_second": embed_rate,
        "embed_one_ms": float(np.median(one)), "insert_per_second": count / inserting,
        "insert_seconds": inserting, "rebuild_seconds_whole": whole, **asked, "peak_mb": peak,
        "disk_mb": disk / 1e6,
    }  # fmt: skip


def _record(db: Database, described: Any, count: int) -> None:
    """Patterns of kind incident need incidents: a narrow one each."""
    with db.admin() as conn:
        conn.execute(
            "INSERT INTO ai_incidents (fingerprint, kind, cause, category, title, state, severity, "
            "initial_severity, peak_severity, started_at, opened_at, closed_at, initial, facts, updated_at) "
            "SELECT n::text, 'device', 'x', 'power', 'x', 'closed', 'info', 'info', 'info', %(at)s, %(at)s, "
            "%(at)s, '{}', '{}', %(at)s FROM generate_series(1, %(count)s) n",
            {"at": NOW - timedelta(days=30), "count": count},
        )
        with (
            conn.cursor() as cursor,
            cursor.copy(
                "COPY ai_incident_patterns (kind, incident_id, device_type, category, severity, metrics, "
                "pattern_description, content_hash, happened_at, created_at) FROM STDIN"
            ) as copy,
        ):
            for number, text in enumerate(described, 1):
                copy.write_row(
                    ("incident", number, TYPES[number % 5], CATEGORIES[number % 7], "info",
                     "{disk_percent:high}",
                     text, describe.content_hash(text), NOW - timedelta(days=30), NOW)
                )  # fmt: skip
        conn.execute("ANALYZE ai_incident_patterns")


def _ask(
    db: Database, settings: Settings, models: embedder.Embedder, folder: Folder, name: str, times: int = 200
) -> dict[str, Any]:
    """Apart: the index alone, filter included. Together: as an investigation asks."""
    wanted = [f"{text} again" for text in texts(times)]
    rows = models.encode(wanted)
    index_ms: list[float] = []
    with folder.reading() as opened:
        for number, row in enumerate(rows):
            began = time.perf_counter()
            near = opened.nearest(name, row, NEIGHBOURS)
            [hit for hit in near if hit.category == CATEGORIES[number % 7]]
            index_ms.append((time.perf_counter() - began) * 1000)
    together: list[float] = []
    with db.reader() as conn:
        for number, text in enumerate(wanted):
            question = Question(text, Exact(TYPES[number % 5], CATEGORIES[number % 7], frozenset()), NOW)
            began = time.perf_counter()
            found = find(conn, folder, settings, [question])[0]
            together.append((time.perf_counter() - began) * 1000)
            assert found.degraded is None, found.degraded
    apart = percentiles(index_ms[5:])
    both = percentiles(together[5:])
    print(f"asking the index, filter included: median {apart[0]:.0f} ms, p95 {apart[1]:.0f} ms")
    print(f"asking memory (embed, index, record, compare): median {both[0]:.0f} ms, p95 {both[1]:.0f} ms")
    return {
        "index_median_ms": apart[0], "index_p95_ms": apart[1], "together_median_ms": both[0],
        "together_p95_ms": both[1],
    }  # fmt: skip


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    return float(np.percentile(values, 50)), float(np.percentile(values, 95))


def main() -> None:
    parser = argparse.ArgumentParser(description="How well and how fast memory finds past incidents.")
    parser.add_argument("--pairs", type=Path, default=DEFAULT_PAIRS)
    parser.add_argument("--patterns", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=3000)
    parser.add_argument("--quality-only", action="store_true")
    given = parser.parse_args()
    models = embedder.load(MemorySettings())
    result: dict[str, Any] = {"model": models.name, "dimensions": models.dimensions}
    result["quality"] = quality(models, given.pairs)
    if not given.quality_only:
        result["speed"] = speed(models, given.patterns, given.real)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
