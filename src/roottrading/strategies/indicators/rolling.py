"""Rolling windows: sums, means, deviations, extremes of the last candles.

The sums add the same numbers in the same order wherever history began, so they carry no error along: after a span
without volume a sum of volumes is exactly 0, where a running sum keeps a rest.
"""

import numpy as np

from roottrading.domain.columns import Floats
from roottrading.strategies.indicators.library import talib


def previous(values: Floats, candles: int = 1) -> Floats:
    """Return the values of so many candles ago; NaN where there are none."""
    result = np.full(len(values), np.nan)
    result[candles:] = values[: max(len(values) - candles, 0)]
    return result


def rolling_sum(values: Floats, period: int) -> Floats:
    """Sum of the last `period` values, NaN where one of them is NaN: added up in spans of 1, 2, 4, ... values."""
    length = len(values)
    result = np.full(length, np.nan)
    if length < period:
        return result
    spans, width = values, 1  # spans[k] is the sum of the `width` values from k on
    total, done = None, 0  # total[k] is the sum of the `done` values from k on
    while True:
        if period & width:
            total = spans if total is None else total[: len(spans) - done] + spans[done:]
            done += width
        if done == period:
            result[period - 1 :] = total
            return result
        spans = spans[:-width] + spans[width:]
        width *= 2


def sma(values: Floats, period: int) -> Floats:
    """Simple moving average."""
    return rolling_sum(values, period) / period


def spread(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the last `period` values (of the population: divided by `period`).

    Squares of prices would swallow the deviation of a calm market, so distances from the first value are squared.
    """
    first = values[0] if len(values) and np.isfinite(values[0]) else 0.0
    distances = values - first
    mean = sma(distances, period)
    return mean + first, np.sqrt(np.maximum(sma(distances * distances, period) - mean * mean, 0.0))


def deviation(values: Floats, period: int) -> Floats:
    """Return the standard deviation of the last `period` values, of the population."""
    return spread(values, period)[1]


def zscore(values: Floats, period: int) -> Floats:
    """Distance from the mean of the last `period` values, in their standard deviations; 0 where all are equal."""
    mean, unit = spread(values, period)
    return ratio(values - mean, unit, 0.0)


def highest(values: Floats, period: int) -> Floats:
    """Return the highest of the last `period` values."""
    result: Floats = talib.MAX(values, timeperiod=period)
    return result


def lowest(values: Floats, period: int) -> Floats:
    """Return the lowest of the last `period` values."""
    result: Floats = talib.MIN(values, timeperiod=period)
    return result


def ratio(dividend: Floats, divisor: Floats, otherwise: float) -> Floats:
    """Divide; where the divisor is 0 or below the result is `otherwise`, where either is unknown it is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = dividend / divisor
    result[divisor <= 0] = otherwise
    return result
