"""Who says the same: against NumPy's own correlation of the directions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.columns import Ints
from roottrading.domain.time import DAY, HOUR
from roottrading.services.signal_aggregator.correlation import CoMovement, Directions, co_movements, correlated_groups

INSTANTS: Ints = np.arange(1, 24 * 20 + 1, dtype=np.int64) * HOUR


def directions(random: np.random.Generator, noise: float, base: Ints) -> Directions:
    flipped = random.random(len(base)) < noise
    return Directions(INSTANTS, np.where(flipped, random.integers(-1, 2, len(base)), base))


@given(st.integers(0, 2**32))
def test_pairs_are_grouped_where_their_correlation_is_above_the_limit(seed: int) -> None:
    random = np.random.default_rng(seed)
    base = random.integers(-1, 2, len(INSTANTS))
    noise = float(random.random())
    one, other = directions(random, 0, base), directions(random, noise, base)
    groups = correlated_groups(["b", "a"], co_movements(INSTANTS, {"a": one, "b": other}), 0.7)
    correlation = np.corrcoef(one.direction, other.direction)[0, 1]
    assert groups == ((("a", "b"),) if correlation > 0.7 else ())


def test_groups_join_through_others_and_neither_order_nor_days_matter() -> None:
    random = np.random.default_rng(5)
    base = random.integers(-1, 2, len(INSTANTS))
    said = {
        "near": directions(random, 0.1, base),
        "nearer": directions(random, 0.1, base),
        "alone": directions(random, 1, base),
        "against": Directions(INSTANTS, -base),
        "silent": Directions(INSTANTS[:0], base[:0]),
    }
    movements = co_movements(INSTANTS, said)
    assert [movement.day for movement in movements] == [day * DAY for day in range(21)]  # 00:00 is of the day it begins
    groups = correlated_groups(list(said), movements, 0.7)
    assert groups == (("near", "nearer"),)
    assert correlated_groups(sorted(said), movements[::-1], 0.7) == groups


def test_stored_changes_tell_the_same_as_every_candle() -> None:
    random = np.random.default_rng(7)
    base = random.integers(-1, 2, len(INSTANTS))
    changed = np.flatnonzero(np.diff(base, prepend=0))
    whole = co_movements(INSTANTS, {"a": Directions(INSTANTS, base), "b": Directions(INSTANTS, -base)})
    stored = Directions(INSTANTS[changed], base[changed])
    parts = co_movements(INSTANTS, {"a": stored, "b": Directions(INSTANTS, -base)})
    assert [(each.sums.tolist(), each.products.tolist()) for each in whole] == [
        (each.sums.tolist(), each.products.tolist()) for each in parts
    ]


def test_symbols_are_pooled() -> None:
    random = np.random.default_rng(9)
    base = random.integers(-1, 2, len(INSTANTS))
    same = co_movements(INSTANTS, {"a": Directions(INSTANTS, base), "b": Directions(INSTANTS, base)})
    opposite = co_movements(INSTANTS, {"a": Directions(INSTANTS, base), "b": Directions(INSTANTS, -base)})
    assert correlated_groups(["a", "b"], same, 0.7) == (("a", "b"),)
    assert correlated_groups(["a", "b"], [*same, *opposite], 0.7) == ()


def test_too_little_says_nothing() -> None:
    alike = Directions(INSTANTS, np.tile(np.array([1, -1]), len(INSTANTS) // 2))
    few = co_movements(INSTANTS[:99], {"a": alike, "b": alike})
    assert correlated_groups(["a", "b"], few, 0.7) == ()
    enough = co_movements(INSTANTS[:100], {"a": alike, "b": alike})
    assert correlated_groups(["a", "b"], enough, 0.7) == (("a", "b"),)
    constant = Directions(INSTANTS, np.ones(len(INSTANTS), dtype=np.int64))
    assert correlated_groups(["a", "b"], co_movements(INSTANTS, {"a": constant, "b": constant}), 0.7) == ()
    assert co_movements(INSTANTS, {}) == []
    assert co_movements(INSTANTS[:0], {"a": alike}) == []


def test_movements_of_others_are_refused() -> None:
    movement = CoMovement(0, ("x", "y"), 1, np.zeros(2), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="movements of x, y do not tell about a, b"):
        correlated_groups(["a", "b"], [movement], 0.7)
