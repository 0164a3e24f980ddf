"""A report's words: a model's where they hold, kept for ever, and the template's whatever a model does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from homepot_ai.language.model import Outcome
from homepot_ai.language.ollama import Ollama
from homepot_ai.language.tripping import Tripping
from homepot_ai.language.verify import judge
from homepot_ai.reporting import narration, pdf
from homepot_ai.reporting.build import voice_of
from homepot_ai.reporting.document import Edition
from homepot_ai.reporting.facts import Scope
from homepot_ai.reporting.modes import MODES, mode
from homepot_ai.reporting.passage import book_of
from homepot_ai.reporting.service import ReportOutcome, Wish, make_report
from homepot_ai.settings import OllamaSettings, Settings
from homepot_ai.store.database import Database
from homepot_ai.testing.gallery import KINDS
from homepot_ai.testing.ollama_server import OllamaServer
from homepot_ai.testing.report_examples import example
from tests.integration.test_report_service import AT, DAY, ZONE
from tests.report_world import World

TEMPLATES = Path(__file__).parents[2] / "templates"
SITE = Scope(kind="site", id=1)
LANGUAGES = ("en", "de")


def page_as_it_is(job: pdf.Job) -> bytes:
    """Renders nothing: what would be drawn is what these tests read."""
    return job.html.encode()


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.site(1, "Berlin", ZONE)
    world.device(1, 1, "Kasse 1")
    world.device(2, 1, "Kasse 2")
    for n in range(0, DAY.minutes, 30):
        at = DAY.start + timedelta(minutes=n + 1)
        world.scores += [(1, at, 0.95, "healthy", None), (2, at, 0.3, "critical", None)]
        world.minutes.append(at)
    world.write()
    return world


def at(server: OllamaServer, settings: Settings) -> Settings:
    return settings.model_copy(update={"ollama": OllamaSettings(url=server.url)})


def make(world: World, settings: Settings, **wish: object) -> ReportOutcome:
    return make_report(world.db, settings, scope=SITE, at=AT, wish=Wish(**wish), render=page_as_it_is, now=AT)  # type: ignore[arg-type]


def test_a_models_words_are_kept_and_replayed_for_ever(world: World, settings: Settings) -> None:
    with OllamaServer("well") as server:
        first = make(world, at(server, settings))
        # Made again the model is not asked, and may be mad by now; another mode is worded anew.
        asked = len(server.script.questions())
        server.script.behave = ["invented"]
        again = make(world, at(server, settings))
        assert len(server.script.questions()) == asked
        other = make(world, at(server, settings), edition=Edition("executive", "de"))
        assert len(server.script.questions()) > asked
    assert again.pdf == first.pdf
    page = first.pdf.decode()
    assert "Worded by the model llama3.2:3b" in page
    assert "In words" in page
    assert "Nach Regel formuliert" in other.pdf.decode()
    with world.db.reader() as conn:
        kept = conn.execute(
            "SELECT narration->>'model', narration->>'digest', (narration->>'verified')::int, "
            "(narration->>'refused')::int FROM ai_report_editions ORDER BY mode DESC"
        ).fetchall()
        verdicts = conn.execute("SELECT verdicts->>'refused' FROM ai_llm_calls WHERE verdicts IS NOT NULL")
        assert len(verdicts.fetchall()) == 2
    (model, digest, verified, refused), (_, _, none, some) = kept
    assert (model, digest) == ("llama3.2:3b", server.script.digest("llama3.2:3b"))
    assert (verified > 0, refused, none, some > 0) == (True, 0, 0, True)


def test_without_a_model_the_same_facts_give_the_same_page_whatever_is_wrong(
    world: World, settings: Settings
) -> None:
    off = settings.model_copy(update={"ollama": OllamaSettings(enabled=False)})
    plain = make(world, off).pdf
    for fault in ("500", "garbage", "model_gone"):
        with OllamaServer(fault) as server:
            with world.db.admin() as conn:
                conn.execute("DELETE FROM ai_report_editions; DELETE FROM ai_reports")
            assert make(world, at(server, settings)).pdf == plain
    assert b"In words" in plain
    assert b"Worded by" not in plain


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_template_says_would_pass_as_a_models_words(language: str) -> None:
    """A model that keeps to the draft is never refused: each sentence is made of its facts' own words."""
    refused = []
    for kind, make_facts in KINDS.items():
        facts = make_facts()
        for name in MODES:
            edition = Edition(name, language)  # type: ignore[arg-type]
            book = book_of(facts, edition, mode(TEMPLATES, name), voice_of(facts, edition, TEMPLATES))
            if book is None:
                assert kind == "quiet-day"
                continue
            assert 2 <= len(book.template) <= 5
            refused += [(v.claim.text, v.reason) for v in judge(book.template, book) if not v.passed]
    assert refused == []


def test_what_a_model_invents_reaches_no_page(tmp_path: Path) -> None:
    facts = example("bad")
    wanted = [Edition("maintenance"), Edition("executive", "de")]
    plain = {edition: narration.by_template(facts, edition, TEMPLATES) for edition in wanted}
    for madness in ("invented", "injected"):
        with OllamaServer(madness) as server:
            model = Tripping(Ollama(OllamaSettings(url=server.url), None, tmp_path / "models.json"))
            told = narration.words(facts, wanted, model, TEMPLATES, deadline_s=20)
        for edition, said in told.items():
            assert said is not None
            assert said.outcome is Outcome.OK
            assert said.sentences == plain[edition].sentences  # type: ignore[union-attr]
            assert (said.verified, said.refused > 0, said.by_model) == (0, True, False)


def test_a_run_of_reports_waits_for_a_hanging_model_once(tmp_path: Path) -> None:
    with OllamaServer("hang") as server:
        model = Tripping(Ollama(OllamaSettings(url=server.url), None, tmp_path / "models.json"))
        for _ in range(3):
            told = narration.words(example("bad"), [Edition()], model, TEMPLATES, deadline_s=0.5)
            assert told[Edition()].outcome is Outcome.TIMEOUT  # type: ignore[union-attr]
        assert len(server.script.questions()) == 1


def test_an_edition_that_was_stored_meanwhile_in_other_words_is_the_one(
    world: World, settings: Settings
) -> None:
    make(world, settings)
    chief = Wish(edition=Edition("executive"))
    meanwhile: list[bytes] = []

    def slowly(job: pdf.Job) -> bytes:
        if not meanwhile:
            meanwhile.append(make(world, settings, edition=chief.edition).pdf)
        return page_as_it_is(job)

    with OllamaServer("well") as server:
        told = make_report(
            world.db, at(server, settings), scope=SITE, at=AT, wish=chief, render=slowly, now=AT
        )
        assert server.script.questions()
    assert told.pdf == meanwhile[0]
    assert b"Worded by" not in told.pdf
