"""Learned weights: what a record earns, worked out by hand, and what it must not (trading-rules 3.7 and 3.8)."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import DAY, HOUR, Time
from roottrading.services.signal_aggregator import LearningSettings
from roottrading.services.signal_aggregator.correlation import Directions, co_movements
from roottrading.services.signal_aggregator.learned_weights import Record, joined, record_of, weights_of_day
from roottrading.services.signal_aggregator.shadow_outcomes import Outcomes

D = Decimal
TODAY = 20_000 * DAY
SETTINGS = LearningSettings()
NAMES = ["a", "b", "c", "d"]


def outcomes(known_at: list[Time], net: list[float]) -> Outcomes:
    units = np.rint(np.array(net, dtype=np.float64) * 1e6).astype(np.int64)
    return Outcomes(np.array(known_at, dtype=np.int64), units)


def weight(record: Record, settings: LearningSettings = SETTINGS, day: Time = TODAY) -> Decimal:
    return weights_of_day(day, NAMES, [record], [], settings).weights["a"]


def known(net: list[float], age: int = 1) -> Record:
    return record_of("a", [outcomes([TODAY - age * DAY + HOUR] * len(net), net)])


def test_without_a_record_the_prior_stays() -> None:
    found = weights_of_day(TODAY, NAMES, [], [], SETTINGS)
    assert found.weights == dict.fromkeys(NAMES, D("0.25"))
    assert found.groups == ()
    assert found.day == TODAY
    assert weight(record_of("a", [])) == D("0.25")
    assert weight(record_of("a", [outcomes([], [])])) == D("0.25")


def test_a_high_win_rate_that_loses_money_is_no_merit() -> None:
    losing = weight(known([1.0] * 75 + [-4.0] * 25))
    assert losing < D("0.25")
    assert losing == 0  # 100 opinions of -0.25 R outweigh 50 of 0.1
    winning = weight(known([-1.0] * 75 + [4.0] * 25))  # the other way round: 25 % won, and money with it
    assert winning > D("0.25")


def test_a_posterior_mean_by_hand() -> None:
    # a half-life ago each counts half: (50 x 0.1 + 0.5 x 40 x 0.2) / (50 + 0.5 x 40) = 9 / 70 R; over 0.1, over 4
    assert weight(known([0.2] * 40, age=30)) == D("0.321429")
    # a day ago: 2^(-1/30) = 0.97716 each: (5 + 0.97716 x 8) / (50 + 0.97716 x 40) = 0.1438747 R
    assert weight(known([0.2] * 40)) == D("0.359687")


def test_a_record_at_the_prior_changes_nothing() -> None:
    assert weight(known([0.1] * 1000)) == D("0.25")


def test_weights_end_at_the_cap_and_at_zero() -> None:
    assert weight(known([5.0] * 1000)) == D("0.75")
    assert weight(known([5.0] * 1000), LearningSettings(cap=2)) == D("0.5")
    assert weight(known([-5.0] * 1000)) == 0


def test_a_planted_good_strategy_gets_more_weight() -> None:
    random = np.random.default_rng(11)
    records = [
        record_of(
            name,
            [
                outcomes(
                    [TODAY - int(day) * DAY + HOUR for day in random.integers(1, 90, 400)],
                    random.normal(0.25 if name == "c" else 0.0, 1.2, 400).tolist(),
                )
            ],
        )
        for name in NAMES
    ]
    found = weights_of_day(TODAY, NAMES, records, [], SETTINGS).weights
    assert found["c"] > D("0.25")
    assert all(found[name] < found["c"] for name in NAMES if name != "c")


def test_only_what_was_known_before_the_day_counts() -> None:
    future = record_of("a", [outcomes([TODAY, TODAY + HOUR, TODAY + 40 * DAY], [9.0, 9.0, 9.0])])
    assert weight(future) == D("0.25")
    both = record_of("a", [outcomes([TODAY - 1, TODAY, TODAY + 3 * DAY], [0.5, -9.0, -9.0])])
    assert weight(both) == weight(known([0.5]))


def test_old_opinions_fade_and_are_forgotten() -> None:
    ages = [weight(known([2.0] * 50, age)) for age in (1, 30, 60, 120, 240, 300)]
    assert ages == sorted(ages, reverse=True)
    assert ages[-1] > D("0.25")
    assert weight(known([2.0] * 50, 301)) == D("0.25")
    assert weight(known([2.0] * 50, 5000)) == D("0.25")


def test_what_is_just_remembered_counts_beside_what_is_forgotten() -> None:
    both = record_of("a", [outcomes([TODAY - 305 * DAY, TODAY - 300 * DAY], [-9.0, 9.0])])
    assert weight(both) == weight(known([9.0], 300)) > D("0.25")


aged = st.lists(st.tuples(st.integers(-3, 320), st.integers(-10_000_000, 10_000_000)), max_size=30)


@given(aged, st.integers(1, 4))
def test_a_weight_is_the_faded_mean_over_the_prior(given_outcomes: list[tuple[int, int]], symbols: int) -> None:
    parts = [
        Outcomes(
            np.array([TODAY - age * DAY + 5 for age, _ in given_outcomes[symbol::symbols]], dtype=np.int64),
            np.array([net for _, net in given_outcomes[symbol::symbols]], dtype=np.int64),
        )
        for symbol in range(symbols)
    ]
    counted = [(0.5 ** (age / 30), net / 1e6) for age, net in given_outcomes if 1 <= age <= 300]
    mean = (50 * 0.1 + sum(share * net for share, net in counted)) / (50 + sum(share for share, _ in counted))
    expected = min(max(mean, 0) / 0.1, 3) / 4
    assert abs(float(weight(record_of("a", parts))) - expected) < 2e-6
    assert weight(record_of("a", parts[::-1])) == weight(record_of("a", parts))


def test_the_order_of_strategies_and_records_says_nothing() -> None:
    records = [
        record_of("a", [outcomes([TODAY - DAY], [1.0])]),
        record_of("b", [outcomes([TODAY - DAY], [-1.0])]),
    ]
    found = weights_of_day(TODAY, NAMES, records, [], SETTINGS)
    assert weights_of_day(TODAY, NAMES[::-1], records[::-1], [], SETTINGS) == found
    assert list(found.weights) == NAMES


def test_clones_of_the_last_days_are_grouped() -> None:
    instants = np.arange(1, 24 * 60 + 1, dtype=np.int64) * HOUR + TODAY - 60 * DAY
    random = np.random.default_rng(3)
    base, other = random.integers(-1, 2, len(instants)), random.integers(-1, 2, len(instants))
    recent = instants > TODAY - 30 * DAY
    said = {
        "a": base,
        "b": base,
        "c": np.where(recent, other, base),  # alike once, not of late
        "d": np.where(instants < TODAY - 30 * DAY, other, base),  # alike of late
    }
    movements = co_movements(instants, {name: Directions(instants, column) for name, column in said.items()})
    assert weights_of_day(TODAY, NAMES, [], movements, SETTINGS).groups == (("a", "b", "d"),)
    future = co_movements(instants + 60 * DAY, {name: Directions(instants + 60 * DAY, other) for name in said})
    today_and_later = 200 * future  # all alike, often enough that today alone would outweigh the days before
    assert weights_of_day(TODAY, NAMES, [], [*today_and_later, *movements], SETTINGS).groups == (("a", "b", "d"),)


def test_a_day_begins_at_midnight() -> None:
    with pytest.raises(ValueError, match="no 00:00 UTC"):
        weights_of_day(TODAY + HOUR, NAMES, [], [], SETTINGS)


@given(aged, st.lists(st.integers(0, 320), max_size=3))
def test_records_of_days_add_up_to_the_record_of_all(given_outcomes: list[tuple[int, int]], cuts: list[int]) -> None:
    def record(youngest: int, oldest: int) -> Record:
        known = [(TODAY - age * DAY + 5, net) for age, net in given_outcomes if youngest <= age < oldest]
        at, net = ([pair[place] for pair in known] for place in (0, 1))
        return record_of("a", [Outcomes(np.array(at, dtype=np.int64), np.array(net, dtype=np.int64))])

    bounds = [-10, *sorted(cuts), 400]
    parts = [record(young, old) for young, old in pairwise(bounds)]
    assert joined(parts) == record(-10, 400)
    assert joined(parts[::-1]) == record(-10, 400)
