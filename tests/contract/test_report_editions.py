"""Editions of a report: every language complete, every mode understood, the same numbers in all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.catalog import Catalog

from homepot_ai.errors import ReportError
from homepot_ai.prediction import acting, judge
from homepot_ai.reporting import layout_csv, layout_text
from homepot_ai.reporting import voice as speaking
from homepot_ai.reporting.catalogue import PLUGINS
from homepot_ai.reporting.document import Document, Edition, Table
from homepot_ai.reporting.facts import Kind, ReportFacts
from homepot_ai.reporting.modes import MODES, mode
from homepot_ai.reporting.sections import core, forecasts
from homepot_ai.testing import gallery, messages

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
KINDS = {name: make() for name, make in gallery.KINDS.items()}


def test_german_is_complete() -> None:
    """`python -m homepot_ai.testing.messages` writes what is missing into the catalogue."""
    known = messages.catalogue(TEMPLATES / "locale" / "de" / "reports.po", "de")
    assert messages.complaints(known, messages.said(ROOT)) == []


def test_a_missing_word_and_another_placeholder_are_found() -> None:
    known = Catalog(locale="de_DE")
    known.add("from {a}", "von {b}")
    said: dict[messages.Message, list[str]] = {"from {a}": [], "new": [], ("{n} day", "{n} days"): []}
    found = messages.complaints(known, said)
    assert [line.split(" ")[0] for line in found] == ["other", "no", "no"]


class Heard(dict[str, str | tuple[str, str]]):
    """A catalogue that remembers what it was asked for in vain."""

    def __init__(self, known: Mapping[str, str | tuple[str, str]]) -> None:
        super().__init__(known)
        self.missed: set[str] = set()

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
        if key not in self:
            self.missed.add(key)
        return super().get(key, default)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_is_said_that_german_lacks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what is said by a variable, which no reader of the code finds."""
    heard = Heard(speaking.catalogue(TEMPLATES, "de"))
    monkeypatch.setattr(speaking, "catalogue", lambda templates, language: heard)
    for chosen in MODES:
        seen = gallery.worded(KINDS[kind], Edition(chosen, "de"))  # type: ignore[arg-type]
        layout_text.text(seen, TEMPLATES, "ann@example.org")
    assert heard.missed == set()


@pytest.mark.parametrize("name", MODES)
def test_modes_name_sections_that_there_are(name: str) -> None:
    known = core.SECTIONS.keys() | {plugin.key for plugin in PLUGINS}
    chosen = mode(TEMPLATES, name)
    for kind in get_args(Kind):
        assert set(chosen.sections[kind]) <= known
        assert len(set(chosen.sections[kind])) == len(chosen.sections[kind])
    assert set(chosen.quiet) <= known


def test_every_section_is_shown_in_some_mode() -> None:
    listed = {key for name in MODES for keys in mode(TEMPLATES, name).sections.values() for key in keys}
    assert {plugin.key for plugin in PLUGINS} | core.SECTIONS.keys() <= listed


@pytest.mark.parametrize(
    "change", ["nonsense: 1", "tiles: [health, luck]", "tone: {good: Well}", "sections: {daily: [worst]}"]
)
def test_a_mode_that_is_not_understood_is_refused(change: str, tmp_path: Path) -> None:
    (tmp_path / "modes").mkdir()
    text = (TEMPLATES / "modes" / "executive.yaml").read_text(encoding="utf-8")
    text = re.sub(rf"^{change.split(':', 1)[0]}:.*\n(?:  .*\n)*", "", text, flags=re.M)
    (tmp_path / "modes" / "executive.yaml").write_text(f"{text}\n{change}\n", encoding="utf-8")
    with pytest.raises(ReportError, match="not a mode"):
        mode(tmp_path, "executive")
    with pytest.raises(ReportError, match="there is no mode 'angry'"):
        mode(TEMPLATES, "angry")


def test_what_predictions_propose_has_its_words() -> None:
    texts = [text for _, text in (*judge._ACTIONS, *judge._FACT_ACTIONS)]
    proposed = {*texts, judge._OTHERWISE, judge.limit_action("sales"), acting.LOOK}
    assert proposed == set(forecasts.PROPOSED)


def figures(seen: Document) -> Iterator[tuple[str, str]]:
    """Every number that an edition tells, by where it stands."""
    for tile in seen.tiles:
        yield f"tile {tile.key}", f"{tile.value} {tile.unit} {tile.basis}"
    for section in seen.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                for row in block.rows:
                    for column, cell in zip(block.columns, row, strict=True):
                        who = f"{row[0].text} {row[0].about} {row[1].text if len(row) > 1 else ''}"
                        yield f"{block.name} {who} {column.name}", f"{cell.raw}|{cell.text}|{cell.about}"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_mode_changes_no_number(kind: str) -> None:
    facts: ReportFacts = KINDS[kind]
    told = [dict(figures(gallery.worded(facts, Edition(name)))) for name in MODES]  # type: ignore[arg-type]
    for other in told[1:]:
        shared = told[0].keys() & other.keys()
        assert len(shared) >= 5 or kind in {"quiet-day", "empty"}
        assert {key: told[0][key] for key in shared} == {key: other[key] for key in shared}


def test_csv_is_the_same_in_every_language_but_for_words() -> None:
    for name, english in layout_csv.files(gallery.worded(KINDS["week"], Edition())).items():
        german = layout_csv.files(gallery.worded(KINDS["week"], Edition(language="de")))[name]
        assert english.splitlines()[0] == german.splitlines()[0]
        assert english.startswith(b"\xef\xbb\xbf")
        assert len(english.splitlines()) == len(german.splitlines())
