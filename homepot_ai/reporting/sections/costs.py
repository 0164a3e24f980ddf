"""What downtime cost and what visits would cost. Without configured rates there is no such section."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from homepot_ai.reporting import happened
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.costs import CostsFacts, CurrencyCosts
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections.visits import money
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store import schedule
from homepot_ai.store.named_sql import load

KEY = "costs"


@dataclass
class _Sum:
    downtime: float | None = None
    minutes: int = 0
    sites: int = 0
    visits: float | None = None
    counted: int = 0
    if_not: float | None = None
    weighed: int = 0


def gather(source: Source) -> CostsFacts:
    """Device-minutes without data, as in availability, times each site's rate; estimates of open visits."""
    main = set(source.main)
    down: dict[int, int] = defaultdict(int)
    for device in source.roster.devices:
        day = source.today.devices.get(device.id)
        if device.id in main and day is not None:
            down[device.site_id] += day.judged - day.with_data
    sites = sorted({device.site_id for device in source.roster.devices if device.id in main})
    rates = schedule.rates(source.conn, sites)
    sums: dict[str, _Sum] = defaultdict(_Sum)
    without = [site for site in sites if "downtime_hour" not in rates.get(site, {})]
    for site, rate in rates.items():
        if "downtime_hour" in rate and "currency" in rate:
            one = sums[str(rate["currency"])]
            one.downtime = (one.downtime or 0.0) + down[site] / 60 * float(rate["downtime_hour"])
            one.minutes += down[site]
            one.sites += 1
    open_visits = 0
    rows = source.conn.execute(load(SQL)["open_visits"], happened.bounds(source))
    for currency, count, cost, counted, if_not, weighed in rows:
        open_visits += count
        if currency is not None:
            one = sums[currency]
            one.visits, one.counted, one.if_not, one.weighed = cost, counted, if_not, weighed
    return CostsFacts(
        currencies=tuple(
            CurrencyCosts(
                currency=currency, downtime=_cents(one.downtime), minutes=one.minutes, sites=one.sites,
                visits=_cents(one.visits), counted=one.counted, if_not=_cents(one.if_not),
                weighed=one.weighed,
            )
            for currency, one in sorted(sums.items())
        ),
        sites_without=len(without),
        minutes_without=sum(down[site] for site in without),
        open_visits=open_visits,
    )  # fmt: skip


def _cents(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """One row per currency and kind of cost; nothing at all where no rate is configured."""
    found = facts.costs
    assert found is not None
    if not found.currencies:
        return None
    rows: list[tuple[Cell, ...]] = []
    for one in found.currencies:
        if one.downtime is not None:
            basis = voice.t(
                "{length} of device time without data at {sites}",
                length=voice.duration(one.minutes),
                sites=voice.n("{n} site with a rate", "{n} sites with a rate", one.sites),
            )
            rows.append(_row(voice.t("Downtime in the period"), one.downtime, one.currency, basis, voice))
        if one.visits is not None:
            basis = _counted(one.counted, found.open_visits, voice)
            rows.append(_row(voice.t("Open visits"), one.visits, one.currency, basis, voice))
        if one.if_not is not None:
            basis = _counted(one.weighed, found.open_visits, voice)
            name = voice.t("Expected without these visits")
            rows.append(_row(name, one.if_not, one.currency, basis, voice))
    table = Table(
        name="costs",
        caption=voice.t("Costs, from the rates that are configured"),
        columns=(
            Column(voice.t("What"), "what", 2.4, text_width=32),
            Column(voice.t("Amount"), "amount", 1.2, numeric=True, text_width=16),
            Column(voice.t("Counted from"), "basis", 3.4, text_width=0),
        ),
        rows=tuple(rows),
        in_mail=6,
    )
    notes = [
        voice.t(
            "Downtime is counted around the clock. What is expected without a visit is weighed with the "
            "probability of a failure."
        )
    ]
    if found.sites_without:
        notes.append(
            voice.t(
                "{sites} no rate for downtime: {length} there cost nothing here.",
                sites=voice.n("{n} site has", "{n} sites have", found.sites_without),
                length=voice.duration(found.minutes_without),
            )
        )
    note = Paragraph(" ".join(notes), "note")
    return Section(KEY, voice.term(PLUGIN.title), (table, note))


def _counted(counted: int, of: int, voice: Voice) -> str:
    return voice.t("{counted} of {all} say", counted=voice.number(counted), all=_visits(of, voice))


def _visits(count: int, voice: Voice) -> str:
    return voice.n("{n} open visit", "{n} open visits", count)


def _row(what: str, amount: float, currency: str, basis: str, voice: Voice) -> tuple[Cell, ...]:
    return Cell(what), Cell(money(voice, amount, currency), raw=amount, strong=True), Cell(basis)


PLUGIN = Plugin(KEY, "Costs", frozenset({"weekly", "monthly", "custom"}), gather, build)
