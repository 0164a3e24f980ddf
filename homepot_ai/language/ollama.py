"""Asking Ollama: one question by schema at a time, within a deadline, every ending named and noted down.

compose (budget, fence, nonce) ─► which model is there ─► cache ─► the one turn ─► chat, at most twice
                             validate, keep ◄─ a row in ai_llm_calls, whatever the ending ◄─┘
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from homepot_ai.errors import DatabaseError
from homepot_ai.language import probe, wire
from homepot_ai.language.cache import Cache
from homepot_ai.language.model import Call, Model, NoModel, Outcome, Prompt, Reply
from homepot_ai.language.probe import Notes, Way
from homepot_ai.language.talk import Failed, Installed, Line, Said
from homepot_ai.store import llm, locks
from homepot_ai.store.database import Database

if TYPE_CHECKING:
    from homepot_ai.settings import OllamaSettings, Settings

_log = logging.getLogger(__name__)

SEED = 7
#: An answer is a few sentences; a model that repeats itself is stopped here.
MOST_TOKENS = 1024
#: What is installed is asked again after this; after a failure sooner. Nothing is asked in between.
LIST_S, FAILED_S = 30.0, 10.0
#: A caller with less time than this is not made to wait for a probe: the usual way is tried.
PROBE_FROM_S = 15.0
#: Before a server that refused, or broke the line, is asked again.
PAUSE_S = 0.2
#: What another try may mend. Not: nobody there, no time, no turn, no room.
AGAIN = frozenset(
    {
        Outcome.GARBAGE,
        Outcome.WRONG_SCHEMA,
        Outcome.TRUNCATED,
        Outcome.PROMPT_CUT,
        Outcome.CUT,
        Outcome.REFUSED,
    }
)
_REFRESHED = frozenset({Outcome.CUT, Outcome.REFUSED})


@dataclass
class _Trace:
    """What is known of a call while it is under way, for its row."""

    deadline: float
    model: str = ""
    digest: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    said: Said | None = None
    notes: list[str] = field(default_factory=list)

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()


class Ollama:
    """The models of one Ollama server. One object for a process: it keeps the cache. Safe for threads.

    Args:
        db: where calls are noted down, and whose lock gives the turn to one of all processes; None: neither,
            then only the threads of this process wait for each other.
        notes: the file of :class:`homepot_ai.language.probe.Notes`.

    >>> from homepot_ai.settings import OllamaSettings
    >>> nobody = Ollama(OllamaSettings(url="http://127.0.0.1:9"), None, Path("notes.json"))
    >>> nobody.ask(probe.QUESTION, probe.Colour, deadline_s=1, wait_s=0).outcome
    <Outcome.UNREACHABLE: 'unreachable'>
    """

    def __init__(
        self,
        settings: OllamaSettings,
        db: Database | None,
        notes: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.line = Line(settings.url.rstrip("/"))
        self.notes = Notes(notes)
        self.counted: Counter[Outcome] = Counter()
        self._db, self._now = db, now
        self._mutex = threading.Lock()
        self._answers: Cache[str] = Cache(seconds=settings.cache_seconds, entries=settings.cache_entries)
        self._listed: Cache[list[Installed]] = Cache(seconds=LIST_S, entries=1)
        self._down: Cache[Failed] = Cache(seconds=FAILED_S, entries=1)
        self._hopeless: Cache[Failed] = Cache(seconds=600, entries=16)

    @classmethod
    def from_settings(cls, settings: Settings, db: Database | None) -> Ollama:
        """The configured server."""
        return cls(settings.ollama, db, notes_file(settings))

    def ask(
        self,
        prompt: Prompt,
        schema: type[Reply],
        *,
        deadline_s: float,
        wait_s: float,
        model: str | None = None,
    ) -> Call[Reply]:
        """Ask; returns within `deadline_s`, having waited at most `wait_s` for the turn.

        Args:
            schema: what the answer must be; its field `nonce`, if it has one, is filled with what came back.
            model: fast, balanced, accurate or one of their names; another name is not used. None: the
                preferred one. Where it is not installed the others stand in.
        """
        begun = time.monotonic()
        # What is noted down afterwards takes its time too.
        trace = _Trace(begun + deadline_s - min(0.1, 0.05 * deadline_s))
        form = wire.form_of(schema)
        hashed = wire.prompt_hash(prompt, form)
        reply: Reply | None = None
        try:
            outcome, reply = self._answer(prompt, schema, form, hashed, trace, wait_s, model)
        except Failed as failure:
            outcome = failure.outcome
            trace.notes.append(failure.detail)
        except Exception as error:
            # Whatever nobody thought of: the caller has its template, and the log has the reason.
            _log.exception("a model call (%s) failed in a way that has no name yet", prompt.purpose)
            outcome = Outcome.GARBAGE
            trace.notes.append(f"{type(error).__name__}: {error}")
        latency = (time.monotonic() - begun) * 1000
        self.counted[outcome] += 1
        said = trace.said
        record = self._note(
            llm.CallRow(
                at=self._now(),
                purpose=prompt.purpose,
                prompt_hash=hashed,
                model=trace.model,
                digest=trace.digest,
                options=trace.options,
                outcome=outcome.value,
                answer=None if said is None else said.text,
                latency_ms=latency,
                prompt_tokens=None if said is None else said.prompt_tokens,
                answer_tokens=None if said is None else said.answer_tokens,
            )
        )
        return Call(outcome, reply, trace.model, trace.digest, latency, "; ".join(trace.notes), record)

    def verdicts(self, record: int | None, *, verified: int, refused: int, reasons: dict[str, int]) -> None:
        """Note down what became of a reply's claims."""
        if record is None or self._db is None:
            return
        try:
            with self._db.writer() as conn:
                llm.put_verdicts(conn, record, verified=verified, refused=refused, reasons=reasons)
        except (DatabaseError, psycopg.Error) as error:
            _log.warning("verdicts of model call %d could not be noted down: %s", record, error)

    def warm(self, *, deadline_s: float) -> str:
        """Have the preferred model in memory before somebody waits for it; returns a line for the log.

        Loading takes longer than an interactive answer has: without this the first ones go without a model.
        """
        trace = _Trace(time.monotonic() + deadline_s)
        try:
            first = self._candidates(None, trace)[0]
            self.line.load(
                first.name,
                keep_alive=self.settings.keep_alive,
                num_ctx=self.settings.num_ctx,
                deadline_s=trace.left(),
            )
            self._way(first, trace, patient=True)
        except Failed as failure:
            return f"no model is ready: {failure.detail}"
        return f"{first.name} is ready"

    def find_way(self, model: Installed, *, deadline_s: float) -> Way:
        """The way of asking that works with a model, found out now if it is not known.

        Raises:
            Failed: none works, or the server did not answer in time.
        """
        with self._turn(deadline_s / 2):
            return self._way(model, _Trace(time.monotonic() + deadline_s / 2), patient=True)

    def _answer(
        self,
        prompt: Prompt,
        schema: type[Reply],
        form: dict[str, Any],
        hashed: str,
        trace: _Trace,
        wait_s: float,
        model: str | None,
    ) -> tuple[Outcome, Reply]:
        letter = wire.compose(
            prompt, num_ctx=self.settings.num_ctx, nonce=secrets.token_hex(3), tag=secrets.token_hex(4)
        )
        if letter.left_out:
            trace.notes.append(f"{letter.left_out} optional parts had no room")
        trace.options = {
            "num_ctx": self.settings.num_ctx,
            "num_predict": min(MOST_TOKENS, self.settings.num_ctx // 2),
            "seed": SEED,
            "temperature": 0.0,
        }
        candidates = self._candidates(model, trace)
        trace.model, trace.digest = candidates[0].name, candidates[0].digest
        key = (hashed, trace.digest, tuple(trace.options.items()))
        if (kept := self._answers.get(key)) is not None:
            return Outcome.CACHED, schema.model_validate_json(kept)
        with self._turn(min(wait_s, trace.left())):
            for candidate in candidates:
                trace.model, trace.digest = candidate.name, candidate.digest
                try:
                    reply = self._twice(candidate, letter, schema, form, trace)
                except Failed as failure:
                    if failure.outcome is not Outcome.MISSING:
                        raise
                    # It was in the list a moment ago: removed since, or the server does not know its own.
                    trace.notes.append(f"{candidate.name}: {failure.detail}")
                    continue
                key = (hashed, candidate.digest, tuple(trace.options.items()))
                self._answers.put(key, reply.model_dump_json())
                return Outcome.OK, reply
        raise Failed(Outcome.MISSING, "the server has none of the models that it lists")

    def _twice(
        self, model: Installed, letter: wire.Letter, schema: type[Reply], form: dict[str, Any], trace: _Trace
    ) -> Reply:
        way = self._way(model, trace, patient=trace.left() >= PROBE_FROM_S)
        try:
            trace.said = self._chat(model.name, way, letter, form, trace.options, trace)
            return wire.read(trace.said, letter, schema)
        except Failed as failure:
            if failure.outcome not in AGAIN or trace.left() < 2 * PAUSE_S:
                raise
            trace.notes.append(f"first try: {failure.detail}")
            if failure.outcome in _REFRESHED:
                time.sleep(PAUSE_S)
        # With the same seed and no temperature it would say the same again.
        other = trace.options | {"seed": SEED + 1, "temperature": 0.4}
        trace.said = self._chat(model.name, way, letter, form, other, trace)
        return wire.read(trace.said, letter, schema)

    def _chat(
        self,
        model: str,
        way: Way,
        letter: wire.Letter,
        form: dict[str, Any],
        options: dict[str, Any],
        trace: _Trace,
    ) -> Said:
        return self.line.chat(
            model,
            letter.messages,
            form=way.asked_for(form),
            think=way.think,
            options=options,
            keep_alive=self.settings.keep_alive,
            deadline_s=trace.left(),
        )

    def _way(self, model: Installed, trace: _Trace, *, patient: bool) -> Way:
        known = self.notes.way(model.digest)
        if known is not None or not patient:
            return known or probe.WAYS[0]
        if (failed := self._hopeless.get(model.digest)) is not None:
            raise failed
        options = {"num_ctx": self.settings.num_ctx, "num_predict": 256, "seed": SEED, "temperature": 0.0}
        letter = probe.question(self.settings.num_ctx, secrets.token_hex(3), secrets.token_hex(4))
        try:
            way = probe.probe(
                letter, lambda way, page, form: self._chat(model.name, way, page, form, options, trace)
            )
        except Failed as failure:
            if failure.outcome is Outcome.WRONG_SCHEMA:
                self._hopeless.put(model.digest, failure)
            raise
        self.notes.keep_way(model.digest, way)
        return way

    def _candidates(self, wanted: str | None, trace: _Trace) -> list[Installed]:
        there = {one.name: one for one in self._installed(trace)}
        names = chain(self.settings, wanted)
        found = [there[full] for full in map(with_tag, names) if full in there]
        if not found:
            raise Failed(Outcome.MISSING, f"none of {', '.join(names)} is installed: ollama pull {names[0]}")
        if found[0].name != with_tag(names[0]):
            trace.notes.append(f"{names[0]} is not installed, {found[0].name} stands in")
        return found

    def _installed(self, trace: _Trace) -> list[Installed]:
        listed = self._listed.get("")
        if listed is not None:
            return listed
        if (failed := self._down.get("")) is not None:
            raise failed
        try:
            listed = self.line.models(deadline_s=trace.left())
        except Failed as failure:
            self._down.put("", failure)
            raise
        self._listed.put("", listed)
        return listed

    @contextmanager
    def _turn(self, wait_s: float) -> Iterator[None]:
        patience = time.monotonic() + max(0.0, wait_s)
        busy = Failed(Outcome.BUSY, f"another question was being answered for over {wait_s:.1f} s")
        # Threads queue here first, so that only one of them holds a connection to the database.
        if not self._mutex.acquire(timeout=max(0.0, wait_s)):
            raise busy
        stack = ExitStack()
        try:
            if self._db is not None:
                left = patience - time.monotonic()
                try:
                    turn = locks.model_turn(self._db, self.settings.url, patience_s=left)
                    mine = stack.enter_context(turn)
                except (DatabaseError, psycopg.Error) as error:
                    raise Failed(Outcome.BUSY, f"the turn could not be asked for: {error}") from error
                if not mine:
                    raise busy
            yield
        finally:
            # A connection that is gone has taken its lock with it.
            with suppress(psycopg.Error):
                stack.close()
            self._mutex.release()

    def _note(self, row: llm.CallRow) -> int | None:
        if self._db is None:
            return None
        try:
            with self._db.writer() as conn:
                return llm.put_call(conn, row)
        except (DatabaseError, psycopg.Error, ValueError) as error:
            # Nobody waits for words because they cannot be noted down.
            _log.warning("a model call (%s, %s) could not be noted down: %s", row.purpose, row.outcome, error)
            return None


def model_of(settings: Settings, db: Database | None) -> Model:
    """The configured model, or nobody where it is switched off. Nothing is asked yet."""
    return Ollama.from_settings(settings, db) if settings.ollama.enabled else NoModel()


def notes_file(settings: Settings) -> Path:
    """Where is kept what was found out about models."""
    return settings.var_dir / "models.json"


def chain(settings: OllamaSettings, wanted: str | None = None) -> list[str]:
    """The models that may answer, the one wanted first, each once.

    >>> from homepot_ai.settings import OllamaSettings
    >>> chain(OllamaSettings())
    ['llama3.2:3b', 'phi3.5:3.8b', 'mistral:7b']
    >>> chain(OllamaSettings(), "accurate")[0], chain(OllamaSettings(), "mistral:7b")[0]
    ('mistral:7b', 'mistral:7b')
    """
    roles = {"fast": settings.fast, "balanced": settings.balanced, "accurate": settings.accurate}
    asked = roles.get(wanted or "", wanted if wanted in roles.values() else None)
    first = [asked] if asked else []
    return list(dict.fromkeys([*first, roles[settings.preferred], *roles.values()]))


def with_tag(name: str) -> str:
    """As Ollama lists it: a name without a tag is its latest.

    >>> with_tag("mistral"), with_tag("mistral:7b")
    ('mistral:latest', 'mistral:7b')
    """
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
