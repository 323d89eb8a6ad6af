"""Candles for the gateway's tests: random ones as a market makes them, and columns of them."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from roottrading.domain.candle import Candle
from roottrading.domain.columns import UNITS, Candles
from roottrading.domain.time import MINUTE

START = 1_679_616_000_000_000  # 2023-03-24 00:00 UTC


def candle(minute: int, opened: int, high: int, low: int, close: int, volume: int, symbol: str = "BTCUSDT") -> Candle:
    """Return the 1m candle that opens so many minutes after START."""
    open_time = START + minute * MINUTE
    return Candle(
        symbol, "1m", open_time, Decimal(opened), Decimal(high), Decimal(low), Decimal(close), Decimal(volume)
    )


@st.composite
def candle_lists(draw: st.DrawFn, most_minutes: int = 400) -> list[Candle]:
    """Candles in order of time with holes; those without volume repeat the last close, as the market's do."""
    minute = draw(st.integers(0, most_minutes))
    close = draw(st.integers(50, 100))
    found = []
    for _ in range(draw(st.integers(1, 60))):
        volume = draw(st.integers(0, 3))
        if volume:
            opened, end = draw(st.integers(1, 100)), draw(st.integers(1, 100))
            high, low = max(opened, end) + draw(st.integers(0, 5)), max(1, min(opened, end) - draw(st.integers(0, 5)))
            found.append(candle(minute, opened, high, low, end, volume))
            close = end
        else:
            found.append(candle(minute, close, close, close, close, 0))
        minute += draw(st.one_of(st.just(1), st.just(1), st.integers(1, 90)))
    return found


def columns(candles: Sequence[Candle]) -> Candles:
    """Return the same candles as exact columns."""

    def units(name: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.array([int(getattr(each, name) * UNITS) for each in candles], dtype=np.int64)

    return Candles(
        candles[0].symbol,
        candles[0].timeframe,
        np.array([each.open_time for each in candles], dtype=np.int64),
        units("open"),
        units("high"),
        units("low"),
        units("close"),
        units("volume"),
    )
