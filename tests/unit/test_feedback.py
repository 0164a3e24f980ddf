"""How marks move a threshold: made cases, and what must hold for any marks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homepot_ai.health.config import AlarmConfig
from homepot_ai.health.feedback import HIGHEST, LOWEST, Judged, decide
from homepot_ai.intervals import wilson

CONFIG = AlarmConfig(above_routine=0.4)
_numbers = itertools.count()


def marked(*strengths: float, true: bool) -> list[Judged]:
    return [Judged(next(_numbers), strength, true) for strength in strengths]


def brute(judged: list[Judged], config: AlarmConfig = CONFIG) -> float:
    """The rule again, read from the docstring one offset and one anomaly at a time."""
    target, prior = config.precision_target, config.marks_prior
    bears = (1 - target) / target
    true = [j for j in judged if j.true]

    def kept(offset: float, verdict: bool) -> int:
        edge = config.opens_at + offset + 1e-5
        return sum(j.true == verdict and j.strength > edge for j in judged)

    def allowed(offset: float) -> bool:
        return offset == 0 or len(true) - kept(offset, True) <= config.marks_lost * len(true) + 1e-9

    grid = [step / 100 for step in range(101)]
    for offset in grid:
        if allowed(offset) and kept(offset, False) <= bears * (kept(offset, True) + prior) + 1e-9:
            break
    else:
        last = max(offset for offset in grid if allowed(offset))
        return next(o for o in grid if allowed(o) and kept(o, False) == kept(last, False))
    if offset > 0:
        return offset
    spare = int(bears * len(true) - (len(judged) - len(true)) - prior + 1e-9)
    return max(-0.2, -0.02 * max(spare, 0))


# Ties and values on the grid are as likely as any other.
strengths = st.floats(0.25, 2.25, width=32) | st.integers(30, 220).map(lambda hundredths: hundredths / 100)
verdicts = st.lists(
    st.builds(lambda s, t: Judged(next(_numbers), s, t), strengths, st.booleans()), max_size=60
)


class TestMadeCases:
    def test_no_marks_no_move(self) -> None:
        assert decide([], CONFIG).offset == 0

    def test_two_false_alarms_prove_nothing_and_three_drop_the_weakest(self) -> None:
        assert decide(marked(0.5, 0.6, true=False), CONFIG).offset == 0
        assert decide(marked(0.5, 0.6, 0.7, true=False), CONFIG).offset == pytest.approx(0.1)

    def test_weak_false_ones_go_strong_true_ones_stay(self) -> None:
        decided = decide(marked(*[0.6] * 12, true=False) + marked(*[1.4] * 12, true=True), CONFIG)
        assert decided.offset == pytest.approx(0.2)
        assert (decided.marked_true, decided.marked_false) == (12, 12)
        assert "12 true and 0 false ones would still have been paged" in decided.reason

    def test_what_cannot_be_told_apart_is_left_alone(self) -> None:
        # The false ones are the strongest: a higher threshold would only lose true ones.
        decided = decide(marked(*[0.6] * 9, true=True) + marked(*[1.9] * 30, true=False), CONFIG)
        assert decided.offset == 0
        assert "no higher threshold" in decided.reason

    def test_no_more_than_a_tenth_of_the_true_ones_is_given_up(self) -> None:
        true = marked(0.55, *[0.75] * 9, true=True)
        false = marked(*[0.7] * 20, *[0.9] * 20, true=False)
        # One of ten may go, the second weakest not: the threshold stops below it.
        assert decide(true + false, CONFIG).offset == pytest.approx(0.3)
        nine = marked(0.55, *[0.75] * 8, true=True)
        assert decide(nine + false, CONFIG).offset == 0

    @pytest.mark.parametrize(
        ("true", "offset"), [(39, 0.0), (44, -0.02), (60, -0.1), (80, -0.2), (400, -0.2)]
    )
    def test_it_wakes_earlier_only_slowly(self, true: int, offset: float) -> None:
        assert decide(marked(*[1.0] * true, true=True), CONFIG).offset == pytest.approx(offset)

    def test_a_higher_target_takes_more(self) -> None:
        judged = marked(*[0.5 + 0.05 * n for n in range(10)], true=False) + marked(*[1.8] * 20, true=True)
        moved = [
            decide(judged, AlarmConfig(above_routine=0.4, precision_target=p)).offset
            for p in (0.5, 0.8, 0.95)
        ]
        assert moved == sorted(moved)
        assert moved[0] == 0 < moved[1] < moved[2]


class TestWhateverIsMarked:
    @given(verdicts)
    def test_it_is_what_the_docstring_says(self, judged: list[Judged]) -> None:
        assert decide(judged, CONFIG).offset == pytest.approx(brute(judged), abs=1e-9)

    @given(verdicts, strengths)
    def test_one_more_false_mark_never_lowers_it(self, judged: list[Judged], strength: float) -> None:
        more = [*judged, Judged(-1, strength, False)]
        assert decide(more, CONFIG).offset >= decide(judged, CONFIG).offset

    @given(verdicts, strengths, st.booleans(), st.randoms())
    def test_withdrawing_gives_back_what_was_and_order_does_not_matter(
        self, judged: list[Judged], strength: float, true: bool, shuffle: object
    ) -> None:
        before = decide(judged, CONFIG)
        decide([*judged, Judged(-1, strength, true)], CONFIG)
        again = list(judged)
        shuffle.shuffle(again)  # type: ignore[attr-defined]
        assert decide(again, CONFIG) == before

    @given(verdicts)
    def test_it_stays_within_its_bounds_and_spares_nine_tenths_of_the_true(
        self, judged: list[Judged]
    ) -> None:
        decided = decide(judged, CONFIG)
        assert LOWEST <= decided.offset <= HIGHEST
        true = [j.strength for j in judged if j.true]
        if decided.offset > 0:
            lost = sum(strength <= CONFIG.opens_at + decided.offset for strength in true)
            assert lost <= 0.1 * len(true)
        assert decided.reason


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    # Newcombe 1998, table I, method 3 (Wilson without continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(right: int, of: int, low: float, high: float) -> None:
    assert wilson(right / of, of) == pytest.approx((low, high), abs=6e-5)
