"""Every site of a fleet, worst first, and the classes of data side by side."""

from __future__ import annotations

from homepot_ai.reporting import charts
from homepot_ai.reporting.document import Cell, Column, Section, Table
from homepot_ai.reporting.facts import ClassFacts, ReportFacts, SiteFacts
from homepot_ai.reporting.terms import PROVENANCE, attached, capitalised, statuses
from homepot_ai.reporting.voice import Voice

KEY = "sites"


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """None for anything but a fleet."""
    if not facts.sites:
        return None
    shown = facts.sites[: voice.cap(KEY, 40)]
    rest = len(facts.sites) - len(shown)
    table = Table(
        KEY,
        voice.t("Every site, worst first"),
        (
            Column(voice.term("Site"), "site", 4.0, text_width=20),
            Column(voice.term("Need attention"), "need_attention", 2.2, numeric=True, text_width=5),
            Column(voice.term("Devices at the end"), "devices_by_status", 4.4, text_width=28),
            Column(voice.term("Health"), "health", 1.9, numeric=True, text_width=7, side=True),
            Column(voice.term("Availability"), "availability_percent", 2.0, numeric=True, text_width=8),
            Column(
                voice.term("Anomalies opened / open"), "anomalies_opened", 2.4, numeric=True, text_width=0
            ),
        ),
        tuple(_row(site, voice) for site in shown),
        voice.n("And {n} site more; {where}.", "And {n} sites more; {where}.", rest, where=attached(voice))
        if rest > 0
        else "",
        in_mail=40,
    )
    return Section(KEY, voice.term("Sites"), (table,))


def _row(site: SiteFacts, voice: Voice) -> tuple[Cell, ...]:
    now = site.figures
    spread = statuses(voice, now.status_at_end, also_healthy=True) or voice.t("none")
    about = voice.n("of {n} device", "of {n} devices", now.devices)
    if site.other_devices:
        others = voice.number(site.other_devices)
        about += voice.t(", and {n} of another class of data", n=others)
    title = voice.t("{name}, devices at the end by status: {statuses}", name=site.name, statuses=spread)
    bar = charts.status_bar(now.status_at_end, title=title, width=110, height=8)
    return (
        Cell(site.name, f"{site.public_id} · {site.timezone}", strong=True, raw=site.public_id),
        Cell(voice.number(now.attention), tone="worse" if now.attention else "", raw=now.attention),
        Cell(spread, about, drawing=bar, raw=spread),
        Cell(voice.score(now.health), raw=now.health),
        Cell(voice.percent(now.availability), raw=_percent(now.availability)),
        Cell(f"{voice.number(now.opened)} / {voice.number(now.still_open)}", raw=now.opened),
    )


def classes(facts: ReportFacts, voice: Voice) -> Section | None:
    """The same figures for each class of data; None when there is only one."""
    if len(facts.classes) < 2:
        return None
    table = Table(
        "classes",
        voice.t("The same figures for each class of data; classes are never added up"),
        (
            Column(voice.term("Class"), "class", 4.4, text_width=13),
            Column(voice.term("Devices"), "devices", 1.6, numeric=True, text_width=8),
            Column(voice.term("Need attention"), "need_attention", 2.0, numeric=True, text_width=14),
            Column(voice.term("Health"), "health", 1.6, numeric=True, text_width=8, side=True),
            Column(voice.term("Availability"), "availability_percent", 2.0, numeric=True, text_width=12),
            Column(
                voice.term("Anomalies opened / open"), "anomalies_opened", 2.6, numeric=True, text_width=13
            ),
        ),
        tuple(_class_row(item, voice) for item in facts.classes),
        in_mail=4,
    )
    return Section("classes", voice.term("Kinds of data, never added up"), (table,))


def _class_row(item: ClassFacts, voice: Voice) -> tuple[Cell, ...]:
    now, (name, meaning) = item.figures, PROVENANCE[item.provenance]
    return (
        Cell(capitalised(voice.t(name)), voice.t(meaning), strong=True, raw=item.provenance),
        Cell(voice.number(now.devices), raw=now.devices),
        Cell(voice.number(now.attention), raw=now.attention),
        Cell(voice.score(now.health), raw=now.health),
        Cell(voice.percent(now.availability), raw=_percent(now.availability)),
        Cell(f"{voice.number(now.opened)} / {voice.number(now.still_open)}", raw=now.opened),
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 3)
