"""From the records of soaks: a verdict for each series, pictures, and docs/soak.md.

What grows and levels off is bounded: the medians of three equal parts of the soak are compared, and if the
second step is smaller than the first, a geometric series tells where it ends. The slopes of what is kept for
a time (databases) are Theil and Sen's, the median over all pairs: a report that takes 300 MB for a minute
bends neither.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.soak_record import Look, Record
from deployments.supervisor import WORKER_MOST_BYTES

#: Of a soak, the share that may be used for warming up, where a slope is asked for.
WARM_UP = 0.25
#: What a process may still grow by, MiB or as a share of its size, until it levels off.
GROWTH_MIB, GROWTH_SHARE = 64.0, 0.25
#: Less than this between two parts of a soak is noise.
NOISE_MIB = 8.0
LATE_MINUTES = 3
#: What sets an end to the growth of a part that grows.
BOUND_BY = {
    "worker-minute": f"; `up` renews it beyond {WORKER_MOST_BYTES // 2**20} MiB, between two runs",
    "worker-batch": f"; `up` renews it beyond {WORKER_MOST_BYTES // 2**20} MiB, between two runs",
    "flows": "; one process for all runs: an installation has one for each",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one series.

    Attributes:
        slope: MiB in a day of the soak's own time.
    """

    name: str
    first: float
    last: float
    most: float
    slope: float
    bounded: bool
    why: str


def slope(values: Sequence[float]) -> float:
    """Theil and Sen's: the median of the slopes between all pairs, per step.

    >>> slope([1.0, 2.0, 3.0, 90.0, 5.0])
    1.0
    """
    pairs = [
        (later - earlier) / (j - i)
        for (i, earlier), (j, later) in itertools.combinations(enumerate(values), 2)
    ]
    return statistics.median(pairs) if pairs else 0.0


def memory_verdict(name: str, values: Sequence[float], steps_a_day: int) -> Verdict:
    """Whether a process stays as large as it is, or levels off.

    >>> memory_verdict("a leak", list(range(100, 400, 5)), 1440).bounded
    False
    >>> memory_verdict("a cache", [300 - 200 * 0.9**n for n in range(60)], 1440).why
    'no growth beyond noise'
    """
    third = max(1, len(values) // 3)
    early, middle, late = (statistics.median(values[n * third : (n + 1) * third]) for n in range(3))
    first, second = middle - early, late - middle
    allowed = max(GROWTH_MIB, GROWTH_SHARE * late)
    bounded = True
    if second < NOISE_MIB:
        why = "no growth beyond noise"
    elif second < first and (more := second * second / (first - second)) <= allowed:
        why = f"levels off at about {late + more:.0f} MiB"
    else:
        bounded, why = False, f"**+{first:.0f}, then +{second:.0f} MiB**{BOUND_BY.get(name, '')}"
    daily = slope(values[int(len(values) * WARM_UP) :]) * steps_a_day
    return Verdict(name, values[0], values[-1], max(values), daily, bounded, why)


def size_verdict(name: str, values: Sequence[float], steps_a_day: int, bound: str) -> Verdict:
    """How fast something grows on disk that is kept for a time."""
    steady = values[int(len(values) * WARM_UP) :]
    return Verdict(name, values[0], values[-1], max(values), slope(steady) * steps_a_day, True, bound)


def write(records: Path, docs: Path) -> dict[str, Any]:
    """Write the page and its pictures; returns what is in them, in short."""
    text, result = text_of(records, docs / "pictures")
    (docs / "soak.md").write_text(text, encoding="utf-8")
    return result


def text_of(records: Path, pictures: Path | None) -> tuple[str, dict[str, Any]]:
    """The page, and what is in it in short; draws the pictures where a folder for them is given."""
    parts = [_INTRODUCTION]
    result: dict[str, Any] = {}
    for name, chapter in (("hour", _hour), ("week", _week)):
        record = Record.read(records / f"{name}.jsonl")
        if record.looks:
            text, result[name] = chapter(record, pictures)
            parts.append(text)
    return "\n".join(parts), result


_INTRODUCTION = """# Does anything grow?

Two soaks, written from their records (`docs/soak/*.jsonl`) by `scripts/soak report`; nothing below is written
by hand. `scripts/soak hour` is the demo at its real pace, `scripts/soak week` the same flows on a clock of
their own, in one process. Both are resumed by the same command after whatever stopped them.

A soak is cut in three. A process is called bounded if from the second part to the third it grows by less than
8 MiB, or by so much less than from the first to the second that it will end within 64 MiB or a quarter of its
size. *A day* is the median slope after the first quarter, carried on for a day: for a process that is still
filling its caches that is more than it will ever do.
"""


def _hour(record: Record, pictures: Path | None) -> tuple[str, dict[str, Any]]:
    looks = record.looks
    late = sorted(seconds for look in looks[LATE_MINUTES:] for seconds in look.lateness)
    verdicts = [memory_verdict(part, _series(looks, part), 1440) for part in _parts(looks)]
    verdicts.append(
        size_verdict(
            "our database", [look.ours_mib for look in looks], 1440,
            "scores are dropped after `retention.score_days`, hours after `retention.hour_days`",
        )
    )  # fmt: skip
    verdicts.append(
        size_verdict(
            "Prefect's database", [look.prefect_mib for look in looks], 1440,
            "chatty events go after an hour, the rest after a day, runs after `retention.prefect_days`",
        )
    )  # fmt: skip
    if pictures is not None:
        _draw_hour(looks, pictures / "soak-hour.svg")
    runs, last = looks[-1].runs, looks[-1]
    waiting = [
        sum(n for state, n in look.outbox.items() if "queued" in state or "claimed" in state)
        for look in looks
    ]
    stuck = max(look.runs["stuck"] for look in looks)
    p50, p99, most = _quantile(late, 0.5), _quantile(late, 0.99), max(late, default=0.0)
    load = statistics.median(look.load for look in looks)
    lines = [
        f"## {len(looks)} minutes of the demo\n",
        f"From {looks[0].at[:16].replace('T', ' ')} to {last.at[11:16]} UTC; the machine's load was "
        f"{load:.1f} (median) on {record.head.get('cores', 2)} cores, most of it by others.\n",
        "![Memory, lateness and databases by minute](pictures/soak-hour.svg)\n",
        "| | |",
        "|---|---:|",
        f"| minutes scored / passed over | {sum(look.scored for look in looks)} / {last.gaps} |",
        f"| lateness of a scored minute, from its end to its stored score: p50 / p99 / most | "
        f"{p50:.0f} / {p99:.0f} / {most:.0f} s |",
        f"| flow runs completed / failed / crashed | {runs['completed']} / {runs['failed']} / "
        f"{runs['crashed']} |",
        f"| runs stuck at a look, at most | {stuck} |",
        f"| mails and messages waiting at a look, at most / at the end | {max(waiting)} / {waiting[-1]} |",
        f"| mails delivered | {last.mails} |",
        "",
        f"Lateness without the first {LATE_MINUTES} minutes, in which the start is caught up with. A minute "
        "is due when it is over; its run begins 15 s later.\n",
        *_table(verdicts),
        *_events(record),
    ]
    return "\n".join(lines), {
        "minutes": len(looks), "lateness_p50_s": p50, "lateness_p99_s": p99, "gaps": last.gaps,
        "stuck": stuck, "failed": runs["failed"], "crashed": runs["crashed"],
        "bounded": all(verdict.bounded for verdict in verdicts),
    }  # fmt: skip


def _week(record: Record, pictures: Path | None) -> tuple[str, dict[str, Any]]:
    looks = record.looks
    verdicts = [memory_verdict(part, _series(looks, part), 24) for part in _parts(looks)]
    kept = record.head["score_days"]
    verdicts.append(
        size_verdict(
            "our database", [look.ours_mib for look in looks], 24,
            f"scores are kept {kept} days here, then dropped",
        )
    )  # fmt: skip
    if pictures is not None:
        _draw_week(looks, pictures / "soak-week.svg")
    last = looks[-1]
    seconds = sorted(one for look in looks for one in look.seconds)
    through = len(looks) >= record.head["steps"]
    said = "" if through else f" **Shortened**: {record.head['steps'] / 24:.0f} were asked for."
    lines = [
        f"\n## {len(looks) / 24:.1f} simulated days\n",
        f"From {record.head['begun'][:10]} on, in steps of {record.head['step_minutes']} minutes, every "
        "minute scored, every schedule of `prefect.yaml` kept (`predict-failures` every sixth hour, "
        f"`check-services` hourly).{said}\n",
        "![Memory, database and time of a step by simulated day](pictures/soak-week.svg)\n",
        "| | |",
        "|---|---:|",
        f"| minutes scored / passed over | {sum(look.scored for look in looks)} / {last.gaps} |",
        f"| flow runs completed / failed | {last.runs['completed']} / {last.runs['failed']} |",
        f"| a step of {record.head['step_minutes']} minutes: p50 / p99 | {_quantile(seconds, 0.5):.1f} / "
        f"{_quantile(seconds, 0.99):.1f} s |",
        f"| mails delivered / waiting at the end | {last.mails} / "
        f"{sum(n for state, n in last.outbox.items() if 'queued' in state)} |",
        "",
        *_table(verdicts),
        *_events(record),
    ]
    return "\n".join(lines), {
        "days": round(len(looks) / 24, 1), "gaps": last.gaps, "failed": last.runs["failed"],
        "bounded": all(verdict.bounded for verdict in verdicts),
    }  # fmt: skip


def _table(verdicts: Sequence[Verdict]) -> list[str]:
    lines = ["| MiB | first | last | most | a day | bounded | |", "|---|---:|---:|---:|---:|---|---|"]
    lines += [
        f"| {one.name} | {one.first:.0f} | {one.last:.0f} | {one.most:.0f} | {one.slope:+.0f} | "
        f"{'yes' if one.bounded else '**no**'} | {one.why} |"
        for one in verdicts
    ]
    return [*lines, ""]


def _events(record: Record) -> list[str]:
    told = [event for event in record.events if event["what"] not in ("through",)]
    if not told:
        return []
    # The same again and again is one line.
    counted: dict[str, int] = {}
    for event in told:
        counted[event["what"]] = counted.get(event["what"], 0) + 1
    return [
        "What happened:\n",
        *(f"- {what}" + (f" ({n} times)" if n > 1 else "") for what, n in counted.items()),
        "",
    ]


def _parts(looks: Sequence[Look]) -> list[str]:
    """The parts that were there in most looks, the largest first; runs come and go and have no slope."""
    names = {name for look in looks for name in look.rss} - {"runs"}
    often = [name for name in names if sum(name in look.rss for look in looks) > len(looks) / 2]
    return sorted(often, key=lambda name: -max(_series(looks, name)))


def _series(looks: Sequence[Look], part: str) -> list[float]:
    return [look.rss[part] for look in looks if part in look.rss]


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _draw_hour(looks: Sequence[Look], out: Path) -> None:
    def bottom(axes: Any) -> None:
        axes.plot([look.ours_mib - looks[0].ours_mib for look in looks], label="our database")
        axes.plot([look.prefect_mib - looks[0].prefect_mib for look in looks], label="Prefect's database")
        axes.set_ylabel("MiB grown")

    def middle(axes: Any) -> None:
        marks = [(look.step, seconds) for look in looks[LATE_MINUTES:] for seconds in look.lateness]
        axes.plot([x for x, _ in marks], [y for _, y in marks], ".", color="#1f5c99", label="scored minute")
        axes.set_ylabel("late, s")

    _draw(looks, "minute", out, middle, bottom)


def _draw_week(looks: Sequence[Look], out: Path) -> None:
    def bottom(axes: Any) -> None:
        axes.plot([look.ours_mib for look in looks], label="our database")
        axes.set_ylabel("MiB")

    def middle(axes: Any) -> None:
        axes.plot([statistics.median(look.seconds) for look in looks], color="#1f5c99", label="a step, s")
        axes.set_ylabel("seconds")

    _draw(looks, "simulated hour", out, middle, bottom)


def _draw(
    looks: Sequence[Look], unit: str, out: Path, middle: Callable[[Any], None], bottom: Callable[[Any], None]
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    # The same record gives the same file.
    matplotlib.rcParams["svg.hashsalt"] = "soak"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(9, 7.5), sharex=True, height_ratios=[2, 1, 1])
    for part in _parts(looks):
        axes[0].plot([look.rss.get(part, float("nan")) for look in looks], label=part, linewidth=1.1)
    axes[0].set_ylabel("MiB resident")
    axes[0].set_ylim(bottom=0)
    middle(axes[1])
    bottom(axes[2])
    axes[2].set_xlabel(unit)
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(axis="y", alpha=0.3)
        one.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.tight_layout()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Date": None})
    plt.close(figure)
