"""Report sections of a package of one's own: gathered, stored, worded, and failing alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from homepot_ai.errors import SettingsError
from homepot_ai.reporting import added, layout_text
from homepot_ai.reporting.build import document
from homepot_ai.reporting.document import Edition, Section
from homepot_ai.reporting.facts import ReportFacts, Scope, canonical_json, facts_hash, restore
from homepot_ai.reporting.gather import gather
from homepot_ai.reporting.periods import day
from homepot_ai.reporting.plugin import Plugin
from homepot_ai.settings import Settings, load_settings, project_home
from homepot_ai.store.database import Database
from tests.support import START, small_fleet

TEMPLATES = project_home() / "templates"


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The example pod's section, as its pod's programs see it."""
    name = "example_ops.sections.TILLS"
    monkeypatch.syspath_prepend(str(project_home() / "deployments" / "pods" / "example"))
    monkeypatch.setenv("HOMEPOT_AI_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEPOT_AI_REPORTS__OWN_SECTIONS", f'["{name}"]')
    load_settings.cache_clear()
    added.load.cache_clear()
    yield name
    for module in [one for one in sys.modules if one.startswith("example_ops")]:
        del sys.modules[module]
    load_settings.cache_clear()
    added.load.cache_clear()


def made(database: Database, settings: Settings) -> ReportFacts:
    small_fleet(database, devices=4)
    with database.reader() as conn:
        return gather(conn, settings, Scope(kind="fleet"), day(date(2026, 11, 18), "Europe/Berlin"), START)


def sections(facts: ReportFacts) -> dict[str, Section]:
    made = document(facts, Edition(), report_id="rpt_x", revision=1, templates=TEMPLATES)
    return {section.key: section for section in made.sections}


def test_it_is_gathered_stored_and_worded(database: Database, settings: Settings, name: str) -> None:
    facts = made(database, settings)
    assert facts.added == {"example_tills": {"sites": {"Berlin": 4}}}
    again = restore(canonical_json(facts).decode() and facts.model_dump(mode="json"))
    assert facts_hash(again) == facts_hash(facts)
    found = sections(again)
    assert "example_tills" in found
    order = list(found)
    assert order.index("example_tills") < order.index("checks"), "what is about the report comes after it"
    whole = document(again, Edition(), report_id="rpt_x", revision=1, templates=TEMPLATES)
    assert "4 tills." in layout_text.text(whole, TEMPLATES, "stop@example.org")


def test_one_that_fails_says_so_and_takes_nothing_along(
    database: Database, settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [plugin] = added.load((name,))

    def broken(_: object, __: object = None) -> None:
        raise KeyError("till")

    monkeypatch.setattr(added, "plugins", lambda _: (replace(plugin, gather=broken),))
    facts = made(database, settings)
    assert facts.problem("example_tills") == "KeyError: 'till'"
    found = sections(facts)
    assert "KeyError: 'till'" in str(found["example_tills"].blocks)
    assert "checks" in found
    good = facts.model_copy(update={"added": {"example_tills": {"sites": {}}}, "problems": ()})
    monkeypatch.setattr(added, "plugins", lambda _: (replace(plugin, build=broken),))
    assert "KeyError: 'till'" in str(sections(good)["example_tills"].blocks)


def test_a_report_from_before_it_keeps_its_hash(database: Database, settings: Settings) -> None:
    facts = made(database, settings)
    assert facts.added is None
    assert b'"added"' not in canonical_json(facts)


def test_names_that_lead_to_no_section_are_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="cannot be loaded: ModuleNotFoundError"):
        added.load(("nowhere.sections.TILLS",))
    with pytest.raises(SettingsError, match="is no Plugin"):
        added.load(("example_ops.sections.KEY",))
    with pytest.raises(SettingsError, match="'example_tills', as another one is"):
        added.load((name, name))
    module = sys.modules["example_ops.sections"]
    taken = Plugin("worst", "Worst", frozenset(), module.gather, module.build)
    monkeypatch.setattr(module, "TILLS", taken)
    added.load.cache_clear()
    with pytest.raises(SettingsError, match="rename it"):
        added.load((name,))
