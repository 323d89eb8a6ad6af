"""Volatility and direction: ranges, and Wilder's systems upon them (J. W. Wilder, New Concepts, 1978)."""

import numpy as np

from roottrading.domain.columns import Floats
from roottrading.strategies.indicators.events import held_direction
from roottrading.strategies.indicators.library import talib


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Average true range in quote price units, Wilder's smoothing."""
    result: Floats = talib.ATR(high, low, close, timeperiod=period)
    return result


def directional(high: Floats, low: Floats, close: Floats, period: int) -> tuple[Floats, Floats, Floats]:
    """ADX, +DI and -DI, each 0 to 100."""
    # A power of two keeps every ratio as it is, and stays clear of what TA-Lib takes for 0 (below 1e-14).
    unit = 2.0 ** (10 - int(np.frexp(close[0])[1])) if len(close) else 1.0
    high, low, close = high * unit, low * unit, close * unit
    adx = talib.ADX(high, low, close, timeperiod=period)
    plus = talib.PLUS_DI(high, low, close, timeperiod=period)
    minus = talib.MINUS_DI(high, low, close, timeperiod=period)
    return adx, plus, minus


def parabolic_sar(high: Floats, low: Floats, step: float, limit: float) -> Floats:
    """Return the parabolic stop and reverse, a price: below the market while it rises, above it while it falls."""
    result: Floats = talib.SAR(high, low, acceleration=step, maximum=limit)
    return result


def supertrend(high: Floats, low: Floats, close: Floats, period: int, multiple: float) -> tuple[Floats, Floats]:
    """Return the direction (1, -1, and 0 before the first turn) and the line, which lies beyond the market as a stop.

    The bands are (high + low) / 2 -+ multiple x ATR(period); the upper one may only fall until a close lies above it,
    the lower one only rise until a close lies below it; such closes set the direction (O. Seban; as charted by
    TradingView).
    """
    middle, distance = (high + low) / 2, multiple * atr(high, low, close, period)
    upper, upward = _ratchet(middle + distance, close, period)
    lower, downward = _ratchet(distance - middle, -close, period)
    direction = held_direction(upward, downward, len(close))
    return direction, np.where(direction > 0, -lower, upper)


def _ratchet(band: Floats, close: Floats, first: int) -> tuple[Floats, list[int]]:
    """Return the band as it falls, never rises, until a close above it lets it start anew; and the rows of those.

    Each span between two starts is searched for in steps of growing size, so that the work is done by whole columns.
    """
    result = np.full(len(band), np.nan)
    beyond: list[int] = []
    start, length = first, len(band)
    while start < length:
        stop = start + 64
        while True:
            level = np.minimum.accumulate(band[start:stop])
            above = close[start:stop] > level
            at = int(above.argmax())
            if above[at] or stop >= length:
                break
            stop = start + 4 * (stop - start)
        if not above[at]:
            result[start:] = level
            break
        result[start : start + at + 1] = level[: at + 1]
        beyond.append(start + at)
        start += at + 1
    return result, beyond
