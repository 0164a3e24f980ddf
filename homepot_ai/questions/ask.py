"""A question from its text to its answer.

    text ─► understand ─► resolve names, read times ─► the named query ─► words: verified, or the template's

Everything that a question can reach is read by the asker's role, in one read-only transaction; words are made
after it is over. What was asked and how it was understood goes to `ai_questions`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import psycopg

from homepot_ai.errors import NotFound, QuestionError
from homepot_ai.language.facts import Language
from homepot_ai.language.model import Model
from homepot_ai.language.narrate import Narration, narrate
from homepot_ai.questions import nearest, placing, replies, resolve, times, vocabulary
from homepot_ai.questions.catalogue import answer as run
from homepot_ai.questions.catalogue import intents
from homepot_ai.questions.lexicon import fold
from homepot_ai.questions.mentions import language_of
from homepot_ai.questions.refusals import Refusal
from homepot_ai.questions.types import (
    Ambiguous,
    Asker,
    Found,
    RelevantDevice,
    SlotName,
    Slots,
    Span,
    Understood,
)
from homepot_ai.questions.understand import Parsed, implied_metric, parse
from homepot_ai.reporting.modes import mode
from homepot_ai.store import questions as store
from homepot_ai.text import clean

if TYPE_CHECKING:
    from homepot_ai.settings import Settings
    from homepot_ai.store.database import Connection, Database

#: A question may refer to the one before it for so long.
REMEMBERED = timedelta(minutes=30)
#: Of the time that an answer may take, what a model may have to place the question.
PLACING_SHARE = 0.5
#: Incidents are kept no longer than that.
_EVER = "last 365 days"
#: A site's name where a device's was expected, and the other way round.
_SWAPPED: Mapping[tuple[str, SlotName], tuple[str, SlotName]] = {
    ("site_status", "site"): ("device_status", "device"),
    ("device_status", "device"): ("site_status", "site"),
    ("why_unhealthy", "device"): ("worst_devices", "site"),
    ("type_status", "type"): ("device_status", "device"),
}


@dataclass(frozen=True)
class Answered:
    """An answer, and how the question was understood.

    Attributes:
        text: sentences for people. understood_as: the question as it was taken, with the names that were
            found and the period; "" where it was not.
        outcome: as it is recorded: `answered`, `refused: WHY`, `ambiguous`, `not found`, `unclear`,
            `too slow`.
        candidates: names, of an ambiguous one; where nothing was understood, examples of what can be
            asked.
        narration: None where there was nothing to word.
    """

    text: str
    understood: Understood
    understood_as: str
    outcome: str
    asker: Asker
    span: Span | None = None
    data_age_s: float | None = None
    devices: tuple[RelevantDevice, ...] = ()
    table: tuple[tuple[str, ...], ...] | None = None
    more: int = 0
    candidates: tuple[str, ...] = ()
    narration: Narration | None = None
    response_ms: float = 0.0


def ask(
    db: Database,
    settings: Settings,
    text: str,
    asker: Asker,
    model: Model,
    now: datetime,
    *,
    model_name: str | None = None,
    language: Language | None = None,
    patience_s: float | None = None,
) -> Answered:
    """Answer a question in plain words.

    Args:
        asker: on whose behalf; without a user, nothing refers to a question before.
        model: words the answer where its claims pass every check, and places what rules cannot.
        now: aware; relative times count from it.
        model_name: the model wanted; None: the configured one.
        patience_s: how long wording may take in all; None: as long as at the HTTP door.
        language: of the answer; None: the question's, or the asker's where the question does not tell.

    Returns:
        Always an answer: what is not understood, not found or not clear is said, with what can be done.

    Raises:
        DatabaseError: the database does not answer, or was not migrated.
    """
    began = time.perf_counter()
    spoken = language or language_of(fold(text)) or asker.language
    asker = replace(asker, language="de" if spoken == "de" else "en")
    patience = settings.ollama.answer_deadline_seconds if patience_s is None else patience_s
    answered = _Asking(db, settings, asker, model, now, began, patience).answer(text, model_name)
    answered = replace(answered, response_ms=(time.perf_counter() - began) * 1000)
    with db.writer() as conn:
        store.record(
            conn,
            at=now,
            user=asker.user,
            question=clean(text, 2000),
            intent=answered.understood.intent,
            slots={name: clean(words) for name, words in answered.understood.slots.items()},
            how=answered.understood.how,
            outcome=answered.outcome,
            response_ms=answered.response_ms,
        )
    return answered


@dataclass
class _Asking:
    """One question on its way."""

    db: Database
    settings: Settings
    asker: Asker
    model: Model
    now: datetime
    began: float
    patience_s: float

    def answer(self, text: str, model_name: str | None) -> Answered:
        try:
            with self.db.asker(self.asker.sites, timeout_s=self.settings.questions.timeout_seconds) as conn:
                known = resolve.directory(conn, self.now)
                parsed = self._understand(text, known)
                if parsed.understood.intent is None:
                    return self._refused(parsed.refusal or "elsewhere", parsed)
                if parsed.unplaced:
                    said = replies.unplaced(parsed.understood.intent, parsed.unplaced, self.asker)
                    return self._said(parsed.understood, said, "unclear")
                found = self._found(conn, known, parsed, text)
        except psycopg.errors.QueryCanceled:
            return self._said(Understood(None, {}, "none", 0.0), replies.too_slow(self.asker), "too slow")
        if isinstance(found, Answered):
            return found
        return self._worded(*found, parsed, model_name)

    def _understand(self, text: str, known: resolve.Directory) -> Parsed:
        """Names are those that the asker may know; a model is asked only for what nothing can place."""
        after = None
        if self.asker.user:
            with self.db.reader() as conn:
                before = store.last(conn, self.asker.user, self.now - REMEMBERED, self.now)
            if before is not None and before.intent in intents():
                after = Understood(before.intent, before.slots, "follow-up", 1.0)
        deadline = self.patience_s * PLACING_SHARE
        return parse(
            text,
            names=vocabulary.names_of(known),
            after=after,
            near=nearest.warm(self.settings.memory),
            placer=placing.placer(self.model, deadline, self.settings.ollama.answer_wait_seconds),
            language=self.asker.language,
        )

    def _found(
        self, conn: Connection, known: resolve.Directory, parsed: Parsed, text: str
    ) -> tuple[Understood, Found, str] | Answered:
        """The rows of an understood question, or an answer that says why there are none."""
        understood = self._completed(parsed.understood, text)
        assert understood.intent is not None
        try:
            understood, resolved = self._resolved(conn, known, understood)
            assert understood.intent is not None
            if isinstance(resolved, Ambiguous):
                said = replies.ambiguous(resolved, self.asker)
                return self._said(understood, said, "ambiguous", candidates=resolved.candidates)
            slots = self._timed(understood, resolved)
            missing = intents()[understood.intent].missing(
                vars(slots)
                | {"type": slots.device_type, "period": slots.span, "horizon": slots.horizon_hours}
            )
            if missing:
                return self._said(understood, replies.missing(missing[0], self.asker), "unclear")
            found = run(conn, understood.intent, slots, self.asker, self.now)
        except NotFound as error:
            return self._said(understood, replies.not_found(error, self.asker), "not found")
        except QuestionError as error:
            return self._said(understood, str(error), "unclear")
        span = slots.span or found.span
        if slots.incident is not None and not understood.slots.keys() & {"period", "since"}:
            span = found.span if slots.span is None else None  # all of its time: nobody said a period
        as_understood = replies.understood_as(understood.intent, slots, known, span, self.asker, self.now)
        if understood.how == "model":
            as_understood = replies.guessed(as_understood, self.asker)
        return understood, replace(found, span=span), as_understood

    def _completed(self, understood: Understood, text: str) -> Understood:
        """With the metric that an adjective stands for."""
        assert understood.intent is not None
        slots = dict(understood.slots)
        takes = intents()[understood.intent].slots
        if "metric" in takes and "metric" not in slots and (metric := implied_metric(text)):
            slots["metric"] = metric
        return replace(understood, slots=slots)

    def _resolved(
        self, conn: Connection, known: resolve.Directory, understood: Understood
    ) -> tuple[Understood, Slots | Ambiguous]:
        """Rows of the names; a device's where a site's was thought, and the other way round."""
        assert understood.intent is not None
        try:
            return understood, resolve.resolve(conn, understood.intent, _words(understood), self.now)
        except NotFound:
            for (intent, slot), (other, place) in _SWAPPED.items():
                said = understood.slots.get(slot)
                if understood.intent != intent or said is None:
                    continue
                index = known.devices if place == "device" else known.sites
                if index.find(said):
                    again = replace(understood, intent=other, slots={place: said})
                    return again, resolve.resolve(conn, other, _words(again), self.now)
            raise

    def _timed(self, understood: Understood, slots: Slots) -> Slots:
        """With the stretch of time that is meant, said or by default."""
        assert understood.intent is not None
        wanted = intents()[understood.intent]
        words: dict[str, str] = {str(slot): text for slot, text in wanted.defaults.items()}
        words.update(understood.slots)
        zone, language = self.asker.timezone, self.asker.language
        span: Span | None = None
        said = understood.slots
        if "period" in words and ("period" in said or "since" not in said):
            text = words["period"]
            reads = times.since if text.casefold().startswith(("since ", "seit ")) else times.past
            span = reads(text, self.now, zone, language)
        elif "since" in words:
            span = times.since(words["since"], self.now, zone, language)
        every = slots.incident is not None and not said.keys() & {"period", "since"}
        if every and {"period", "since"} & set(wanted.slots):
            # What was done about one incident is asked of all its time, not of the last days.
            span = times.since(_EVER, self.now, zone, language)
        hours = times.ahead(words["horizon"], self.now, zone) if "horizon" in words else None
        return replace(slots, span=span, horizon_hours=hours)

    def _worded(
        self, understood: Understood, found: Found, as_understood: str, parsed: Parsed, name: str | None
    ) -> Answered:
        left = self.patience_s - (time.perf_counter() - self.began)
        shown = mode(self.settings.templates, self.asker.mode).answer
        book = found.book
        if len(book.template) > shown.sentences:
            book = replace(book, template=book.template[: shown.sentences], at_most=shown.sentences)
        said = narrate(
            book,
            self.model,
            deadline_s=max(left, 0.05),
            wait_s=min(self.settings.ollama.answer_wait_seconds, max(left, 0.05)),
            name=name,
        )
        text = " ".join(sentence.text for sentence in said.sentences)
        if parsed.unused:
            text = f"{text} {replies.unused(parsed.unused, self.asker)}".strip()
        table, more = None, found.more
        if found.table is not None:
            heads, rows = found.table
            kept = rows[: min(shown.rows, self.settings.questions.max_rows)]
            more += len(rows) - len(kept)
            table = (tuple(heads), *(tuple(row) for row in kept))
        age = (self.now - found.data_as_of).total_seconds() if found.data_as_of else None
        return Answered(
            text=text,
            understood=understood,
            understood_as=as_understood,
            outcome="answered",
            asker=self.asker,
            span=found.span,
            data_age_s=None if age is None else max(age, 0.0),
            devices=tuple(found.devices),
            table=table,
            more=more,
            narration=said,
        )

    def _refused(self, why: Refusal, parsed: Parsed) -> Answered:
        examples = replies.examples(parsed.understood.nearest, self.asker.language)
        said = replies.refused(why, examples, self.asker)
        return self._said(parsed.understood, said, f"refused: {why}", candidates=examples)

    def _said(
        self, understood: Understood, text: str, outcome: str, *, candidates: tuple[str, ...] = ()
    ) -> Answered:
        """An answer without figures."""
        title = intents()[understood.intent].title[self.asker.language] if understood.intent else ""
        return Answered(text, understood, title, outcome, self.asker, candidates=candidates)


def _words(understood: Understood) -> Mapping[SlotName, str]:
    return cast("Mapping[SlotName, str]", understood.slots)
