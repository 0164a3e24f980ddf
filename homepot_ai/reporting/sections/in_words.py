"""The passage in words, right below the verdict, and who worded it."""

from __future__ import annotations

from homepot_ai.language.narrate import Narration
from homepot_ai.reporting.document import Paragraph, Section
from homepot_ai.reporting.voice import Voice

KEY = "words"


def build(narration: Narration, voice: Voice) -> Section:
    """The sentences as one paragraph; below it which model worded them, where one did or tried to."""
    text = " ".join(sentence.text for sentence in narration.sentences)
    note = _note(narration, voice)
    # In a mail, too, it is said who worded it: so it is no note.
    return Section(KEY, voice.t("In words"), (Paragraph(text), *([Paragraph(note)] if note else [])))


def _note(narration: Narration, voice: Voice) -> str:
    refused = voice.n(
        "{n} sentence of it was refused.", "{n} sentences of it were refused.", narration.refused
    )
    if not narration.by_model:
        # Whether there was no model, or none that answered: the words are the same.
        return voice.t("Worded by rule: {refused}", refused=refused) if narration.refused else ""
    figures = voice.n("{n} figure verified", "{n} figures verified", narration.figures)
    told = voice.t("Worded by the model {model}, {figures}.", model=narration.model, figures=figures)
    return f"{told} {refused}" if narration.refused else told
