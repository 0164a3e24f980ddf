"""What an operator reads of predictions: which devices to look at, and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from homepot_ai.fleet import metrics
from homepot_ai.health.summary import cell
from homepot_ai.prediction.judge import BASE_RATE, LEVELS, Judged
from homepot_ai.prediction.records import HORIZONS, Crossing, DeviceRisk, Fact

SYMBOLS = {"unknown": "○", "low": "●", "moderate": "▲", "high": "▲▲", "critical": "■"}
SHOWN, FACTS, NAMED = 5, 3, 5
_HORIZON_WORDS = {"24h": "24 hours", "7d": "7 days", "7-30d": "7 to 30 days"}


def urgent(risks: Sequence[DeviceRisk]) -> list[DeviceRisk]:
    """Risks by urgency: level, then the early edge of what is crossed, then the probability in 7 days."""

    def key(risk: DeviceRisk) -> tuple[int, float, float]:
        soon = risk.crossing.low if risk.crossing else None
        return (
            -LEVELS.index(risk.level),
            soon.timestamp() if soon else float("inf"),
            -risk.probabilities.get("7d", 0.0),
        )

    return sorted(risks, key=key)


def headline(judged: Judged) -> str:
    """One line for the list of runs."""
    counts = Counter(risk.level for risk in judged.risks)
    told = ", ".join(f"{counts[level]} {level}" for level in reversed(LEVELS) if counts[level])
    return f"{len(judged.risks)} devices: {told}" if judged.risks else "no device is in use"


def first(judged: Judged) -> list[int]:
    """The devices that the page tells about, the most urgent first; on demand the one that was named."""
    ahead = [risk for risk in urgent(judged.risks) if risk.level in ("moderate", "high", "critical")]
    return [risk.device_id for risk in (ahead if judged.everybody else judged.risks)[:SHOWN]]


def markdown(judged: Judged, similar: Mapping[int, Sequence[str]] = MappingProxyType({})) -> str:
    """The page of a run: five devices to look at, why and what to do, then what stands behind it.

    Args:
        similar: sentences about past failures that began alike, by device.
    """
    at = judged.at
    lines = [f"**{headline(judged)}** as of {at:%Y-%m-%d %H:%M} UTC", ""]
    lines += [line for note in judged.notes for line in (f"**Degraded**: {cell(note)}", "")]
    ahead = [risk for risk in urgent(judged.risks) if risk.level in ("moderate", "high", "critical")]
    if ahead:
        lines += [
            "Look at these first:" if len(ahead) > 1 else "Look at this one:", "",
            "| risk | device | site | what | when (80 % interval) |", "|---|---|---|---|---|",
            *(_row(judged, risk) for risk in ahead[:SHOWN]), "",
            *(_why(judged, risk, similar.get(risk.device_id, ())) for risk in ahead[:SHOWN]),
        ]  # fmt: skip
        if len(ahead) > SHOWN:
            more = Counter(risk.level for risk in ahead[SHOWN:])
            told = ", ".join(f"{n} {level}" for level, n in more.items())
            lines += ["", f"And {len(ahead) - SHOWN} more ({told}): `homepot-ai predict` lists them."]
    elif judged.risks:
        lines.append("No device is above low risk.")
    lines += ["", "What this rests on:", "", *_behind(judged)]
    return "\n".join(lines) + "\n"


def device_lines(judged: Judged, similar: Mapping[int, Sequence[str]] = MappingProxyType({})) -> list[str]:
    """One device for a terminal or its own page; `similar` as in `markdown`."""
    out = []
    for risk in judged.risks:
        name, site = _named(judged, risk.device_id)
        out.append(
            f"{SYMBOLS[risk.level]} {name} ({site}): {risk.level} risk, as of {judged.at:%Y-%m-%d %H:%M} UTC"
        )
        if risk.refused is not None:
            out.append(f"  nothing can be said: {risk.refused.text}")
            continue
        out += [f"  {line}" for line in what(risk, judged.at)]
        told = "; ".join(
            f"{_HORIZON_WORDS[horizon]} {_percent(p)} (usual {_percent(float(judged.hazard.base[k]))})"
            for k, (horizon, p) in enumerate(risk.probabilities.items())
        )
        out.append(f"  failure within {told}; by {_who(judged)}")
        if risk.life is not None:
            low, mid, high = risk.life
            out.append(f"  remaining life {mid:.0f} days (80 %: {low:.0f} to {high:.0f})")
        out += [f"  because {fact_words(fact)}" for fact in risk.facts]
        out += [f"  {sentence}" for sentence in similar.get(risk.device_id, ())]
        for metric, why in dict(risk.details.get("no_forecast", {})).items():
            out.append(f"  no forecast of {metrics.label(metric)}: {why}")
        if risk.action:
            out.append(f"  do: {risk.action}")
    return out


def what(risk: DeviceRisk, at: datetime) -> list[str]:
    """What is foretold of a device, in a line each."""
    lines = []
    if risk.crossing is not None:
        lines.append(crossing_words(risk.crossing, at))
    if risk.cause == "failure":
        likely = max(
            HORIZONS, key=lambda name: risk.probabilities.get(name, 0.0) if name != "7-30d" else -1.0
        )
        lines.append(f"failure within {_HORIZON_WORDS[likely]}: {_percent(risk.probabilities[likely])}")
    return lines


def crossing_words(c: Crossing, at: datetime) -> str:
    """A crossing in a clause: where it stands, where it goes, between which dates.

    >>> from datetime import UTC
    >>> at, low, mid = (datetime(2026, 11, day, 9, tzinfo=UTC) for day in (20, 24, 25))
    >>> crossing_words(Crossing("disk_percent", "%", 90.0, "high", 85.0, 1.0, low, mid, None, ""), at)
    'Disk 85.0 %, +1.0 % a day: reaches 90.0 % Tue 24 Nov at the earliest, most likely Wed 25 Nov'
    """
    per_day = (
        f"{c.per_day:+.1f} {c.unit}".rstrip()
        if abs(c.per_day) >= 0.1
        else f"{c.per_day:+.2g} {c.unit}".rstrip()
    )
    said = (
        f"{metrics.label(c.metric)} {metrics.format_value(c.metric, c.now)}, {per_day} a day: reaches "
        f"{metrics.format_value(c.metric, c.limit)}"
    )
    if c.low is None:
        return f"{said} not within 30 days"
    return f"{said} {_between(c, at)}"


def _span(c: Crossing, at: datetime) -> str:
    """The interval in a cell."""
    if c.low is None:
        return "not within 30 days"
    low, high = _date(c.low, at), None if c.high is None else _date(c.high, at)
    return f"from {low}" if high is None else low if low == high else f"{low} – {high}"


def _between(c: Crossing, at: datetime) -> str:
    """When a limit is reached, as exactly as it is worth: the hour within two days, else the day."""
    if c.low is None:
        return "not within 30 days"
    low, mid, high = (None if m is None else _date(m, at) for m in (c.low, c.mid, c.high))
    if high is not None and high == low:
        return f"on {low} (80 %)"
    said = f"between {low} and {high} (80 %)" if high is not None else f"{low} at the earliest"
    return said + (f", most likely {mid}" if mid is not None else "")


def fact_words(fact: Fact) -> str:
    """A fact with its value and what is usual."""
    value = "" if fact.value is None else f" {fact.value:.3g} {fact.unit}".rstrip()
    usual = "" if fact.usual is None or fact.effect == 0 else f" (usual {fact.usual:.3g})"
    push = "" if fact.effect >= 0 else ", which speaks against it"
    return f"{fact.name}{value}{usual}{push}"


def _row(judged: Judged, risk: DeviceRisk) -> str:
    name, site = _named(judged, risk.device_id)
    c = risk.crossing
    if risk.cause == "failure" or c is None:
        what_, when = "failure", "; ".join(_chance(risk))
    else:
        to = "" if c.low is None else f" → {metrics.format_value(c.metric, c.limit)}"
        what_, when = (
            f"{metrics.label(c.metric)} {metrics.format_value(c.metric, c.now)}{to}",
            _span(c, judged.at),
        )
    cells = (f"{SYMBOLS[risk.level]} {risk.level}", name, site, what_, when)
    # The columns are short: what a browser would cut off must not be the date.
    return "| " + " | ".join(cell_of(text) for text in cells) + " |"


def _why(judged: Judged, risk: DeviceRisk, similar: Sequence[str]) -> str:
    """A device in a paragraph: what is foretold, because of what, what to do."""
    told = what(risk, judged.at)
    if risk.cause != "failure" and judged.hazard.forecaster != BASE_RATE:
        told += _chance(risk)
    told += [f"because {fact_words(fact)}" for fact in risk.facts if fact.effect > 0][:FACTS]
    told += similar
    said = "; ".join(cell(part) for part in told)
    return f"- **{_named(judged, risk.device_id)[0]}**: {said}. **{cell(risk.action or 'Look at it.')}**"


def _chance(risk: DeviceRisk) -> list[str]:
    p = risk.probabilities.get("7d")
    return [] if p is None else [f"failure within 7 days: {_percent(p)}"]


def cell_of(text: str) -> str:
    """A whole sentence in a cell."""
    return "; ".join(cell(part) for part in text.split("; ")) if text else ""


def _behind(judged: Judged) -> list[str]:
    """What the judgement rests on, in lines that need no knowledge of methods."""
    levels = judged.thresholds
    base = {name: float(judged.hazard.base[k]) for k, name in enumerate(HORIZONS)}
    lines = [
        f"- probabilities by {_who(judged)}; any device fails within 7 days with "
        f"{_percent(base['7d'])}, within 24 hours with {_percent(base['24h'])}",
        f"- levels from: moderate {levels.moderate:.2f}, high {levels.high:.2f} within 7 days, critical "
        f"{levels.critical:.2f} within 24 hours ({cell(levels.reason)})",
    ]
    figure = judged.record.figure("7d")
    if figure is not None:
        skill = "" if figure.skill is None else f", {figure.skill:+.0%} skill against the base rate"
        kept = ", anecdotal" if figure.anecdotal else ""
        lines.append(
            f"- track record, 7 days: {figure.n} forecasts settled, {figure.happened} failed{skill}, "
            f"calibration error {figure.calibration_error:.3f}{kept}"
        )
    close = [one for one in judged.seen if not one.sampled]
    no = Counter(one.refused.code for one in close if one.refused is not None)
    crossed = sum(one.crossing is not None for one in close)
    told = f"- {len(close)} metrics are on their way to a limit, {crossed} reach it within 30 days"
    if no:
        told += "; no forecast of " + ", ".join(f"{n} ({code.replace('_', ' ')})" for code, n in no.items())
    lines.append(told)
    refused: dict[str, list[str]] = {}
    for risk in judged.risks:
        if risk.refused is not None:
            refused.setdefault(risk.refused.code, []).append(_named(judged, risk.device_id)[0])
    for code, names in refused.items():
        shown = ", ".join(cell(name) for name in names[:NAMED])
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        lines.append(f"- nothing is said of {len(names)} ({code.replace('_', ' ')}): {shown}{more}")
    if judged.kept is not None:
        k = judged.kept
        lines.append(
            "- a look back: nothing was stored" if k.look_back
            else f"- stored: {k.risks} risks, {k.ledger} forecasts into the ledger"
            + ("" if k.ledger else " (the day's are there)")
        )  # fmt: skip
    return lines


def _who(judged: Judged) -> str:
    if judged.hazard.forecaster == BASE_RATE:
        return "the base rate (no failure model is in force)"
    told = f"{judged.hazard.forecaster} {judged.hazard.version}"
    return f"{told} (too few failures are on record to learn from)" if told.endswith("-prior") else told


def _named(judged: Judged, device_id: int) -> tuple[str, str]:
    i = judged.fleet.ids.tolist().index(device_id)
    name = judged.fleet.names[i] or judged.fleet.public[i]
    return cell(name), cell(judged.sites.get(int(judged.fleet.sites[i]), ""))


def _percent(p: float) -> str:
    return f"{p:.0%}" if p >= 0.095 else f"{p:.1%}" if p >= 0.0095 else f"{p:.2%}"


def _date(moment: datetime, at: datetime) -> str:
    return f"{moment:%a %d %b %H:%M}" if moment - at < timedelta(days=2) else f"{moment:%a %d %b}"
