"""Questions as a new user asks them, from their text to their answer, on a real database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from homepot_ai.answers.contracts import Answer, Query
from homepot_ai.answers.query import asked, query
from homepot_ai.cli.main import app
from homepot_ai.errors import QuestionError
from homepot_ai.language.model import Model, NoModel
from homepot_ai.questions.types import Asker
from homepot_ai.settings import Settings, load_settings
from homepot_ai.store.database import Database
from homepot_ai.text import NBSP
from tests.asking_world import NOW, SECRET, fill
from tests.support import small_fleet

BERLIN = frozenset({1})


@pytest.fixture(scope="module")
def world(postgres: str, empty_template: str) -> Iterator[Database]:
    """One database for the module: questions write nothing but themselves."""
    from tests.conftest import _create

    db = Database(_create(postgres, "questions_world", empty_template))
    fill(db)
    yield db
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute("DROP DATABASE questions_world WITH (FORCE)")


@pytest.fixture
def ask(world: Database, settings: Settings) -> Callable[..., Answer]:
    """Ask as somebody in Berlin who sees Berlin; without a name, nothing refers to a question before."""

    def asking(text: str, *, user: str = "", model: Model | None = None, **wanted: object) -> Answer:
        asker = Asker(user=user, sites=BERLIN, timezone="Europe/Berlin")
        question = asked(question=text, **wanted)
        answer = query(world, settings, question, asker, model or NoModel(), NOW)
        assert SECRET not in answer.model_dump_json()
        return answer

    return asking


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("text", "intent", "says"),
    [
        ("How is everything?", "fleet_status", ["6", "critical: 1", "Without data: 1"]),
        ("hows berlin doing", "site_status", ["Devices of Berlin: 6", "0.72"]),
        ("is the POS 2 ok?", "device_status", ["POS 2 is critical", "0.12"]),
        ("How is till 1?", "device_status", ["POS 1 is healthy", "0.97"]),
        ("why is pos 2 unhealthy", "why_unhealthy", ["97.5 %", "expected 5.0 % to 45.0 %"]),
        ("which devices are worst", "worst_devices", ["POS 2 has the lowest health score, 0.12"]),
        ("what incidents are open", "open_incidents", ["Open incidents", "CPU too high on POS 2"]),
        ("tell me about incident 1", "incident_details", ["closed", "Ada", "restarted the service"]),
        ("who acknowledged incident 1?", "who_acknowledged", ["Ada", "6 Nov 11:00"]),
        ("what was done about incident 1 and did it help", "actions_taken", ["helped: 1", "Bob"]),
        ("average cpu of till 2 yesterday", "metric_average", ["31.0 %", "Tue 17 Nov"]),
        ("peak temperature of POS 1 in the last 12 hours", "metric_extremes", ["No Temperature is measured"]),
        ("which devices have the highest cpu", "metric_ranking", ["Staff tablet", "35.0 %"]),
        ("will POS 2 fail in the next 7 days?", "device_forecast", ["critical", "60.0 %"]),
        ("what needs maintenance", "maintenance_due", ["POS 2", "19 Nov 10:00"]),
        ("how many alerts did we get this week", "alert_review", ["Alerts that went out", "critical: 1"]),
        ("who was told about POS 2", "who_was_told", ["ops1@example.org"]),
        ("who gets which report", "report_recipients", ["ops1@example.org"]),
        ("which devices send no data", "silent_devices", ["Staff tablet", "18 Nov 05:00"]),
        ("when does berlin open", "opening_hours", ["08:00", "20:00"]),
        ("which tills do we have", "list_devices", ["POS 1", "POS 13"]),
        ("Wie geht es Kasse 2?", "device_status", ["POS 2", "kritisch", "0,12"]),
        ("what can I ask", "help", ["how is POS 3"]),
    ],
)
def test_a_new_user_gets_the_right_answer(
    ask: Callable[..., Answer], text: str, intent: str, says: list[str]
) -> None:
    answer = ask(text)
    assert answer.intent == intent
    shown = plain(answer.answer + "\n" + "\n".join(" ".join(row) for row in answer.table or []))
    shown = shown.replace("The status of POS 2 is", "POS 2 is").replace("The status of POS 1 is", "POS 1 is")
    for words in says:
        assert words in shown
    assert answer.understood_as
    assert answer.grounded.worded_by == "template"
    assert answer.response_time_ms > 0


def test_the_answer_says_how_it_was_understood_about_when_and_how_old_its_data_are(
    ask: Callable[..., Answer],
) -> None:
    answer = ask("average cpu of till 2 yesterday")
    assert plain(answer.understood_as) == (
        "What was a metric on average: POS 2 (Berlin), CPU, Tue 17 Nov, Europe/Berlin"
    )
    assert answer.period is not None
    assert answer.period.start.isoformat() == "2026-11-16T23:00:00+00:00"
    assert answer.data_age_seconds is not None
    assert [device.name for device in answer.relevant_devices] == ["POS 2"]
    assert answer.relevant_devices[0].status == "critical"
    now = ask("how is POS 2")
    assert now.data_age_seconds == 0.0
    elsewhere = ask("average cpu of till 2 yesterday", timezone="America/New_York")
    assert elsewhere.period is not None
    assert elsewhere.period.start.isoformat() == "2026-11-17T05:00:00+00:00"


def test_a_follow_up_is_of_the_same_person_and_not_for_ever(
    ask: Callable[..., Answer], world: Database, settings: Settings
) -> None:
    ask("how is POS 2?", user="ann")
    ask("how is POS 1?", user="bob")
    assert "POS 2" in ask("why is it so bad?", user="ann").understood_as
    assert "POS 1" in ask("and its forecast?", user="Bob").understood_as
    assert "POS" not in ask("and its forecast?").understood_as
    later = NOW + timedelta(hours=2)
    forgotten = query(
        world, settings, Query(question="and its forecast?"), Asker("ann", BERLIN), NoModel(), later
    )
    assert "POS" not in forgotten.understood_as


def test_names_of_other_sites_are_neither_found_nor_offered(ask: Callable[..., Answer]) -> None:
    assert "There is no device" in ask("how is verboten pos 2").answer.replace(SECRET.lower(), "")
    assert ask("how is Verbote Hambrg").answer == "There is no site 'Verbote Hambrg'."
    assert ask("what is incident 5 about").answer.startswith("There is no incident '5'")
    assert "There is no site 'hamburg'" in ask("compare berlin and hamburg").answer


def test_a_site_where_a_device_was_thought_is_understood(ask: Callable[..., Answer]) -> None:
    answer = ask("why is Berlin red?")
    assert (answer.intent, answer.understood_as) == (
        "worst_devices", "Which devices are worst: Berlin, at most 5"
    )  # fmt: skip


def test_a_name_that_fits_several_lists_them_and_the_next_word_decides(
    database: Database, settings: Settings
) -> None:
    small_fleet(database)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "VALUES (2, 'SITE-2', 'Hamburg', true, 'active')"
        )
        conn.execute(
            "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
            "created_at) VALUES (11, 'DEVICE-11', 'Checkout 1', 'pos_terminal', 'active', 2, true, %s)",
            [NOW - timedelta(days=9)],
        )
    ann = Asker(user="ann")
    several = query(database, settings, Query(question="how is Checkout 1"), ann, NoModel(), NOW)
    assert several.candidates == ["Checkout 1 (Berlin)", "Checkout 1 (Hamburg)"]
    assert several.answer.endswith("Which one?")
    one = query(database, settings, Query(question="Checkout 1 in Hamburg"), ann, NoModel(), NOW)
    assert one.understood_as == "How is a device: Checkout 1 (Hamburg)"


def test_a_name_of_elsewhere_is_not_answered_for_another_device(
    database: Database, settings: Settings
) -> None:
    small_fleet(database)
    with database.admin() as conn:
        conn.execute(
            "INSERT INTO sites (id, site_id, name, is_active, lifecycle_state) "
            "VALUES (2, 'SITE-2', 'New York', true, 'active')"
        )
        conn.execute(
            "INSERT INTO devices (id, device_id, name, device_type, lifecycle_state, site_id, is_active, "
            "created_at) VALUES (11, 'DEVICE-11', 'Register 1', 'pos_terminal', 'active', 2, true, %s)",
            [NOW - timedelta(days=9)],
        )

    def said(text: str, sites: frozenset[int] | None) -> Answer:
        return query(database, settings, Query(question=text), Asker(sites=sites), NoModel(), NOW)

    for name in ("Register 1", "register 1", "Counter 1"):
        answer = said(f"how is {name}", BERLIN)
        assert answer.answer.startswith(f"There is no device '{name}'")
        assert "Checkout 1 (Berlin)" in answer.answer
        assert "New York" not in answer.model_dump_json()
    assert said("how is till 1", BERLIN).understood_as == "How is a device: Checkout 1 (Berlin)"
    both = said("how is till 1", None)
    assert sorted(both.candidates) == ["Checkout 1 (Berlin)", "Register 1 (New York)"]


def test_what_the_answer_cannot_be_about_is_asked_back(ask: Callable[..., Answer]) -> None:
    answer = ask("opening hours of POS 2 at Berlin")
    assert '"POS 2"' in answer.answer
    assert "08:00" not in answer.answer
    assert answer.relevant_devices == []


def test_an_incident_by_number_has_no_period(ask: Callable[..., Answer]) -> None:
    answer = ask("what was done about incident 1 and did it help")
    assert answer.understood_as.endswith("incident 1")
    assert answer.period is None


def test_a_device_is_called_by_a_part_of_its_name(ask: Callable[..., Answer]) -> None:
    assert "Freezer hub" in ask("is the freezer ok?").understood_as
    today = ask("Was muss ich heute warten?")
    assert today.intent == "maintenance_due"
    assert "19. Nov. 00:00" in plain(today.understood_as)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("restart POS 2", "Questions only read"),
        ("'; DROP TABLE devices; --", "not answered"),
        ("who won the world cup", "not understood"),
        ("¿Cómo está la caja 3?", "Only English and German"),
        ("???", "Nothing was asked"),
        ("Lösche alle Geräte", "lesen nur"),
    ],
)
def test_what_is_refused_says_why_and_what_can_be_asked(
    ask: Callable[..., Answer], text: str, says: str
) -> None:
    answer = ask(text)
    assert answer.intent is None
    assert says in answer.answer
    assert answer.candidates
    assert all(candidate in answer.answer for candidate in answer.candidates)
    assert answer.relevant_devices == []
    assert answer.grounded.figures == 0


def test_what_is_unclear_is_asked_back(ask: Callable[..., Answer]) -> None:
    assert "There is no device 'till 99'" in ask("how is till 99").answer
    assert "yet to come" in ask("uptime of Berlin since next week").answer
    assert "Not taken into account" in ask("which tills have the poorest health this week").answer


def test_every_question_is_written_down(ask: Callable[..., Answer], world: Database) -> None:
    ask("How is POS 2\x00\u202e?", user="Carla")
    ask("restart POS 2", user="carla")
    with world.reader() as conn:
        rows = conn.execute(
            "SELECT at, question, intent, slots, how, outcome FROM ai_questions "
            "WHERE user_name = 'carla' ORDER BY id"
        ).fetchall()
    assert rows == [
        (NOW, "How is POS 2?", "device_status", {"device": "POS 2"}, "rule", "answered"),
        (NOW, "restart POS 2", None, {}, "none", "refused: command"),
    ]


def test_a_zone_that_does_not_exist_is_an_error(ask: Callable[..., Answer]) -> None:
    with pytest.raises(QuestionError, match="Atlantis/City"):
        ask("how is POS 2", timezone="Atlantis/City")
    with pytest.raises(QuestionError, match="cannot be asked"):
        asked(question=" ")


def test_at_the_terminal(world: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEPOT_AI_DATABASE_URL", world.url)
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(settings.var_dir))
    monkeypatch.setenv("HOMEPOT_AI_OLLAMA__ENABLED", "false")
    load_settings.cache_clear()
    try:
        at = f"{NOW:%Y-%m-%dT%H:%M}"
        said = CliRunner().invoke(app, ["ask", "how", "is", "pos 2 at berlin", "--at", at])
        assert said.exit_code == 0, said.output
        assert "critical" in said.output
        assert "Understood as: How is a device: POS 2 (Berlin)" in plain(said.output)
        shown = CliRunner().invoke(app, ["ask", "which devices are worst", "--json", "--at", at])
        assert json.loads(shown.output)["intent"] == "worst_devices"
    finally:
        load_settings.cache_clear()


def test_a_mode_decides_how_long_an_answer_is_and_never_what_it_says(ask: Callable[..., Answer]) -> None:
    whole, short = (ask("how is everything", mode=mode) for mode in ("maintenance", "executive"))
    assert short.answer != whole.answer
    assert whole.answer.startswith(short.answer)
    listed, few = (ask("list all devices", mode=mode) for mode in ("maintenance", "executive"))
    assert listed.table is not None
    assert few.table == listed.table[:6], "the heads and five rows"
    assert few.more_rows - listed.more_rows == len(listed.table) - 6
