"""Whether this service itself worked, and how each figure was counted."""

from __future__ import annotations

from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table, Tone
from homepot_ai.reporting.facts import POINTS, ClassFacts, Figures, ReportFacts, ServiceState
from homepot_ai.reporting.spans import earlier
from homepot_ai.reporting.terms import ENOUGH, STATUS, capitalised, failed
from homepot_ai.reporting.voice import ABSENT, Voice, message

KEY = "checks"
_STATES = {
    "ok": ("●", message("ok")),
    "degraded": ("▲", message("degraded")),
    "down": ("▼", message("down")),
}
_SERVICES = (
    message("database"), message("disk"), message("mail"), message("worker"), message("model"),
    message("backup"), message("restore drill"), message("clock"), message("scoring"), message("runs"),
    message("prefect server"), message("prefect database"), message("certificate"), message("tokens"),
    message("outbox"),
)  # fmt: skip
#: Named whatever their state: a reader asks for these.
_SHOWN = ("database", "disk", "mail", "backup", "restore drill")
_MAIL = {
    "queued": message("queued"),
    "claimed": message("being sent"),
    "in_data": message("being sent"),
    "sent": message("sent"),
    "failed": message("failed"),
    "unknown": message("unknown"),
}
#: What check-services calls the lateness of a flow.
_FLOW = "flow "
#: What stands between a check and the name of its machine.
_ON = " on "
#: A last score older than this, in minutes, is called late.
LATE = 10

Row = tuple[Cell, ...]


def build(facts: ReportFacts, voice: Voice) -> Section | None:
    """Scoring, the last score, the services, and the outbox."""
    rows = check_rows(facts, voice)
    table = Table(
        KEY,
        voice.t("Whether the service that made this report was itself well"),
        (
            Column(voice.term("Part"), "part", 2.4),
            Column(voice.term("State"), "state", 3.2, side=True),
            Column(voice.term("Detail"), "detail", 12.0),
        ),
        rows,
        in_mail=12,
        sentences=tuple(
            (f"{state.glyph} {part.text}", f"{state.text}: {detail.text}") for part, state, detail in rows
        ),
    )
    return Section(KEY, voice.term("Self-check"), (table,))


def troubled(facts: ReportFacts, voice: Voice) -> list[str]:
    """Names of the parts that were not well."""
    return [part.text for part, state, _ in check_rows(facts, voice) if state.tone != "good"]


def check_rows(facts: ReportFacts, voice: Voice) -> tuple[Row, ...]:
    """Part, state, detail."""
    services = _services(facts, voice)
    # The report of an incident does not count the minutes that were scored: nothing failed there.
    counted = facts.report_type != "incident" or facts.scoring or facts.problem("scoring")
    scoring = (_scoring(facts, voice),) if counted else ()
    return (*scoring, _last(facts, voice), *services, _outbox(facts, voice))


def _line(part: str, glyph: str, tone: Tone, state: str, detail: str) -> Row:
    return Cell(part), Cell(state, "", glyph, tone), Cell(detail)


def _scoring(facts: ReportFacts, voice: Voice) -> Row:
    own, part = facts.scoring, voice.t("Scoring")
    if own is None:
        return _line(part, "▼", "critical", voice.t("not known"), failed(voice, facts.problem("scoring")))
    good = own.share is not None and own.share >= ENOUGH
    said = [
        voice.t(
            "{scored} of {due} minutes scored",
            scored=voice.number(own.minutes_scored),
            due=voice.number(own.minutes_due),
        ),
        voice.t("longest gap {time}", time=voice.duration(own.longest_gap_minutes))
        if own.longest_gap_minutes
        else voice.t("no gap"),
    ]
    if (own.slowest_seconds or 0) >= 0.05:
        said.append(voice.t("slowest run {n} s", n=voice.number(own.slowest_seconds, 1)))
    state = voice.t("{share} of minutes", share=voice.percent(own.share))
    return _line(part, "●" if good else "▲", "good" if good else "warning", state, ", ".join(said))


def _last(facts: ReportFacts, voice: Voice) -> Row:
    part, last = voice.t("Last score"), facts.made.last_scored
    if last is None:
        return _line(part, "▼", "critical", voice.t("never"), voice.t("no minute has been scored yet"))
    age = max(0.0, (facts.made.at - last).total_seconds() / 60)
    late = age > LATE
    detail = voice.t(
        "minute {time}, {age} before this report was made", time=voice.clock(last), age=voice.duration(age)
    )
    state = voice.t("late") if late else voice.t("fresh")
    return _line(part, "▲" if late else "●", "warning" if late else "good", state, detail)


def _services(facts: ReportFacts, voice: Voice) -> list[Row]:
    """Each service that is not well, and the few that readers know; the others that are well are one line."""
    flows = [one for one in facts.made.services if one.service.startswith(_FLOW)]
    others = [one for one in facts.made.services if one not in flows]
    rest = [one for one in others if _part(one.service) not in _SHOWN]
    quiet = [one for one in rest if one.state == "ok"]
    rows = [
        _service(one, voice)
        for one in facts.made.services
        if one.state != "ok" or _part(one.service) in _SHOWN
    ]
    if quiet:
        said = voice.t("{n} of {all} are well", n=voice.number(len(quiet)), all=voice.number(len(rest)))
        rows.append(_line(voice.t("Other parts"), "●", "good", voice.t("ok"), said))
    well = [one for one in flows if one.state == "ok"]
    if well:
        said = voice.t("{n} of {all} on time", n=voice.number(len(well)), all=voice.number(len(flows)))
        rows.append(_line(voice.t("Flows"), "●", "good", voice.t("ok"), said))
    return rows


def _part(service: str) -> str:
    """A check without the name of its machine, where there are several."""
    return service.partition(_ON)[0]


def _service(service: ServiceState, voice: Voice) -> Row:
    glyph, state = _STATES[service.state]
    tones: dict[str, Tone] = {"ok": "good", "degraded": "warning", "down": "critical"}
    detail = voice.t("{detail} (since {time})", detail=service.detail, time=voice.clock(service.since))
    part, _, machine = service.service.partition(_ON)
    name = capitalised(voice.t(part)) + (f" ({machine})" if machine else "")
    return _line(name, glyph, tones[service.state], voice.t(state), detail)


def _outbox(facts: ReportFacts, voice: Voice) -> Row:
    waiting = {item.name: item.count for item in facts.made.outbox}
    bad = waiting.get("failed", 0) + waiting.get("unknown", 0)
    said = ", ".join(
        f"{voice.number(number)} {voice.t(_MAIL.get(name, name))}" for name, number in waiting.items()
    )
    detail = voice.t("mails of the last 24 hours: {counts}", counts=said or voice.t("none"))
    state = voice.t("have a look") if bad else voice.t("ok")
    return _line(voice.t("Outbox"), "▲" if bad else "●", "warning" if bad else "good", state, detail)


def counted(facts: ReportFacts, voice: Voice) -> Section | None:
    """Numerator, denominator and what was left out, for each figure that is a quotient."""
    headline = facts.headline
    if headline is None:
        return None
    columns = (
        Column(voice.term("Figure"), "figure", 3.0, text_width=0),
        Column(voice.term("Value"), "value", 1.5, numeric=True, text_width=0),
        Column(voice.term("Numerator"), "numerator", 3.4, text_width=0),
        Column(voice.term("Denominator"), "denominator", 3.4, text_width=0),
        Column(voice.term("Left out"), "left_out", 2.4, text_width=0),
        *(
            Column(capitalised(earlier(then, voice)), then.what, 2.5, numeric=True, text_width=0)
            for then in headline.earlier
        ),
    )
    rows = _counted(facts, headline, voice)
    table = Table("counted", voice.t("Numerator, denominator and what was left out"), columns, rows)
    note = voice.t(
        "All facts of this report are attached to this PDF as facts.json; its SHA-256 is at the foot of "
        "every page."
    )
    return Section("counted", voice.term("How the figures were counted"), (table, Paragraph(note, "note")))


def _counted(facts: ReportFacts, headline: ClassFacts, voice: Voice) -> tuple[Row, ...]:
    now, then = headline.figures, [item.figures for item in headline.earlier]
    spent, nothing = now.status_minutes, voice.t("nothing")
    left = ", ".join(
        f"{voice.number(spent.get(s))} {voice.t(STATUS[s])}"
        for s in ("no_data", "in_maintenance", "not_scored")
        if spent.get(s)
    )
    unjudged = now.minutes_due - now.minutes_judged
    total = voice.number(now.score_points / POINTS, 1)
    rows = [
        _figure(
            voice.term("Health"),
            (voice.score(now.health), now.health),
            voice.t("{n} (sum of scores)", n=total),
            voice.n("{n} scored device-minute", "{n} scored device-minutes", now.scored_minutes),
            left or nothing,
            [_then(figures, "health", voice) for figures in then],
        ),
        _figure(
            voice.term("Availability"),
            (voice.percent(now.availability), now.availability),
            voice.n("{n} device-minute with data", "{n} device-minutes with data", now.minutes_with_data),
            voice.n("{n} device-minute judged", "{n} device-minutes judged", now.minutes_judged),
            voice.t("{n} not judged", n=voice.number(unjudged)) if unjudged else nothing,
            [_then(figures, "availability", voice) for figures in then],
        ),
    ]
    absent = [ABSENT] * len(then)
    if (data := facts.completeness) is not None:
        unknown = data.devices_without_interval
        rows.append(
            _figure(
                voice.term("Completeness"),
                (voice.percent(data.share), data.share),
                voice.n("{n} row", "{n} rows", data.moments_counted),
                voice.n("{n} row expected", "{n} rows expected", data.expected),
                voice.n("{n} device of unknown interval", "{n} devices of unknown interval", unknown)
                if unknown
                else nothing,
                absent,
            )
        )
    if (own := facts.scoring) is not None:
        rows.append(
            _figure(
                voice.term("Minutes scored, fleet"),
                (voice.percent(own.share), own.share),
                voice.n("{n} minute", "{n} minutes", own.minutes_scored),
                voice.n("{n} minute due", "{n} minutes due", own.minutes_due),
                nothing,
                absent,
            )
        )
    return tuple(rows)


def _figure(
    name: str, value: tuple[str, float | None], numerator: str, denominator: str, left: str, then: list[str]
) -> Row:
    said, raw = value
    return (
        Cell(name),
        Cell(said, raw=raw),
        Cell(numerator),
        Cell(denominator),
        Cell(left),
        *(Cell(text) for text in then),
    )


def _then(figures: Figures | None, name: str, voice: Voice) -> str:
    if figures is None:
        return voice.t("nothing scored")
    number = getattr(figures, name)
    return voice.score(number) if name == "health" else voice.percent(number)
