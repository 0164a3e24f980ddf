"""What the incident cost: devices, minutes, opening hours, pages."""

from __future__ import annotations

from datetime import timedelta

from homepot_ai.fleet import schedules
from homepot_ai.prediction.slots import Hours, is_open
from homepot_ai.reporting.document import Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.incident import ImpactDevice, IncidentImpact
from homepot_ai.reporting.incident_source import SQL, IncidentSource, of
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store.named_sql import load

KEY = "incident_impact"
CAP = 50
#: Minutes are looked at one by one for opening hours; an incident that lasts longer is looked at for so long.
LONGEST = timedelta(days=31)


def gather(source: Source) -> IncidentImpact:
    """Minutes of every device that it held, from the first symptom to the end; pages until now."""
    this = of(source)
    period, ids = source.period, this.devices
    span = {"ids": ids, "start": period.start, "end": period.end}
    lost = {device: rest for device, *rest in source.conn.execute(load(SQL)["lost"], span)}
    joined = {device: (since, until) for device, since, until in reversed(this.members)}
    devices = [
        ImpactDevice(
            device_id=device,
            device=source.refs.get(device),
            joined_at=joined.get(device, (this.trouble.opened_at, None))[0],
            left_at=joined.get(device, (None, None))[1],
            minutes_lost=round(lost[device][0], 1) if device in lost else 0.0,
            minutes_silent=lost[device][1] if device in lost else 0,
        )
        for device in ids
    ]
    devices.sort(key=lambda d: (-d.minutes_lost, d.device_id))
    open_minutes, open_lost = _opening(this)
    told = source.conn.execute(load(SQL)["told"], {"id": this.incident.id, "now": source.now}).fetchone()
    assert told is not None
    return IncidentImpact(
        minutes=period.minutes,
        devices=tuple(devices[:CAP]),
        devices_total=len(devices),
        minutes_lost=round(sum(row[0] for row in lost.values()), 1),
        minutes_silent=sum(row[1] for row in lost.values()),
        minutes_judged=sum(row[2] for row in lost.values()),
        minutes_due=period.minutes * len(ids),
        open_minutes=open_minutes,
        open_minutes_lost=open_lost,
        pages=told[0],
        told=told[1],
        held_back=told[2],
        first_told_at=told[3],
    )


def _opening(this: IncidentSource) -> tuple[int | None, float | None]:
    """Minutes of the incident in which one of its sites was open, and device-minutes lost in them."""
    devices = {device.id: device.site_id for device in this.roster.devices}
    zones = {site.id: site.timezone for site in this.roster.sites}
    known = schedules.operating_hours(this.conn, sorted(set(devices.values())))
    hours = {site: Hours(zones[site], days) for site, days in known.items()}
    if not hours:
        return None, None
    period = this.period
    end = min(period.end, period.start + LONGEST)
    # A minute is named by its end: its middle says whether the site was open.
    half = timedelta(seconds=30)
    length = round((end - period.start) / timedelta(minutes=1))
    middles = (period.start + timedelta(minutes=n) + half for n in range(length))
    there = sum(any(is_open(day, middle) for day in hours.values()) for middle in middles)
    parameters = {"ids": list(devices), "sites": list(devices.values()), "start": period.start, "end": end}
    rows = this.conn.execute(load(SQL)["lost_by_minute"], parameters)
    lost = sum(amount for site, at, amount in rows if site in hours and is_open(hours[site], at - half))
    return there, round(lost, 1)


def build(facts: ReportFacts, voice: Voice) -> Section:
    """Sentences with their basis, and the devices that lost most."""
    found = facts.incident_impact
    assert found is not None
    lead = voice.t(
        "{devices}, {lost} of device time lost within {length}.",
        devices=voice.n("{n} device", "{n} devices", found.devices_total),
        lost=voice.duration(found.minutes_lost), length=voice.duration(found.minutes),
    )  # fmt: skip
    said = [lead]
    if not found.minutes_judged:
        said = [voice.t("What was lost is not known: none of its minutes was scored.")]
    elif found.open_minutes_lost is None:
        said.append(voice.t("HOMEPOT has no opening hours of the site: what was lost in them is not known."))
    elif found.open_minutes is not None and not found.open_minutes:
        said.append(voice.t("The site was closed all the time."))
    else:
        said.append(
            voice.t("{lost} of it within opening hours.", lost=voice.duration(found.open_minutes_lost))
        )
    said.append(_pages(facts, found, voice))
    unjudged = found.minutes_due - found.minutes_judged
    note = voice.t(
        "Lost minutes: (1 − score) of every scored device-minute, and every minute without data "
        "({silent}). Judged were {judged} of {due} device-minutes.",
        silent=voice.n("{n} minute", "{n} minutes", found.minutes_silent),
        judged=voice.number(found.minutes_judged), due=voice.number(found.minutes_due),
    )  # fmt: skip
    if unjudged > 0:
        left = voice.n("{n} is not in it.", "{n} are not in it.", unjudged)
        note = f"{note} {left}"
    blocks: list[Paragraph | Table] = [Paragraph(" ".join(said), "lead")]
    if found.devices_total > 1:
        blocks.append(_table(facts, found, voice))
    return Section(KEY, voice.term(PLUGIN.title), (*blocks, Paragraph(note, "note")))


def _pages(facts: ReportFacts, found: IncidentImpact, voice: Voice) -> str:
    if not found.pages:
        held = voice.n("{n} message was held back.", "{n} messages were held back.", found.held_back)
        return voice.t("Nobody was told.") + (f" {held}" if found.held_back else "")
    pages = voice.n("{n} page", "{n} pages", found.pages)
    people = voice.n("{n} recipient", "{n} recipients", found.told)
    if found.first_told_at is None:
        return voice.t("{pages} to {people}.", pages=pages, people=people)
    waited = voice.duration((found.first_told_at - facts.period.start).total_seconds() / 60)
    return voice.t(
        "{pages} to {people}, the first {waited} after the first symptom.",
        pages=pages, people=people, waited=waited,
    )  # fmt: skip


def _table(facts: ReportFacts, found: IncidentImpact, voice: Voice) -> Table:
    hidden = found.devices_total - len(found.devices)
    header = facts.incident_header
    headline = header.incident.provenance if header else "real"
    return Table(
        name="incident_devices",
        caption=voice.t("Devices of the incident, those that lost most first"),
        columns=(
            Column(voice.t("Device"), "device", 2.2, text_width=30),
            Column(voice.t("In it from"), "joined_at_utc", 1.2, text_width=16),
            Column(voice.t("until"), "left_at_utc", 1.2, text_width=0),
            Column(voice.t("Lost"), "minutes_lost", 1.0, numeric=True, text_width=12),
            Column(voice.t("Silent"), "minutes_silent", 1.0, numeric=True, text_width=12),
        ),
        rows=tuple(
            (
                Cell(
                    d.device.name if d.device else voice.t("device {number}, gone", number=d.device_id),
                    about=say.device_about(voice, d.device, headline, with_site=True) if d.device else "",
                ),
                Cell(voice.clock(d.joined_at), raw=d.joined_at.isoformat()),
                Cell(
                    voice.clock(d.left_at) if d.left_at else voice.t("the end"),
                    raw=d.left_at.isoformat() if d.left_at else "",
                ),
                Cell(voice.duration(d.minutes_lost), raw=d.minutes_lost),
                Cell(voice.duration(d.minutes_silent), raw=d.minutes_silent),
            )
            for d in found.devices
        ),
        more=voice.n("{n} device more", "{n} devices more", hidden) if hidden else "",
        in_mail=5,
    )


PLUGIN = Plugin(KEY, "Impact", frozenset({"incident"}), gather, build)
