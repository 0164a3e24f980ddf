"""What is said: verdicts, whole expected mails, hostile names, numbers and changes."""

from __future__ import annotations

import os
from datetime import date, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from homepot_ai.errors import MailError
from homepot_ai.reporting import build, differences, letter, terms, tiles, verdict
from homepot_ai.reporting.build import document, voice_of
from homepot_ai.reporting.document import Difference, Document, Edition, Section, Table
from homepot_ai.reporting.editions import letter_of
from homepot_ai.reporting.facts import (
    Earlier,
    Figures,
    Problem,
    ReportFacts,
    Scope,
    ScopeName,
    StatusCounts,
)
from homepot_ai.reporting.narration import by_template
from homepot_ai.reporting.voice import Voice
from homepot_ai.settings import MailSettings, Settings
from homepot_ai.testing.report_examples import example
from homepot_ai.testing.report_examples_incident import incident_example
from homepot_ai.text import NBSP, clean, fit, pad, table, width, wrap

GOLDEN = Path(__file__).parents[1] / "data" / "report_mails"
TEMPLATES = Path(__file__).parents[2] / "templates"
KINDS = ("quiet", "bad", "degraded", "silent", "empty")


ENGLISH = Voice("en", "Europe/Berlin")


def worded(facts: ReportFacts, edition: Edition | None = None, *, revision: int = 1) -> Document:
    edition = edition or Edition()
    return document(
        facts, edition, report_id="rpt_20261119_daily_site1", revision=revision, templates=TEMPLATES,
        narration=by_template(facts, edition, TEMPLATES),
    )  # fmt: skip


def view_of(kind: str, edition: Edition | None = None, **more: Any) -> Document:
    return worded(example(kind, **more), edition)


def section_of(seen: Document, key: str) -> Section:
    return next(section for section in seen.sections if section.key == key)


def table_of(seen: Document, key: str) -> Table:
    return next(block for block in section_of(seen, key).blocks if isinstance(block, Table))


def sentence_of(seen: Document, key: str) -> str:
    return " ".join(getattr(block, "text", "") for block in section_of(seen, key).blocks).replace(NBSP, " ")


def speak(facts: ReportFacts) -> Voice:
    return voice_of(facts, Edition(), TEMPLATES)


def mail_of(
    view: Document, settings: Settings, to: str = "ann@example.org", made: Any = None
) -> EmailMessage:
    facts = example("quiet")
    if made:
        facts = facts.model_copy(update={"made": facts.made.model_copy(update={"at": made})})
    sent = letter_of(view, facts, b"%PDF-1.7 pretend", settings)
    key = letter.message_id(f"{view.report_id}.r{view.revision}", to, settings.mail.domain)
    raw = letter.compose(sent, to, settings, key)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert raw == letter.compose(sent, to, settings, key)
    return parsed


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_text_of_a_mail(kind: str, language: Any, settings: Settings) -> None:
    """Set UPDATE_GOLDEN=1 to write the files anew, then read what changed."""
    part = mail_of(view_of(kind, Edition(language=language)), settings).get_body(("plain",))
    assert part is not None
    text = part.get_content().replace("\r\n", "\n")
    file = GOLDEN / f"{kind}_{language}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
    assert max(width(line) for line in text.splitlines()) <= 78
    assert "None" not in text.replace("None of the", "")
    assert "nan" not in text.lower().split()


@pytest.mark.parametrize(
    ("kind", "level", "headline", "subject"),
    [
        (
            "quiet",
            "good",
            "A quiet day: all 25 controlled devices stayed healthy.",
            "[HOMEPOT] Berlin Mitte: all 25 devices healthy - daily 2026-11-19",
        ),
        (
            "bad",
            "critical",
            "4 of 25 controlled devices need attention.",
            "[HOMEPOT] Berlin Mitte: 4 devices need attention - daily 2026-11-19",
        ),
        (
            "silent",
            "critical",
            "No data from any of 25 controlled devices.",
            "[HOMEPOT] Berlin Mitte: no data from any device - daily 2026-11-19",
        ),
        (
            "empty",
            "unknown",
            "There are no devices here yet.",
            "[HOMEPOT] Berlin Mitte: no devices - daily 2026-11-19",
        ),
    ],
)
def test_verdict_and_subject(kind: str, level: str, headline: str, subject: str) -> None:
    view = view_of(kind)

    assert (view.verdict.level, view.verdict.headline, view.subject) == (level, headline, subject)


def test_a_day_with_gaps_in_scoring_is_never_called_good() -> None:
    quiet = example("quiet")
    assert quiet.scoring is not None
    gaps = quiet.model_copy(update={"scoring": quiet.scoring.model_copy(update={"minutes_scored": 700})})
    said = verdict.verdict(gaps, speak(gaps))

    assert said.level == "unknown"
    assert f"only 48.6{NBSP}% of the minutes due were scored" in " ".join(said.details)
    assert not verdict.is_quiet(gaps)


def test_the_end_of_a_day_is_not_told_while_scoring_is_behind() -> None:
    quiet = example("quiet")
    noon = quiet.period.start + timedelta(hours=12)
    behind = quiet.model_copy(update={"made": quiet.made.model_copy(update={"last_scored": noon})})
    said = verdict.verdict(behind, speak(behind))
    assert "when last scored, at 12:00" in said.headline
    assert said.short == "healthy until 12:00"


def test_nothing_scored_is_said_and_compared_with_nothing() -> None:
    quiet = example("quiet")
    assert quiet.headline is not None
    nothing = quiet.headline.figures.model_copy(
        update={
            "status_minutes": StatusCounts(),
            "status_at_end": StatusCounts(not_scored=25),
            "scored_minutes": 0,
            "score_points": 0,
            "minutes_judged": 0,
            "minutes_with_data": 0,
        }
    )
    facts = quiet.model_copy(
        update={
            "classes": (
                quiet.headline.model_copy(
                    update={
                        "figures": nothing,
                        "earlier": tuple(
                            e.model_copy(update={"figures": None}) for e in quiet.headline.earlier
                        ),
                    }
                ),
            )
        }
    )
    view = worded(facts)

    assert view.verdict.headline == "Nothing was scored for 25 controlled devices."
    assert "36,000 telemetry rows arrived, but scoring did not run." in view.verdict.details
    said = [change.text for tile in view.tiles for change in tile.changes]
    assert f"no comparison: nothing was scored on Wed{NBSP}18{NBSP}Nov" in said
    assert view.tiles[0].value == "–"


def test_one_device_is_not_a_plural() -> None:
    facts = example("quiet", devices=1)

    assert verdict.verdict(facts, speak(facts)).headline == "A quiet day."
    assert "1 devices" not in view_of("quiet", devices=1).subject


@pytest.mark.parametrize(
    ("figure", "now", "then", "expected"),
    [
        ("health", 0.91, 0.94, ("↓", "0.03 worse than on Wed 18 Nov", "worse")),
        ("health", 0.94, 0.91, ("↑", "0.03 better than on Wed 18 Nov", "better")),
        ("health", 0.942, 0.941, ("=", "the same as on Wed 18 Nov", "same")),
        ("opened", 3, 5, ("↓", "2 fewer than on Wed 18 Nov", "better")),
        ("attention", 1_201, 0, ("↑", "1,201 more needing attention than on Wed 18 Nov", "worse")),
    ],
)
def test_changes_say_whether_they_are_good(
    figure: str, now: float, then: float, expected: tuple[str, str, str]
) -> None:
    before = Earlier(what="day_before", first_day=date(2026, 11, 18), figures=figures_with(figure, then))
    change = tiles.change(ENGLISH, figure, figures_with(figure, now), before)

    assert (change.glyph, change.text.replace(NBSP, " "), change.tone) == expected


def figures_with(figure: str, value: float) -> Figures:
    known = example("quiet").headline
    assert known is not None
    if figure == "health":
        return known.figures.model_copy(
            update={"score_points": round(value * 10_000_000), "scored_minutes": 1000}
        )
    return known.figures.model_copy(update={figure: int(value)})


def test_the_hour_that_happens_twice_names_its_zone() -> None:
    facts = example("quiet", which=date(2026, 10, 25))
    clock = speak(facts).clock
    from datetime import UTC, datetime

    assert clock(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == "02:30 CEST"
    assert clock(datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) == "02:30 CET"
    assert clock(datetime(2026, 10, 25, 4, 30, tzinfo=UTC)) == "05:30"
    assert clock(facts.period.end) == "24:00"
    assert clock(datetime(2026, 10, 24, 12, 0, tzinfo=UTC)) == "24 Oct 14:00"


HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "template": "{{ 7 * 7 }}{% raw %}{{ settings }}",
    "header": "Kasse\r\nBcc: victim@example.org\r\n\r\nbody",
    "right to left": "\u202egnp.exe\u2066 مطعم الشرق",
    "zalgo": "e" + "\u0301" * 500,
    "null": "a\x00b\x1b[31m",
    "long": "Überwachungsgerät " * 12,
    "no spaces": "x" * 400,
    "css": "';}body{display:none}/*",
    "only control": "\u202e\u200b\x07",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_stay_names(name: str, settings: Settings) -> None:
    cleaned = clean(name)
    view = view_of("bad", name=cleaned)
    parsed = mail_of(view, settings)

    assert 0 < len(cleaned) <= 160
    assert not any(character in cleaned for character in "\r\n\x00\x1b\u202e\u2066\u200b")
    assert parsed["Bcc"] is None
    assert parsed["Subject"].count("\n") == 0
    assert str(parsed["Subject"]).endswith("daily 2026-11-19")
    html_part = parsed.get_body(("html",))
    assert html_part is not None
    html = html_part.get_content()
    assert "<script" not in html
    assert "<img src=x" not in html
    assert "49" not in str(parsed["Subject"])


def test_the_structure_and_headers_of_a_mail(settings: Settings) -> None:
    parsed = mail_of(view_of("bad"), settings)

    kinds = [part.get_content_type() for part in parsed.walk()]
    assert kinds[:5] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
    ]
    assert kinds[5:-1] == ["image/png"] * 11
    assert kinds[-1] == "application/pdf"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Date"] == "Fri, 20 Nov 2026 05:00:04 +0000"
    assert parsed["List-Id"] == "HOMEPOT daily reports <daily-site1.homepot.example>"
    assert parsed["List-Unsubscribe"].startswith("<mailto:unsubscribe@homepot.example?subject=unsubscribe")
    assert parsed["Message-ID"].endswith("@homepot.example>")
    html_part = parsed.get_body(("html",))
    assert html_part is not None
    html = html_part.get_content()
    for part in parsed.walk():
        if part.get_content_type() == "image/png":
            assert f"cid:{part['Content-ID'][1:-1]}" in html
            assert part.get_content().startswith(b"\x89PNG")
    assert "http://" not in html
    assert "https://" not in html
    assert html.count("<img ") == html.count(' alt="') == 11


def test_recipients_do_not_share_an_id_and_an_address_has_one(settings: Settings) -> None:
    one = letter.message_id("r.r1", "ann@example.org", "x.example")

    assert one == letter.message_id("r.r1", " Ann@Example.org", "x.example")
    assert one != letter.message_id("r.r1", "bob@example.org", "x.example")
    assert one != letter.message_id("r.r2", "ann@example.org", "x.example")
    assert "ann" not in one


@pytest.mark.parametrize(
    "address", ["", "ann", "a b@example.org", "ann@example.org, bob@example.org", "a@b\r\nX: y"]
)
def test_what_is_no_address_is_refused(address: str, settings: Settings) -> None:
    sent = letter_of(view_of("quiet"), example(), b"%PDF-", settings)
    with pytest.raises(MailError, match="no mail address"):
        letter.compose(sent, address, settings, "<x@y>")


def test_a_sender_with_an_umlaut(settings: Settings) -> None:
    umlaut = settings.model_copy(update={"mail": MailSettings(sender="Gerätewache Köln <wache@example.org>")})
    parsed = mail_of(view_of("quiet", name="Köln Süd"), umlaut)

    assert parsed["From"] == "Gerätewache Köln <wache@example.org>"
    assert parsed["Subject"] == "[HOMEPOT] Köln Süd: all 25 devices healthy - daily 2026-11-19"


def test_differences_name_the_record_and_leave_out_how_it_was_made() -> None:
    before = example("bad")
    after = before.model_copy(
        update={
            "troubled_devices": 12,
            "made": before.made.model_copy(update={"last_scored": None}),
            "anomalies": before.anomalies[:-1],
        }
    )

    found = differences.between(before, after)
    assert Difference("troubled devices", "13", "12") in found
    assert any(item.what.startswith("anomalies 921 ") and item.after == "–" for item in found)
    assert not any("made" in item.what for item in found)
    assert differences.between(before, before) == ()


def test_a_fleet_report_lists_sites() -> None:
    facts = example("bad", fleet=True)
    view = worded(facts)

    assert [row[0].text for row in table_of(view, "sites").rows] == [
        "Berlin Mitte",
        "New York Hudson Yards",
        "Singapore Changi",
    ]
    assert table_of(view, "worst").rows[0][0].about.startswith("Berlin Mitte · ")
    assert view.kicker == "Daily report · Fleet"


def test_lists_are_capped_and_the_rest_is_counted() -> None:
    view = view_of("bad")

    worst, anomalies = table_of(view, "worst"), table_of(view, "anomalies")
    assert len(worst.rows) == 10
    assert "And 3 devices more" in worst.more
    assert len(anomalies.rows) == len(anomalies.sentences) == 12
    assert "And 10 anomalies more" in anomalies.more
    few = view_of("bad", Edition("executive"))
    assert len(table_of(few, "worst").rows) == 5
    assert "And 8 devices more" in table_of(few, "worst").more


def test_every_quotient_shows_what_it_was_counted_from() -> None:
    view = view_of("bad")

    counted = {row[0].text: [cell.text for cell in row] for row in table_of(view, "counted").rows}
    assert counted["Health"][3:5] == ["35,360 scored device-minutes", "640 no data"]
    assert counted["Availability"][2] == "35,360 device-minutes with data"
    assert counted["Minutes scored, fleet"][2] == "1,440 minutes"


@pytest.mark.parametrize(
    ("true", "false", "said"),
    [
        (7, 2, "Precision is not yet measured: 9 of 41 anomalies of the last 90 days marked, 10 are needed."),
        (
            8,
            2,
            "Measured precision: 80.0 % of those marked were right "
            "(95 % interval 49 % to 94 %; 10 of 41 anomalies of the last 90 days marked).",
        ),
        (12, 0, "Measured precision: 100 % of those marked were right (95 % interval 76 % to 100 %;"),
    ],
)
def test_precision_is_printed_once_enough_is_marked(true: int, false: int, said: str) -> None:
    facts = example("quiet")
    assert facts.alarms is not None
    alarms = facts.alarms.model_copy(update={"window_true": true, "window_false": false})
    assert said in sentence_of(worded(facts.model_copy(update={"alarms": alarms})), "alarms")


def test_how_right_the_alarms_were_is_missing_with_a_reason() -> None:
    broken = (Problem(section="alarms", reason='relation "ai_anomaly_marks" does not exist'),)
    facts = example("bad").model_copy(update={"alarms": None, "problems": broken})
    assert "could not be made: relation" in sentence_of(worded(facts), "alarms")


def test_text_columns_stay_straight_with_wide_characters() -> None:
    text = table(("Device", "min"), [("東京レジ一号機", "0.41"), ("Kasse", "0.5")], "8< 5>", indent=0)

    assert {width(line) for line in text.splitlines()} == {15}
    assert fit("abcdefgh", 4) == "abc…"
    assert pad("e\u0301", 3) == "e\u0301  "
    assert wrap("one two three", 7, " ") == " one\n two\n three"


@pytest.mark.parametrize(
    ("metric", "low", "high", "said"),
    [
        ("cpu_percent", 12.0, 48.0, "12.0 to 48.0 %"),
        ("cpu_percent", -3.0, 48.0, "at most 48.0 %"),
        ("cpu_percent", 20.0, 140.0, "at least 20.0 %"),
        ("active_connections", -8.0, 88.0, "at most 88"),
        ("bytes_in", -6_430_000.0, 69_100_000.0, "-6.43 M to 69.1 M"),
        ("spool_bytes", None, 1_500_000.0, "at most 1.5 MB"),
        ("x", None, None, "no band"),
        ("x", 2.5, None, "at least 2.5"),
    ],
)
def test_bands_in_words(metric: str, low: float | None, high: float | None, said: str) -> None:
    one = (
        example("bad")
        .anomalies[0]
        .model_copy(update={"metric": metric, "expected_low": low, "expected_high": high})
    )

    assert terms.expected(ENGLISH, one).replace(NBSP, " ") == said


def test_scope_names_itself_in_ids() -> None:
    assert Scope(kind="site", id=7).slug == "site7"
    assert Scope(kind="fleet").slug == "fleet"
    assert isinstance(example(), ReportFacts)
    assert ScopeName(name="x").location is None


def test_a_period_that_scoring_saw_the_end_of_only_is_called_incomplete() -> None:
    quiet = example("quiet")
    assert quiet.scoring is not None
    began = quiet.period.start + timedelta(hours=20)
    late = quiet.model_copy(update={"scoring": quiet.scoring.model_copy(update={"due_from": began})})
    told = build.document(late, Edition(), report_id="rpt_x", revision=1, templates=TEMPLATES)
    assert told.verdict.level == "unknown"
    assert any("scoring began on 20:00" in one for one in told.verdict.details)
    assert not told.quiet
    soon = quiet.scoring.model_copy(update={"due_from": quiet.period.start + timedelta(minutes=2)})
    assert verdict.is_quiet(quiet.model_copy(update={"scoring": soon}))


def test_counts_of_a_period_scored_in_part_are_not_compared() -> None:
    facts = example("quiet")
    assert facts.headline is not None
    now, voice = facts.headline.figures, speak(facts)
    then = Earlier(what="week_before", first_day=facts.period.first_day, figures=now)
    assert tiles.change(voice, "opened", now, then).text == "the same as in the week before"
    half = now.model_copy(update={"minutes_due": now.minutes_due * 2})
    partly = tiles.change(voice, "opened", now, then.model_copy(update={"figures": half}))
    assert (partly.glyph, partly.tone) == ("", "none")
    assert "only 50.0 % was scored in the week before" in partly.text.replace(NBSP, " ")
    assert "of it was scored" in tiles.change(voice, "opened", half, then).text
    assert tiles.change(voice, "health", half, then).glyph == "="


def test_what_nobody_scored_is_not_called_nothing_lost() -> None:
    facts = incident_example()
    assert facts.incident_impact is not None
    unseen = facts.incident_impact.model_copy(
        update={"minutes_judged": 0, "minutes_lost": 0.0, "minutes_silent": 0}
    )
    told = view_of_facts(facts.model_copy(update={"incident_impact": unseen}))
    lost = next(tile for tile in told.tiles if tile.key == "lost")
    assert (lost.value, lost.muted) == ("–", True)
    assert "none of its minutes was scored" in sentence_of(told, "incident_impact")


def view_of_facts(facts: ReportFacts) -> Document:
    return document(facts, Edition(), report_id="rpt_x", revision=1, templates=TEMPLATES)
