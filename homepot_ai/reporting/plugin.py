"""What a section of a report is: facts that it gathers, and words that it finds for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from homepot_ai.reporting.document import Paragraph, Section, Verdict
from homepot_ai.reporting.facts import Kind, ReportFacts
from homepot_ai.reporting.source import Source
from homepot_ai.reporting.voice import Voice


@dataclass(frozen=True)
class Plugin:
    """One section. Its facts are the field `key` of :class:`ReportFacts`, gathered whatever the mode.

    Attributes:
        key: names the field, the section, and what a mode lists.
        title: its heading, in English: the key of the catalogues.
        kinds: the kinds of report that gather it.
        gather: reads its facts; None means that there is nothing to tell of yet. What it raises is
            told on the page and marks the report, and takes no other section along.
        build: words them; called only with facts that are there. None leaves the section out.
        verdict: the report's verdict line, where its kind has one of its own (an incident's); None: that of
            the figures.
    """

    key: str
    title: str
    kinds: frozenset[Kind]
    gather: Callable[[Source], Any]
    build: Callable[[ReportFacts, Voice], Section | None]
    verdict: Callable[[ReportFacts, Voice], Verdict | None] | None = None

    def section(self, facts: ReportFacts, voice: Voice) -> Section | None:
        """The section, or the sentence that says why it is not there. Nothing is ever blank."""
        title = voice.term(self.title)
        if problem := facts.problem(self.key):
            said = voice.t("This section could not be made: {reason}.", reason=problem)
            return Section(self.key, title, (Paragraph(said, "missing"),), line=True)
        if getattr(facts, self.key, None) is None:
            return Section(self.key, title, (Paragraph(voice.t("Not available yet."), "missing"),), line=True)
        return self.build(facts, voice)
