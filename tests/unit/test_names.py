"""Which of many names was meant: what is said in a question is seldom what stands in the database."""

from __future__ import annotations

import pytest

from homepot_ai.questions.names import Entry, Index, fold, meaning, number, synonyms

FLEET = Index(
    [
        Entry(1, "DEVICE-A1", "POS 3", "Berlin"),
        Entry(2, "DEVICE-A2", "POS 13", "Berlin"),
        Entry(3, "DEVICE-B1", "POS 3", "Hamburg"),
        Entry(4, "DEVICE-B2", "Kühlraum Fühler", "Hamburg"),
        Entry(5, "DEVICE-B3", "Bottle return controller", "Hamburg"),
        Entry(6, "DEVICE-B4", "Gateway", "Berlin"),
        Entry(7, "DEVICE-B5", "'; DROP TABLE devices; --", "Hamburg"),
        Entry(8, "DEVICE-B6", "Checkout 4", "Hamburg"),
        Entry(9, "DEVICE-B7", "Self-checkout 1", "Hamburg"),
    ]
)


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("DEVICE-A2", [2]),
        ("device-a2", [2]),
        ("7", [7]),
        ("pos 13", [2]),
        ("POS13", [2]),
        ("pos-013", [2]),
        ("POS 3", [1, 3]),
        ("pos 3 in Hamburg", [3]),
        ("POS 3 (Berlin)", [1]),
        ("Hamburg POS 3", [3]),
        ("till 13", [2]),
        ("Kasse 13", [2]),
        ("the gateway", [6]),
        ("gatway", [6]),
        ("kuehlraum fuehler", [4]),
        ("kuhlraum fuhler", [4]),
        ("bottle return", [5]),
        ("botle retrun controller", [5]),
        ("the device “bottle return controller”", [5]),
        ("checkout 4", [8]),
        ("self checkout 1", [9]),
        ("'; DROP TABLE devices; --", [7]),
        ("kasse 4", [8]),
        ("till 4", [8]),
        ("Till 4", []),
        ("POS 4", []),
        ("Register 4", []),
        ("counter 13", []),
        ("POS 99", []),
        ("coffee machine", []),
        ("Berlin", []),
        ("", []),
        ("%", []),
        ("\u202e\u200b", []),
    ],
)
def test_a_name_is_found_as_people_say_it(said: str, ids: list[int]) -> None:
    assert [entry.id for entry in FLEET.find(said)] == ids


def test_a_site_narrows_and_never_widens() -> None:
    def hamburg(entry: Entry) -> bool:
        return entry.place == "Hamburg"

    assert [entry.id for entry in FLEET.find("POS 3", hamburg)] == [3]
    assert FLEET.find("gateway", hamburg) == []
    assert all(hamburg(entry) for entry in FLEET.near("gateway pos", hamburg))


def test_a_loose_word_fits_every_kind_and_a_name_fits_only_itself() -> None:
    kinds = Index(
        [
            Entry(4, "DEVICE-0001", "Register 4", "New York"),
            Entry(5, "DEVICE-0002", "Checkout 4", "Berlin"),
            Entry(6, "DEVICE-0003", "Counter 4", "Berlin"),
            Entry(7, "DEVICE-0009", "Register 5", "Berlin"),
        ]
    )
    assert {entry.id for entry in kinds.find("kasse 4")} == {4, 5, 6}
    assert {entry.id for entry in kinds.find("till 4")} == {4, 5, 6}
    assert [entry.id for entry in kinds.find("Register 4")] == [4]

    def berlin(entry: Entry) -> bool:
        return entry.place == "Berlin"

    # Nor does an id's number make another device of that name.
    for said in ("Register 4", "register 9", "Register 9"):
        assert kinds.find(said, berlin) == []
    assert [entry.id for entry in kinds.near("Register 4", berlin)][:2] == [5, 6]


@pytest.mark.parametrize(
    ("said", "metric"),
    [
        ("temp", "temperature_celsius"),
        ("heat", "temperature_celsius"),
        ("Temperatur", "temperature_celsius"),
        ("CPU load", "cpu_percent"),
        ("disks", "disk_percent"),
        ("Festplatten", "disk_percent"),
        ("free memory", "memory_percent"),
        ("RAM", "memory_percent"),
        ("latency", "network_latency_ms"),
        ("temprature", "temperature_celsius"),
        ("mood", None),
        ("", None),
    ],
)
def test_a_metric_has_many_names(said: str, metric: str | None) -> None:
    assert meaning(said, synonyms().metrics) == metric


@pytest.mark.parametrize(
    ("said", "n"), [("3", 3), ("top three", 3), ("zwei", 2), ("99999999999", 999999), ("x", None)]
)
def test_numbers_in_digits_and_words(said: str, n: int | None) -> None:
    assert number(said) == n


def test_no_word_means_two_things() -> None:
    for table in (synonyms().metrics, synonyms().types, synonyms().severity, synonyms().category):
        said = [fold(word) for words in table.values() for word in set(map(str.casefold, words))]
        assert len(said) == len(set(said)), [word for word in said if said.count(word) > 1]


def test_a_site_is_found_as_another_language_spells_it() -> None:
    sites = Index(
        [Entry(1, "S-1", "Singapore Orchard Road"), Entry(2, "S-2", "New York"), Entry(3, "S-3", "Singapore")]
    )
    assert {entry.id for entry in sites.spelled("Singapur")} == {1, 3}
    assert [entry.id for entry in sites.spelled("Singapur Orchard")] == [1]
    assert sites.spelled("Atlantis") == sites.spelled("York 2") == []


def test_a_slip_is_found_among_many_names_whose_numbers_differ() -> None:
    many = Index([Entry(n, f"D-{n}", f"Register {n} lane {n % 7}", f"Store {n % 900}") for n in range(5_000)])
    assert [entry.id for entry in many.find("registr 4711 lane 0")] == [4711]
