from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.candle import Candle
from roottrading.domain.columns import MAX_UNITS, Candles, candle_at, columns_of, rescaled, volume_floats


def column(*numbers: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(numbers, dtype=np.int64)


@given(st.integers(0, MAX_UNITS), st.integers(0, 8))
def test_equal_volumes_are_equal_floats_in_whatever_units(units: int, fewer: int) -> None:
    coarse = units // 10**fewer
    fine = coarse * 10**fewer
    assert volume_floats(column(fine), 8)[0] == volume_floats(column(coarse), 8 - fewer)[0]


@given(st.integers(0, 2**53 - 1))
def test_volumes_that_fit_are_the_nearest_floats(units: int) -> None:
    assert volume_floats(column(units), 8)[0] == float(Decimal(units).scaleb(-8))


@given(st.lists(st.integers(0, 10**10), max_size=5), st.integers(0, 8))
def test_rescaling_there_and_back_is_no_change(numbers: list[int], digits: int) -> None:
    there = rescaled(column(*numbers), digits, 8)
    assert rescaled(there, 8, digits).tolist() == numbers


def test_rescaling_loses_no_digit_and_no_size() -> None:
    with pytest.raises(ValueError, match="more than 7 digits"):
        rescaled(column(10, 15), 8, 7)
    with pytest.raises(ValueError, match="does not fit 64 bits with 8 digits"):
        rescaled(column(MAX_UNITS // 10 + 1), 7, 8)


def test_a_row_is_the_candle_with_the_same_digits() -> None:
    candles = Candles(
        "SHIBUSDT",
        "1m",
        column(0, 60_000_000),
        column(0, 2952),
        column(0, 3000),
        column(0, 2900),
        column(0, 2999),
        column(0, 4_356_687_841_345),
        volume_digits=1,
    )
    assert candle_at(candles.slice(1, 2), 0) == Candle(
        "SHIBUSDT",
        "1m",
        60_000_000,
        Decimal("0.00002952"),
        Decimal("0.00003"),
        Decimal("0.000029"),
        Decimal("0.00002999"),
        Decimal("435668784134.5"),
    )
    assert columns_of(candles).volume.tolist() == [0.0, 435668784134.5]
