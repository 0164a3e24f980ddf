"""How much alerting asked of people, and how much of it was for nothing."""

from __future__ import annotations

from datetime import date, timedelta

from homepot_ai.intervals import wilson
from homepot_ai.reporting import happened
from homepot_ai.reporting.charts_trend import columns_chart
from homepot_ai.reporting.document import Cell, Column, Figure, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.noise import NoiseDay, NoiseFacts, NoiseRule
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load
from homepot_ai.text import clean

KEY = "noise"
RULES = 10
#: What was told late (a digest, a recovery) may be of an incident that ended so long before.
LATE = timedelta(days=7)


def gather(source: Source) -> NoiseFacts:
    """Pages by local day, what the budget held back, marks, and the rules that brought most pages."""
    period = source.period
    found = [t for t in happened.troubles(source, since=period.start - LATE) if t.headline]
    parameters = happened.bounds(source) | {
        "incidents": [t.id for t in found],
        "timezone": period.timezone,
    }
    by_day = {
        day: (pages, critical)
        for day, pages, critical in source.conn.execute(load(SQL)["pages_by_day"], parameters)
    }
    told = source.conn.execute(load(SQL)["messages"], parameters).fetchone()
    assert told is not None
    rules = source.conn.execute(load(SQL)["noisiest"], parameters).fetchall()
    opened = happened.opened_in(found, source)
    sites = sorted({device.site_id for device in source.roster.devices})
    own: dict[int, float] = dict(source.conn.execute(load(SQL)["budgets"], {"sites": sites}).fetchall())
    usual = source.settings.alerts.budget_per_day
    return NoiseFacts(
        days=tuple(
            NoiseDay(day=day, pages=by_day.get(day, (0, 0))[0], critical=by_day.get(day, (0, 0))[1])
            for day in days(period.first_day, period.last_day)
        ),
        pages=sum(pages for pages, _ in by_day.values()),
        told=told[0],
        held_back=told[1],
        incidents=len(opened),
        flapping=sum(t.flapping for t in opened),
        marked_true=sum(t.mark is True for t in opened),
        marked_false=sum(t.mark is False for t in opened),
        budget=sum(own.get(site, usual) for site in sites),
        rules=tuple(
            NoiseRule(
                device_type=clean(type_, 60), cause=clean(cause, 80), pages=pages, incidents=incidents,
                marked_true=true, marked_false=false, passed=passed,
            )
            for type_, cause, pages, incidents, true, false, passed in rules[:RULES]
        ),
        rules_total=len(rules),
    )  # fmt: skip


def days(first: date, last: date) -> list[date]:
    """Every day from one to another, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def build(facts: ReportFacts, voice: Voice) -> Section:
    """Sentences, pages per day as columns, and the noisiest rules."""
    found = facts.noise
    assert found is not None
    title = voice.term(PLUGIN.title)
    if not found.pages and not found.held_back:
        said = voice.t("Nobody was paged in this period.")
        return Section(KEY, title, (Paragraph(said),), line=True)
    blocks: list[Paragraph | Figure | Table] = [Paragraph(lead(found, voice), "lead")]
    if len(found.days) > 1:
        blocks.append(_figure(found, voice))
    if found.rules:
        blocks.append(_rules(found, voice))
    return Section(KEY, title, tuple(blocks))


def lead(found: NoiseFacts, voice: Voice) -> str:
    """Pages a day, flaps, and the share that people marked false with its interval."""
    per_day = voice.number(found.pages / len(found.days), 1)
    said = [
        voice.t(
            "{pages}, {per_day} a day; {budget} a day are allowed.",
            pages=voice.n("{n} page", "{n} pages", found.pages),
            per_day=per_day,
            budget=voice.number(found.budget),
        )
    ]
    if found.held_back:
        said.append(
            voice.n(
                "{n} incident waited for a digest because of it.",
                "{n} incidents waited for a digest because of it.",
                found.held_back,
            )
        )
    if found.flapping:
        said.append(voice.n("{n} incident came and went.", "{n} incidents came and went.", found.flapping))
    marked = found.marked_true + found.marked_false
    if marked:
        share = found.marked_false / marked
        low, high = wilson(share, marked)
        said.append(
            voice.t(
                "Of {marked} that people judged, {share} were false (95 % interval {low} to {high}).",
                marked=voice.n("{n} incident", "{n} incidents", marked),
                share=voice.percent(share, 0), low=voice.percent(low, 0), high=voice.percent(high, 0),
            )
        )  # fmt: skip
    else:
        said.append(voice.t("People judged none of them: nobody knows how many were false."))
    return " ".join(said)


def _figure(found: NoiseFacts, voice: Voice) -> Figure:
    values = [day.pages for day in found.days]
    most = max(found.days, key=lambda day: day.pages)
    title = voice.t(
        "Pages per day from {first} to {last}: {sum} in all, at most {most} on {day}",
        first=voice.day(found.days[0].day), last=voice.day(found.days[-1].day),
        sum=voice.number(found.pages), most=voice.number(most.pages), day=voice.day(most.day),
    )  # fmt: skip
    every = max(1, -(-len(values) // 8))
    ticks = [(n + 0.5, voice.day(day.day)) for n, day in enumerate(found.days) if n % every == 0]
    budget = voice.t("allowed: {n}", n=voice.number(found.budget))
    drawing = columns_chart(
        values,
        title=title,
        ticks=ticks,
        part=[day.critical for day in found.days],
        limit=(found.budget, budget) if found.budget <= 3 * max(values) else None,
    )
    return Figure(drawing, voice.t("Pages per day; dark: critical ones"))


def _rules(found: NoiseFacts, voice: Voice) -> Table:
    hidden = found.rules_total - len(found.rules)
    return Table(
        name="noisiest_rules",
        caption=voice.t("What brought most pages"),
        columns=(
            Column(voice.t("Device type"), "device_type", 1.8, text_width=20),
            Column(voice.t("What"), "what", 2.2, text_width=20),
            Column(voice.t("Pages"), "pages", 0.8, numeric=True, text_width=8),
            Column(voice.t("Incidents"), "incidents", 0.9, numeric=True, text_width=10),
            Column(voice.t("Marked false"), "marked_false", 1.1, numeric=True, text_width=12),
            Column(voice.t("Ended untouched"), "passed", 1.2, numeric=True, text_width=0),
        ),
        rows=tuple(
            (
                Cell(say.type_word(rule.device_type), raw=rule.device_type),
                Cell(say.cause(voice, rule.cause), raw=rule.cause),
                Cell(voice.number(rule.pages), raw=rule.pages, strong=True),
                Cell(voice.number(rule.incidents), raw=rule.incidents),
                Cell(
                    voice.t(
                        "{false} of {marked}",
                        false=voice.number(rule.marked_false),
                        marked=voice.number(rule.marked_true + rule.marked_false),
                    ),
                    raw=rule.marked_false,
                ),
                Cell(voice.number(rule.passed), raw=rule.passed),
            )
            for rule in found.rules
        ),
        more=voice.n("{n} more", "{n} more", hidden) if hidden else "",
        in_mail=3,
    )


PLUGIN = Plugin(KEY, "Alert noise", frozenset({"weekly", "monthly", "custom"}), gather, build)
