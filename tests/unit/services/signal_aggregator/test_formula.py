"""The formula: against fractions worked out step by step, and the laws that it must keep."""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from roottrading.services.signal_aggregator.formula import MICRO, FormulaRules, decimal_of, micro, verdict_value

OFF = FormulaRules(0, 0, MICRO, MICRO)


class Said(NamedTuple):
    conviction: int
    weight: int
    slower: bool


convictions = st.integers(-MICRO, MICRO) | st.sampled_from([-MICRO, 0, MICRO])
votes = st.builds(Said, convictions, st.integers(0, 3 * MICRO), st.booleans())
shares = st.integers(0, MICRO)
rules_of_any_kind = st.builds(FormulaRules, shares, shares, st.integers(1, MICRO), shares)


def value(said: list[Said], rules: FormulaRules, idle: int = 0) -> int:
    return verdict_value(
        [each.conviction for each in said],
        [each.weight for each in said],
        [each.slower for each in said],
        sum(each.weight for each in said) + idle,
        rules,
    )


def nearest(number: Fraction) -> Fraction:
    return Fraction((number * MICRO + Fraction(1, 2)).__floor__(), MICRO)


def divided(dividend: Fraction, divisor: Fraction) -> Fraction:
    return nearest(dividend / divisor) if divisor else Fraction(0)


def by_fractions(said: list[Said], rules: FormulaRules, idle: int) -> Fraction:
    """The formula as docs/verdicts.md tells it, in fractions of 1 rather than units."""
    disagreement, quorum, strength, factor = (Fraction(each, MICRO) for each in astuple(rules))
    votes = [(Fraction(s.conviction, MICRO), Fraction(s.weight, MICRO), s.slower) for s in said if s.conviction]
    for_and_against = sum((c * w for c, w, _ in votes), Fraction(0))
    voting = sum((w for _, w, _ in votes), Fraction(0))
    mean = divided(abs(for_and_against), voting)
    agreement = divided(mean, divided(sum((abs(c) * w for c, w, _ in votes), Fraction(0)), voting))
    found = nearest(mean * (1 - nearest(disagreement * (1 - agreement))))
    if quorum:
        enabled = sum((Fraction(s.weight, MICRO) for s in said), Fraction(idle, MICRO))
        found = nearest(found * min(Fraction(1), divided(divided(voting, enabled), quorum)))
    slow = sum((c * w for c, w, slower in votes if slower), Fraction(0))
    against = divided(abs(slow), sum((w for _, w, slower in votes if slower), Fraction(0)))
    if slow * for_and_against < 0 and against >= strength:
        found = nearest(found * factor)
    return found if for_and_against > 0 else -found


@given(st.lists(votes, max_size=8), rules_of_any_kind, st.integers(0, 5 * MICRO))
def test_it_is_what_the_documentation_says(said: list[Said], rules: FormulaRules, idle: int) -> None:
    assert value(said, rules, idle) == by_fractions(said, rules, idle) * MICRO


@given(
    st.integers(1, 5).flatmap(
        lambda size: st.lists(st.lists(votes, min_size=size, max_size=size), min_size=1, max_size=6)
    ),
    rules_of_any_kind,
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_a_column_has_the_value_of_each_of_its_rows(
    table: list[list[Said]], rules: FormulaRules, slower: list[bool]
) -> None:
    rows = [[each._replace(slower=slow) for each, slow in zip(row, slower, strict=False)] for row in table]
    width = len(rows[0])
    column = verdict_value(
        [np.array([row[place].conviction for row in rows]) for place in range(width)],
        [np.array([row[place].weight for row in rows]) for place in range(width)],
        slower[:width],
        np.array([sum(each.weight for each in row) + 7 for row in rows]),
        rules,
    )
    assert column.dtype == np.int64
    assert column.tolist() == [value(row, rules, 7) for row in rows]


@given(convictions, st.integers(1, 3 * MICRO), st.booleans(), rules_of_any_kind)
def test_one_strategy_alone_is_its_own_verdict(conviction: int, weight: int, slower: bool, rules: FormulaRules) -> None:
    assert value([Said(conviction, weight, slower)], rules) == conviction


@given(
    st.lists(votes, max_size=6).flatmap(lambda said: st.tuples(st.just(said), st.permutations(said))), rules_of_any_kind
)
def test_the_order_of_strategies_says_nothing(orders: tuple[list[Said], list[Said]], rules: FormulaRules) -> None:
    assert value(orders[0], rules) == value(orders[1], rules)


@given(st.lists(votes, max_size=6), rules_of_any_kind, st.integers(0, 3 * MICRO))
def test_neutral_strategies_weaken_but_never_turn_a_verdict(said: list[Said], rules: FormulaRules, weight: int) -> None:
    before = value(said, rules)
    after = value([*said, Said(0, weight, False)], rules)
    assert after * before >= 0
    assert abs(after) <= abs(before)


@given(st.lists(votes, max_size=6), rules_of_any_kind)
def test_buy_and_sell_mirror_each_other(said: list[Said], rules: FormulaRules) -> None:
    assert value([each._replace(conviction=-each.conviction) for each in said], rules) == -value(said, rules)


@given(st.lists(votes, max_size=6), rules_of_any_kind)
def test_no_verdict_is_stronger_than_the_strongest_conviction(said: list[Said], rules: FormulaRules) -> None:
    assert abs(value(said, rules)) <= max((abs(each.conviction) for each in said), default=0)


@given(st.lists(votes, min_size=1, max_size=6), rules_of_any_kind, st.integers(2, 5))
def test_only_proportions_of_weights_count(said: list[Said], rules: FormulaRules, times: int) -> None:
    heavier = [each._replace(weight=each.weight * times) for each in said]
    assert value(heavier, rules) == value(said, rules)


def test_disagreement_weakens() -> None:
    # mean (1 - 0.2) / 2 = 0.4 of a mean strength of 0.6: agreement 2/3; half of the missing third is taken off
    said = [Said(MICRO, 1000, False), Said(-200_000, 1000, False)]
    assert value(said, OFF) == 400_000
    assert value(said, FormulaRules(500_000, 0, MICRO, MICRO)) == 333_333
    assert value(said, FormulaRules(MICRO, 0, MICRO, MICRO)) == 266_667


def test_too_few_opinions_shrink_the_value() -> None:
    # 1 of 10 has an opinion, a quarter is asked for: 0.1 / 0.25 of its conviction
    rules = FormulaRules(0, 250_000, MICRO, MICRO)
    assert value([Said(800_000, 100, False)], rules, idle=900) == 320_000
    assert value([Said(800_000, 250, False)], rules, idle=750) == 800_000


def test_a_strong_slower_timeframe_against_it_halves_the_value() -> None:
    # (300 x 1 - 100 x 0.5) / 400 = 0.625
    rules = FormulaRules(0, 0, 500_000, 500_000)
    assert value([Said(MICRO, 300, False), Said(-500_000, 100, True)], rules) == 312_500
    assert value([Said(MICRO, 300, False), Said(-499_999, 100, True)], rules) == 625_000  # not strong
    assert value([Said(MICRO, 300, False), Said(-500_000, 100, False)], rules) == 625_000  # not slower
    assert value([Said(-MICRO, 300, False), Said(500_000, 100, True)], rules) == -312_500


def test_nobody_with_weight_is_no_verdict() -> None:
    assert value([], FormulaRules(500_000, 250_000, 500_000, 500_000)) == 0
    assert value([Said(MICRO, 0, False)], FormulaRules(500_000, 250_000, 500_000, 500_000)) == 0


def test_decimals_become_units_and_come_back() -> None:
    assert micro(Decimal("-0.123456")) == -123_456
    assert str(decimal_of(-123_456)) == "-0.123456"
    assert str(decimal_of(500_000)) == "0.500000"


@pytest.mark.parametrize("text", ["0.1234567", "NaN", "Infinity"])
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 6 decimals"):
        micro(Decimal(text))
