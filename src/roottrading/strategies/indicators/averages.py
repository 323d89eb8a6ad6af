"""Moving averages."""

import numpy as np

from roottrading.domain.columns import Floats
from roottrading.strategies.indicators.library import talib


def ema(values: Floats, period: int) -> Floats:
    """Exponential moving average, 2 / (period + 1) a candle, seeded with the mean of the first `period` values."""
    result: Floats = talib.EMA(values, timeperiod=period)
    return result


def wma(values: Floats, period: int) -> Floats:
    """Weighted moving average: the newest value weighs `period`, the oldest 1."""
    result: Floats = talib.WMA(values, timeperiod=period)
    return result


def tema(values: Floats, period: int) -> Floats:
    """Triple exponential moving average (P. Mulloy, Smoothing Data with Less Lag, 1994)."""
    result: Floats = talib.TEMA(values, timeperiod=period)
    return result


def hull(values: Floats, period: int) -> Floats:
    """Hull moving average: WMA(2 WMA(values, n/2) - WMA(values, n), sqrt(n)), both rounded down (A. Hull, 2005)."""
    half = 2 * wma(values, max(period // 2, 2)) - wma(values, period)
    return wma(half, max(int(np.sqrt(period)), 2))


def kama(values: Floats, period: int) -> Floats:
    """Adaptive moving average between EMA(2) and EMA(30) (P. Kaufman, Smarter Trading, 1995)."""
    result: Floats = talib.KAMA(values, timeperiod=period)
    return result
