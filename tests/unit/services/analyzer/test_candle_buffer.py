"""Many candles at once are the very floats that they are one by one."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE
from roottrading.services.analyzer.candle_buffer import CandleBuffer

PRICES = st.decimals(min_value=Decimal("1e-8"), max_value=Decimal(10**6), places=8)
VOLUMES = st.one_of(
    st.decimals(min_value=0, max_value=Decimal(10**9), places=8),
    st.decimals(min_value=0, max_value=Decimal(10**14), places=2),
    st.integers(0, 10**17).map(Decimal),
    st.sampled_from([Decimal("1E+3"), Decimal("0E-8"), Decimal("9007199254740993")]),
)


def candle(number: int, prices: list[Decimal], volume: Decimal) -> Candle:
    opened, high, low, close = prices
    return Candle("BTCUSDT", "1m", number * MINUTE, opened, high, low, close, volume)


def one_by_one(candles: list[Candle]) -> CandleBuffer:
    buffer = CandleBuffer(4)
    for each in candles:
        buffer.append(each, lambda: 0)
    return buffer


@given(st.lists(st.tuples(st.lists(PRICES, min_size=4, max_size=4), VOLUMES), min_size=1, max_size=30), st.integers(0))
def test_the_same_floats_at_once_and_one_by_one(given: list[tuple[list[Decimal], Decimal]], cut: int) -> None:
    candles = [candle(number, *each) for number, each in enumerate(given)]
    cut %= len(candles)
    some = one_by_one(candles[:cut])
    some.append_all(candles[cut:])
    found, expected = some.columns(), one_by_one(candles).columns()
    for name in ("open_time", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_a_price_that_no_exchange_has_is_refused_by_name() -> None:
    good, bad = ([Decimal(price)] * 4 for price in ("1.5", "1.123456789"))
    with pytest.raises(ValueError, match=r"BTCUSDT 1m candle of 1970-01-01T00:01:00Z: a price has more than 8 digits"):
        CandleBuffer(4).append_all([candle(0, good, Decimal(1)), candle(1, bad, Decimal(1))])
