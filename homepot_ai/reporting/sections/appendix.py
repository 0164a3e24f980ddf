"""The appendix: how everything was measured."""

from __future__ import annotations

from homepot_ai import __version__
from homepot_ai.reporting.document import Bullets, Cell, Column, Paragraph, Section, Table
from homepot_ai.reporting.facts import ReportFacts
from homepot_ai.reporting.facts.method import AppendixFacts
from homepot_ai.reporting.happened import SQL
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.reporting.sections import incident_words as say
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice
from homepot_ai.store import hazards
from homepot_ai.store.named_sql import load

KEY = "appendix"


def gather(source: Source) -> AppendixFacts:
    """The settings and models that the figures rest on."""
    first = source.conn.execute(load(SQL)["first_scored"]).fetchone()
    health = source.settings.health
    types = sorted({device.type for device in source.roster.devices})
    model = next(
        (
            row
            for row in hazards.recent(source.conn, 50)
            if row.adopted and row.fitted_at <= source.period.end
        ),
        None,
    )
    return AppendixFacts(
        version=__version__,
        first_scored=first[0] if first and first[0] and first[0] <= source.now else None,
        score_days=source.settings.retention.score_days,
        hour_days=source.settings.retention.hour_days,
        device_types=tuple(
            (t, health.thresholds_for(t).healthy, health.thresholds_for(t).critical) for t in types
        ),
        model=None if model is None else f"{model.version}",
        model_failures=None if model is None else model.failures,
    )


def build(facts: ReportFacts, voice: Voice) -> Section:
    """Sentences, and the thresholds by device type."""
    found = facts.appendix
    assert found is not None
    first = voice.moment(found.first_scored) if found.first_scored else voice.t("never")
    model = (
        voice.t(
            "version {version}, fitted on {failures}",
            version=found.model,
            failures=voice.n("{n} failure", "{n} failures", found.model_failures or 0),
        )
        if found.model
        else voice.t("none is fitted yet: only base rates are told")
    )
    items = (
        voice.t(
            "Health is the mean score, 0 to 1, of the scored device-minutes; minutes in maintenance, of "
            "excluded devices and before the first score are not in it."
        ),
        voice.t(
            "Availability is the share of judged device-minutes with fresh data. A device that sends nothing "
            "counts as not available, whatever HOMEPOT's status says."
        ),
        voice.t(
            "Real, controlled and simulated devices are never added up: every headline speaks of one class."
        ),
        voice.t("Minutes lost are (1 − score) of each scored device-minute, and every minute without data."),
        voice.t(
            "Incidents are one per device and cause, or one per gateway or site where most devices share it. "
            "CONFIRMED, LIKELY and INCONCLUSIVE are set by rule, never by a model."
        ),
        voice.t(
            "An action helped when health recovered within four hours and stayed for a day. Shares have 95 % "
            "Wilson intervals; an action is called better than nothing only where the whole interval of the "
            "difference is above none."
        ),
        voice.t(
            "Forecasts are written down before they can be known to be right, and settled when they are due. "
            "The failure model: {model}.",
            model=model,
        ),
        voice.t("Costs come from configured rates and nothing else; without rates there are none."),
        voice.t(
            "Minutes are kept {minutes} and hours {hours}; scoring began {first}. Older figures come from "
            "whole hours.",
            minutes=voice.n("{n} day", "{n} days", found.score_days),
            hours=voice.n("{n} day", "{n} days", found.hour_days),
            first=first,
        ),
    )
    blocks: list[Bullets | Table | Paragraph] = [Bullets(items)]
    if found.device_types:
        blocks.append(_types(found, voice))
    made = voice.t("Made by homepot-ai {version}.", version=found.version)
    blocks.append(Paragraph(made, "note"))
    return Section(KEY, voice.term(PLUGIN.title), tuple(blocks), fresh_page=True)


def _types(found: AppendixFacts, voice: Voice) -> Table:
    return Table(
        name="thresholds",
        caption=voice.t("Where a score becomes a status"),
        columns=(
            Column(voice.t("Device type"), "device_type", 3.0, text_width=30),
            Column(voice.t("Healthy above"), "healthy_above", 1.2, numeric=True, text_width=16),
            Column(voice.t("Critical below"), "critical_below", 1.2, numeric=True, text_width=16),
        ),
        rows=tuple(
            (
                Cell(say.type_word(name), raw=name),
                Cell(voice.score(healthy), raw=healthy),
                Cell(voice.score(critical), raw=critical),
            )
            for name, healthy, critical in found.device_types
        ),
    )


PLUGIN = Plugin(KEY, "How it was measured", frozenset({"monthly", "custom"}), gather, build)
