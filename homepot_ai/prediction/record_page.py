"""The track record in words: for artifacts, mails and reports. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homepot_ai.prediction.due import Settled
    from homepot_ai.prediction.track_record import Figure, TrackRecord

KIND = {"level": "values 7 days ahead", "limit": "dates of crossing a limit", "life": "remaining lives"}
UNIT = {"limit": " days", "life": " days", "level": ""}


def warnings_sentence(record: TrackRecord) -> str:
    """How good the warnings were, in a sentence or two.

    >>> from homepot_ai.prediction.track_record import TrackRecord
    >>> warnings_sentence(TrackRecord())
    'No warning has proved true or false yet: nobody knows how good they are here.'
    """
    warned = record.warnings
    share = warned.false_share
    if share is None:
        return "No warning has proved true or false yet: nobody knows how good they are here."
    said = (
        f"Of {warned.told} warnings that could be judged {warned.false_alarms} "
        f"{'was' if warned.false_alarms == 1 else 'were'} false "
        f"({share[0]:.0%}, 95 % interval {share[1]:.0%} to {share[2]:.0%})"
    )
    if warned.lead_hours is not None:
        said += f"; those that came true were {_hours(warned.lead_hours)} ahead"
    if warned.averted:
        said += f"; {warned.averted} more may have been averted by a visit"
    return said + ("." if warned.told >= 10 else ". So few are anecdotal.")


def record_sentence(record: TrackRecord) -> str:
    """How good the probabilities were, in one sentence, for a report.

    >>> from homepot_ai.prediction.track_record import TrackRecord
    >>> record_sentence(TrackRecord())
    'None of the forecasts is settled yet.'
    """
    figure = record.figure("7d") or record.figure("24h")
    if figure is None:
        if record.settled:
            return f"{record.settled} forecasts are settled, none of them of a failure."
        return "None of the forecasts is settled yet."
    skill = (
        "no base rate to compare with" if figure.skill is None else f"skill {figure.skill:+.2f} against it"
    )
    base = "" if figure.base_brier is None else f" (always the base rate: {figure.base_brier:.3f})"
    said = (
        f"{_horizon(figure.horizon)}: {figure.n} forecasts of {figure.forecaster} settled, {figure.happened} "
        f"failures; Brier score {figure.brier:.3f}{base}, {skill}"
    )
    return said + (". So few are anecdotal." if figure.anecdotal else ".")


def page(record: TrackRecord) -> list[str]:
    """The whole record as Markdown lines."""
    if record.made_at is None:
        return ["# Track record of the forecasts", "", "Nothing was settled yet: every threshold is a prior."]
    lines = [
        "# Track record of the forecasts",
        "",
        f"As of {record.made_at:%Y-%m-%d %H:%M} UTC, of the last 180 days: {record.settled} daily forecasts "
        f"settled, {record.censored} cannot be told, {record.waiting} wait.",
        "",
        f"**Warnings.** {warnings_sentence(record)} {_missed(record)}".rstrip(),
        "",
    ]
    if record.figures:
        lines += [
            "| horizon | forecaster | settled | independent | failures | Brier, base rate's | skill | "
            "calibration error |",
            "|---|---|--:|--:|--:|--:|--:|--:|",
            *(_figure(f, leads=record.leader(f.horizon) == f.forecaster) for f in record.figures),
            "",
            "Skill above 0 is better than always saying the base rate. *Independent* counts forecasts whose "
            "days overlap once.",
            "",
        ]
    for figure in record.figures:
        if record.leader(figure.horizon) == figure.forecaster and figure.n:
            lines += _curve(figure)
    if record.coverages:
        lines += [
            "| intervals | forecaster | settled | promised | held | 95 % interval | median miss | |",
            "|---|---|--:|--:|--:|---|--:|---|",
        ]
        lines += [
            f"| {KIND[c.kind]} | {c.forecaster} | {c.n} | {c.promised:.0%} | {c.held:.0%} | "
            f"{c.low:.0%} to {c.high:.0%} | {'-' if c.error is None else f'{c.error:.2g}{UNIT[c.kind]}'} | "
            f"{'anecdotal' if c.anecdotal else ''} |"
            for c in record.coverages
        ]
        lines.append("")
    rules = record.thresholds
    lines += [
        f"**Levels.** Moderate from {rules.moderate:.2f}, high from {rules.high:.2f} (failure in 7 days), "
        f"critical from {rules.critical:.2f} (in 24 hours); {rules.reason}.",
    ]
    return lines


def settled_page(settled: Settled) -> str:
    """The artifact of settle-predictions."""
    counts: dict[str, int] = {}
    for (_, outcome), n in settled.results.items():
        counts[outcome] = counts.get(outcome, 0) + n
    words = {"happened": "happened", "did_not": "did not", "censored": "cannot be told"}
    said = ", ".join(f"{counts[name]} {word}" for name, word in words.items() if name in counts)
    lines = [
        f"**{headline(settled)}**",
        "",
        f"- forecasts: {said or 'none was due'}"
        + (f"; {settled.again} of them again, since something was learned later" if settled.again else ""),
        f"- warnings: {_episodes(settled)}",
        f"- gathered: {settled.gathered.failures} failures new or ended, {settled.gathered.moved} withdrawn "
        f"or restored by marks, {settled.gathered.states} changes of state",
    ]
    if settled.courses:
        lines.append(f"- {settled.courses} courses before failures put into memory")
    lines += _changes(settled)
    return "\n".join([*lines, "", *page(settled.after), ""])


def headline(settled: Settled) -> str:
    """One line for a list of runs."""
    if not settled.settled and not settled.episodes:
        return "nothing was due"
    return f"{settled.settled} forecasts and {sum(settled.episodes.values())} warnings settled"


def _episodes(settled: Settled) -> str:
    words = {"came_true": "came true", "averted": "averted", "false_alarm": "false", "censored": "untellable"}
    parts = [f"{n} {words[name]}" for name, n in settled.episodes.items()]
    return ", ".join(parts) or "none was due"


def _changes(settled: Settled) -> list[str]:
    before, after = settled.before, settled.after
    lines = []
    for horizon in after.leaders:
        if before.leader(horizon) != after.leader(horizon):
            lines.append(
                f"- {_horizon(horizon)}: {after.leader(horizon)} leads now, not {before.leader(horizon)}"
            )
    old, new = before.thresholds, after.thresholds
    if (old.moderate, old.high, old.critical) != (new.moderate, new.high, new.critical):
        lines.append(f"- high risk begins at {new.high:.2f} now (before {old.high:.2f}): {new.reason}")
    return lines


def _missed(record: TrackRecord) -> str:
    warned = record.warnings
    if not warned.failures:
        return ""
    return f"Of {warned.failures} failures {warned.unwarned} came without a warning."


def _figure(figure: Figure, *, leads: bool) -> str:
    notes = [word for word, so in (("leads", leads), ("anecdotal", figure.anecdotal)) if so]
    base = "-" if figure.base_brier is None else f"{figure.base_brier:.4f}"
    skill = "-" if figure.skill is None else f"{figure.skill:+.3f}"
    return (
        f"| {_horizon(figure.horizon)} | {', '.join([figure.forecaster, *notes])} | {figure.n} | "
        f"{figure.independent:.0f} | {figure.happened} | {figure.brier:.4f}, {base} | {skill} | "
        f"{figure.calibration_error:.3f} |"
    )


def _curve(figure: Figure) -> list[str]:
    cells = [f"{p.said:.0%} → {p.happened:.0%} ({p.low:.0%} to {p.high:.0%}, n {p.n})" for p in figure.curve]
    return [
        f"Said → happened, {_horizon(figure.horizon)}, {figure.forecaster}: " + "; ".join(cells) + ".",
        "",
    ]


def _horizon(name: str) -> str:
    words = {"24h": "within 24 hours", "7d": "within 7 days", "7-30d": "7 to 30 days ahead"}
    return words.get(name, name)


def _hours(hours: float) -> str:
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.1f} days"
