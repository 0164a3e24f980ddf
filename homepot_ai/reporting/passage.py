"""What a report says in words: facts that its passage may speak of, and its sentences without a model. Pure.

A mode names the sentences in their order (`templates/modes`); one that has nothing to say is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from homepot_ai.language.booking import Builder, Ref
from homepot_ai.language.facts import Book
from homepot_ai.reporting import spans
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import DeviceRef, ReportFacts
from homepot_ai.reporting.modes import Mode
from homepot_ai.reporting.passage_incident import SENTENCES as OF_INCIDENTS
from homepot_ai.reporting.terms import ENOUGH, STATUS
from homepot_ai.reporting.verdict import is_quiet
from homepot_ai.reporting.voice import Voice

Say = Callable[[Builder, ReportFacts, Voice], None]
#: A difference of mean health below this is none.
SAME = 0.005


def book_of(facts: ReportFacts, edition: Edition, chosen: Mode, voice: Voice) -> Book | None:
    """The book of a report's passage; None where there is nothing to say: a quiet day, no devices.

    Args:
        chosen: the edition's mode, which names the sentences and how many there may be.
    """
    incident = facts.report_type == "incident"
    if not incident and (_unscored(facts) or (facts.report_type == "daily" and is_quiet(facts))):
        return None
    makers: Mapping[str, Say] = OF_INCIDENTS if incident else SENTENCES
    b = Builder(f"{facts.report_type}.summary", edition.language, edition.mode, at_most=chosen.longest)
    for name in chosen.sentences["incident" if incident else "period"]:
        if len(b) < chosen.longest:
            makers[name](b, facts, voice)
    return b.book() if len(b) else None


def _unscored(facts: ReportFacts) -> bool:
    return facts.headline is None or facts.headline.figures.status_minutes.total == 0


def _device(b: Builder, device: DeviceRef) -> Ref:
    return b.device(device.name, at=b.site(device.site, key=device.site), key=device.id)


def _attention(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.headline is not None
    now, when = facts.headline.figures, spans.label(facts.period, voice)
    if now.devices == 1:
        code = next((s for s in STATUS if now.status_at_end.get(s)), None)
        if code is None:
            return
        state = b.state(None, voice.t("status at the end"), code, voice.t(STATUS[code]), period=when)
        b.say(voice.t("The status at the end was {state}.", state=state))
        return
    every = b.count(None, voice.t("devices"), now.devices, voice.number(now.devices))
    need = b.count(
        None, voice.t("devices that needed attention"), now.attention, voice.number(now.attention),
        period=when, universal="all" if now.attention == now.devices else "",
    )  # fmt: skip
    if now.attention == 0:
        b.say(voice.t("None of the {all} devices needed attention at the end.", all=every), rests_on=[need])
    else:
        said = voice.n(
            "{need} of the {all} devices needed attention at the end.",
            "{need} of the {all} devices needed attention at the end.",
            now.attention, need=need, all=every,
        )  # fmt: skip
        b.say(said)


def _incomplete(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.headline is not None
    when, known = spans.label(facts.period, voice), facts.headline.figures.availability
    scored = facts.scoring.share if facts.scoring else None
    if scored is not None and scored < ENOUGH:
        what = voice.t("share of minutes scored")
        share = b.share(None, what, scored, voice.percent(scored), period=when)
        b.say(voice.t("The share of minutes scored was {share}.", share=share))
    elif known is not None and known < ENOUGH:
        share = b.share(None, voice.t("availability"), known, voice.percent(known), period=when)
        b.say(voice.t("The availability was {share}.", share=share))


def _health(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.headline is not None
    now = facts.headline.figures.health
    if now is None:
        return
    when = spans.label(facts.period, voice)
    score = b.value(None, voice.t("mean health score"), now, voice.score(now), period=when)
    then = next((e for e in facts.headline.earlier if e.figures and e.figures.health is not None), None)
    before = then.figures.health if then and then.figures else None
    if then is None or before is None:
        b.say(voice.t("The mean health score was {score}.", score=score))
        return
    gap = round(now - before, 2)  # as the tile above it says
    if abs(gap) < SAME:
        b.say(voice.t("The mean health score was {score}.", score=score))
        return
    # What it is compared with stands in the figure: whatever is said of the change says it too.
    shown = voice.t("{x} against the figure {when}", x=voice.score(abs(gap)), when=spans.earlier(then, voice))
    change = b.delta(None, voice.t("mean health score"), gap, shown, better_up=True, period=when)
    b.say(
        voice.t("The mean health score was {score}, higher by {change}.", score=score, change=change)
        if gap > 0
        else voice.t("The mean health score was {score}, lower by {change}.", score=score, change=change)
    )


def _worst(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    if not facts.worst or facts.scope.kind == "device" or facts.worst[0].minutes_lost < 1:
        return
    worst, when = facts.worst[0], spans.label(facts.period, voice)
    device = _device(b, worst.device)
    shown = voice.duration(worst.minutes_lost)
    lost = b.rank(
        device, voice.t("time lost"), "highest", shown, better=False, value=worst.minutes_lost, period=when
    )
    b.say(voice.t("{device} had the most time lost, {lost}.", device=device, lost=lost))
    if worst.main_metric is not None and len(b) < b.at_most:
        factor = b.state(
            device, voice.t("main factor"), worst.main_metric, voice.metric(worst.main_metric), period=when
        )
        b.say(voice.t("The main factor of {device} was {factor}.", device=device, factor=factor))


def _anomalies(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.headline is not None
    now, when = facts.headline.figures, spans.label(facts.period, voice)
    if not (now.opened or now.still_open):
        none = b.count(None, voice.t("anomalies that opened"), 0, voice.number(0), period=when)
        b.say(voice.t("No anomaly opened."), rests_on=[none])
        return
    opened = b.count(
        None, voice.t("anomalies that opened"), now.opened, voice.number(now.opened), period=when
    )
    still = b.count(
        None, voice.t("anomalies open at the end"), now.still_open, voice.number(now.still_open),
        period=when,
    )  # fmt: skip
    said = voice.n(
        "{opened} anomaly opened, with {still} open at the end.",
        "{opened} anomalies opened, with {still} open at the end.",
        now.opened, opened=opened, still=still,
    )  # fmt: skip
    b.say(said)


def _incidents(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    found, when = facts.incidents, spans.label(facts.period, voice)
    if found is None or not found.still_open:
        return
    still = b.count(
        None, voice.t("open incidents"), found.still_open, voice.number(found.still_open), period=when
    )
    waiting = b.count(
        None, voice.t("unacknowledged open incidents"), found.unacknowledged,
        voice.number(found.unacknowledged), period=when,
    )  # fmt: skip
    said = voice.n(
        "{still} incident was open at the end, {waiting} of them unacknowledged.",
        "{still} incidents were open at the end, {waiting} of them unacknowledged.",
        found.still_open, still=still, waiting=waiting,
    )  # fmt: skip
    b.say(said)


def _forecasts(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    found, when = facts.forecasts, spans.label(facts.period, voice)
    if found is None or not found.judged:
        return
    judged = b.count(None, voice.t("judged devices"), found.judged, voice.number(found.judged))
    risky = b.count(
        None, voice.t("devices at high risk"), found.total, voice.number(found.total), period=when
    )
    if not found.total:
        b.say(
            voice.t("None of the {judged} judged devices is at high risk.", judged=judged), rests_on=[risky]
        )
        return
    said = voice.n(
        "{risky} device is at high risk, of {judged} judged devices.",
        "{risky} devices are at high risk, of {judged} judged devices.",
        found.total, risky=risky, judged=judged,
    )  # fmt: skip
    b.say(said)
    first = found.devices[0] if found.devices else None
    if first is None or first.mid is None or first.metric is None:
        return
    device = _device(b, first.device)
    metric = b.state(device, voice.t("limit that is expected to be reached"), first.metric,
                     voice.metric(first.metric))  # fmt: skip
    due = b.moment(device, voice.t("limit expected to be reached about"), first.mid, voice.clock(first.mid))
    values = {"metric": metric, "device": device, "due": due}
    b.say(voice.t("The limit of {metric} on {device} is expected to be reached about {due}.", **values))


def _visits(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    found = facts.visits
    if found is None or not found.total:
        return
    planned = b.count(None, voice.t("planned visits"), found.total, voice.number(found.total))
    waiting = b.count(
        None, voice.t("visits waiting for a decision"), found.proposed, voice.number(found.proposed)
    )
    said = voice.n(
        "{planned} visit is planned, {waiting} of them waiting for a decision.",
        "{planned} visits are planned, {waiting} of them waiting for a decision.",
        found.total, planned=planned, waiting=waiting,
    )  # fmt: skip
    b.say(said)


def _availability(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    assert facts.headline is not None
    known = facts.headline.figures.availability
    # Where it is short, it has been said as incomplete.
    if known is None or known < ENOUGH:
        return
    when = spans.label(facts.period, voice)
    share = b.share(None, voice.t("availability"), known, voice.percent(known), period=when)
    b.say(voice.t("The availability was {share}.", share=share))


def _costs(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    for sums in facts.costs.currencies if facts.costs else ():
        if sums.downtime is None:
            continue
        shown = f"{voice.number(sums.downtime, 0)} {sums.currency}"
        when = spans.label(facts.period, voice)
        cost = b.value(
            None, voice.t("cost of downtime"), sums.downtime, shown, unit=sums.currency, period=when
        )
        b.say(voice.t("The cost of downtime was {cost}.", cost=cost))


def _decisions(b: Builder, facts: ReportFacts, voice: Voice) -> None:
    if facts.decisions is None or not facts.decisions.total:
        return
    waiting = b.count(
        None,
        voice.t("decisions that are waiting"),
        facts.decisions.total,
        voice.number(facts.decisions.total),
    )
    total = facts.decisions.total
    b.say(
        voice.n("{waiting} decision is waiting.", "{waiting} decisions are waiting.", total, waiting=waiting)
    )


SENTENCES: Mapping[str, Say] = {
    "attention": _attention,
    "incomplete": _incomplete,
    "health": _health,
    "worst": _worst,
    "anomalies": _anomalies,
    "incidents": _incidents,
    "forecasts": _forecasts,
    "visits": _visits,
    "availability": _availability,
    "costs": _costs,
    "decisions": _decisions,
}
