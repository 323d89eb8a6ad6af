"""Inputs of another timeframe: computed on their own candles, read at the strategy's."""

from collections.abc import Callable

import numpy as np

from roottrading.domain.columns import Columns, Floats


def on_its_candles(joined: Columns, compute: Callable[[Columns], Floats]) -> Floats:
    """Compute an indicator on an input's own candles and return what stands at each row.

    An input of a longer timeframe repeats each of its candles over several rows, so an average over rows would be one
    of other candles: here each candle counts once. Of an input of a shorter timeframe only the last candle of each row
    arrives, those between are not seen.
    """
    fresh = np.diff(joined.open_time, prepend=-1) != 0
    candle = np.cumsum(fresh) - 1
    own = Columns(
        joined.open_time[fresh],
        joined.open[fresh],
        joined.high[fresh],
        joined.low[fresh],
        joined.close[fresh],
        joined.volume[fresh],
    )
    result: Floats = compute(own)[candle]
    return result
