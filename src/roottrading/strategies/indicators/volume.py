"""Volume: what it says of the side that is in a hurry. All are free of where history began."""

import numpy as np

from roottrading.domain.columns import Floats, Ints
from roottrading.domain.time import DAY
from roottrading.strategies.indicators.rolling import previous, ratio, rolling_sum


def obv_flow(close: Floats, volume: Floats, period: int) -> Floats:
    """Change of on-balance volume (J. Granville, 1963) over `period` candles as a share of their volume, -1 to 1."""
    signed = np.sign(close - previous(close)) * volume
    return ratio(rolling_sum(signed, period), rolling_sum(volume, period), 0.0)


def mfi(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """Money flow index, 0 to 100: share of typical price x volume that came with a rise (G. Quong, A. Soudack, 1989).

    50 where no price changed or nothing was traded.
    """
    typical = (high + low + close) / 3
    flow, change = typical * volume, typical - previous(typical)
    rising = rolling_sum(np.where(change > 0, flow, change * 0), period)
    falling = rolling_sum(np.where(change < 0, flow, change * 0), period)
    return 100 * ratio(rising, rising + falling, 0.5)


def chaikin_money_flow(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """Volume weighted by the close's place in its candle, -1 (low) to 1 (high), over a period (M. Chaikin)."""
    place = ratio(2 * close - high - low, high - low, 0.0)
    return ratio(rolling_sum(place * volume, period), rolling_sum(volume, period), 0.0)


def session_vwap(
    open_time: Ints, high: Floats, low: Floats, close: Floats, volume: Floats, candles: int
) -> tuple[Floats, Floats]:
    """Volume weighted typical price since 00:00 UTC, and the standard deviation of what was paid around it.

    NaN after the day's first `candles` candles (by time), before there is volume, and on the day with which the
    columns begin, unless they begin with it.
    """
    length = len(close)
    if not length:
        return np.empty(0), np.empty(0)
    since = open_time % DAY
    begins = np.flatnonzero(np.diff(open_time - since, prepend=-1))
    lasting = np.diff(begins, append=length)
    typical = (high + low + close) / 3
    anchor = np.repeat(typical[begins], lasting)  # squares of prices would swallow the deviation
    distance = typical - anchor
    traded, paid, squares = np.empty(length), np.empty(length), np.empty(length)
    sums = ((volume, traded), (distance * volume, paid), (distance * distance * volume, squares))
    for first, last in zip(begins, begins + lasting, strict=True):
        for values, total in sums:
            values[first:last].cumsum(out=total[first:last])
    mean = ratio(paid, traded, np.nan)
    spread = np.sqrt(np.maximum(ratio(squares, traded, np.nan) - mean * mean, 0.0))
    span = np.minimum.accumulate(np.diff(open_time, prepend=open_time[0] - DAY))
    unknown = since >= candles * span
    if since[0]:
        unknown[: lasting[0]] = True
    mean[unknown] = spread[unknown] = np.nan
    return anchor + mean, spread
