"""Every named question, asked by somebody who may see one of two sites, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from homepot_ai.errors import NotFound
from homepot_ai.questions import resolve
from homepot_ai.questions.catalogue import answer, intents
from homepot_ai.questions.types import Ambiguous, Asker, Found, Slots, Span
from homepot_ai.store.database import Database
from tests.asking_world import NOW, SECRET, fill

DAY = Span(NOW - timedelta(days=1), NOW, "last 24 hours")


@pytest.fixture(scope="module")
def world(postgres: str, empty_template: str) -> Iterator[Database]:
    """One database for the module: questions only read."""
    import psycopg

    from tests.conftest import _create

    db = Database(_create(postgres, "asking_world", empty_template))
    fill(db)
    yield db
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute("DROP DATABASE asking_world WITH (FORCE)")


def said(found: Found) -> str:
    """Everything that an answer could show: sentences with their values, facts, names, table."""
    book = found.book
    shown = {fact.id: fact.shown for fact in book.facts} | {one.alias: one.name for one in book.subjects}
    lines = [claim.text.format(**shown) for claim in book.template]
    rest = [*shown.values(), *book.events, *(device.name for device in found.devices)]
    cells = [cell for row in (found.table[1] if found.table else ()) for cell in row]
    return "\n".join([*lines, *map(str, rest), *cells])


def sentences(found: Found) -> str:
    """What the template says."""
    shown = {fact.id: fact.shown for fact in found.book.facts} | {
        one.alias: one.name for one in found.book.subjects
    }
    return " ".join(claim.text.format(**shown) for claim in found.book.template).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def whole(site: int | None, base: int, incident: int) -> list[Slots]:
    """A question's slots in every width: of all, of a site, of a device, of an incident."""
    common = {
        "metric": "cpu_percent",
        "device_type": "pos_terminal",
        "span": DAY,
        "n": 3,
        "horizon_hours": 168,
    }
    return [
        Slots(**common, device=base + 1, site=site, incident=incident),
        Slots(metric="disk_percent", device=base + 5, site=site, device_type="tablet"),
        Slots(metric="cpu_percent", site=site, device=None, device_type="pos_terminal", span=DAY),
        Slots(metric="disk_percent", device_type="gateway"),
    ]


@pytest.mark.parametrize("key", list(intents()))
def test_a_question_finds_nothing_of_other_sites(world: Database, key: str) -> None:
    mine, theirs = Asker(sites=frozenset({1})), Asker(sites=frozenset({2}))
    answered = 0
    for asker, base, site, incident in ((mine, 1, 1, 2), (theirs, 101, 2, 5)):
        for slots in whole(site, base, incident):
            if intents()[key].missing(vars(slots) | {"type": slots.device_type}):
                continue
            with world.asker(asker.sites) as conn:
                found = answer(conn, key, slots, asker, NOW)
            text = said(found)
            answered += 1
            if asker is mine:
                assert SECRET.casefold() not in text.casefold(), (key, slots)
            assert re.search(r"\b(None|nan|inf)\b", sentences(found)) is None, (key, slots)
            assert found.book.template
    assert answered >= 2, key


@pytest.mark.parametrize("key", list(intents()))
def test_who_may_not_see_a_device_site_or_incident_is_told_that_there_is_none(
    world: Database, key: str
) -> None:
    asker = Asker(sites=frozenset({1}))
    needed = {slot for group in intents()[key].needs for slot in group}
    slots = Slots(
        device=102, site=2, other_site=2, incident=5, metric="cpu_percent", device_type="pos_terminal"
    )
    with world.asker(asker.sites) as conn:
        if needed & {"device", "site", "incident"}:
            with pytest.raises(NotFound):
                answer(conn, key, slots, asker, NOW)
        else:
            try:
                text = said(answer(conn, key, slots, asker, NOW))
            except NotFound:
                return
            assert SECRET.casefold() not in text.casefold()


@pytest.mark.parametrize("key", list(intents()))
def test_an_empty_fleet_is_answered_as_well(database: Database, key: str) -> None:
    asker = Asker(language="de", timezone="Europe/Berlin")
    if intents()[key].needs:
        pytest.skip("needs something that an empty fleet has not")
    with database.asker(None) as conn:
        assert sentences(answer(conn, key, Slots(), asker, NOW))
