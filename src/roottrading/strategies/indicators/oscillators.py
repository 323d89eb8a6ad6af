"""Oscillators: where the close stands in its recent past, and how fast it moves.

Where the formula divides by nothing, as in a market that does not move, the oscillator stands in its middle.
"""

import numpy as np

from roottrading.domain.columns import Floats
from roottrading.strategies.indicators.averages import ema
from roottrading.strategies.indicators.library import talib
from roottrading.strategies.indicators.rolling import highest, lowest, previous, ratio, sma


def rsi(values: Floats, period: int) -> Floats:
    """Relative strength index, 0 to 100, Wilder's smoothing (J. W. Wilder, New Concepts in Technical Trading, 1978)."""
    result: Floats = talib.RSI(_scaled(values), timeperiod=period)
    idle = np.flatnonzero(result == 0.0)  # also what TA-Lib says where nothing moved at all
    result[idle[values[idle] == values[idle - period]]] = 50.0
    return result


def stochastic(high: Floats, low: Floats, close: Floats, period: int, smoothing: int) -> tuple[Floats, Floats]:
    """Slow %K and %D, 0 to 100: the place in the range of `period` candles, averaged once and twice (G. Lane)."""
    bottom = lowest(low, period)
    place = 100 * ratio(close - bottom, highest(high, period) - bottom, 0.5)
    slow = sma(place, smoothing)
    return slow, sma(slow, smoothing)


def williams_r(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Williams %R, -100 (at the low of `period` candles) to 0 (at their high) (L. Williams, 1973)."""
    top = highest(high, period)
    return -100 * ratio(top - close, top - lowest(low, period), 0.5)


def cci(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Commodity channel index: distance of the typical price from its mean in 0.015 mean deviations (D. Lambert)."""
    result: Floats = talib.CCI(high, low, close, timeperiod=period)
    result[highest(high, period) == lowest(low, period)] = 0.0  # else the rounding of the mean is what is measured
    return result


def rate_of_change(values: Floats, period: int) -> Floats:
    """Change over `period` candles, as a share of the value then."""
    then = previous(values, period)
    return values / then - 1


def macd(values: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """MACD line, its signal line and their difference, in the values' unit (G. Appel)."""
    line, average, histogram = talib.MACD(values, fastperiod=fast, slowperiod=slow, signalperiod=signal)
    return line, average, histogram


def ppo(values: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats]:
    """Percentage price oscillator 100 (EMA fast / EMA slow - 1), and its EMA."""
    line = 100 * (ema(values, fast) / ema(values, slow) - 1)
    return line, ema(line, signal)


def trix(values: Floats, period: int, signal: int) -> tuple[Floats, Floats]:
    """Change of the thrice smoothed value in percent of it a candle, and its EMA (J. Hutson, 1983)."""
    line: Floats = talib.TRIX(values, timeperiod=period)
    return line, ema(line, signal)


def aroon(high: Floats, low: Floats, period: int) -> Floats:
    """Aroon up minus Aroon down, -100 to 100: which is younger, the high or the low of the period (T. Chande, 1995)."""
    result: Floats = talib.AROONOSC(high, low, timeperiod=period)
    result[highest(high, period + 1) == lowest(low, period + 1)] = 0.0
    return result


def _scaled(values: Floats) -> Floats:
    """Multiply by the power of two that brings the first value near 1000: exact, and the ratios stay as they are.

    TA-Lib takes what is below 1e-14 for 0, which small changes of small prices come close to.
    """
    if not len(values) or not np.isfinite(values[0]):
        return values
    result: Floats = values * 2.0 ** (10 - int(np.frexp(values[0])[1]))
    return result
