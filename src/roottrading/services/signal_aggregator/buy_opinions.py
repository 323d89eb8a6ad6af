"""BUY opinions as columns: what shadow outcomes are told of (trading-rules 3.7)."""

from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Floats, Ints
from roottrading.domain.time import Time

NEVER: Final[Time] = 2**62
DEFAULT_STOP: Final = 2.0  # x ATR(14), where the strategy names no stop distance (trading-rules 2.1)


class BuyOpinions(Struct, frozen=True):
    """The BUY opinions of one strategy and symbol as columns, in the order of time.

    `at` is the T at which the opinion began, `close` the price then, distances are in quote price units (NaN: none),
    `time_limit` counts candles (0: none), `sell_at` is the T at which the opinion turned SELL (NEVER: it did not),
    `atr` is ATR(14) then.
    """

    at: Ints
    close: Floats
    stop_distance: Floats
    target_distance: Floats
    time_limit: Ints
    sell_at: Ints
    atr: Floats

    def __len__(self) -> int:
        return len(self.at)


def buy_opinions(
    at: Ints,
    directions: Ints,
    close: Floats,
    stop_distance: Floats,
    target_distance: Floats,
    time_limit: Ints,
    atr: Floats,
) -> BuyOpinions:
    """Return the BUY opinions that begin in these rows: every candle's, or only those where the direction changed.

    `directions` are the signs of the convictions. An opinion that names no stop distance gets 2 x ATR(14).
    """
    before = np.concatenate(([0], directions[:-1]))
    begins = np.flatnonzero((directions > 0) & (before <= 0))
    sells = np.flatnonzero(directions < 0)
    following = np.searchsorted(sells, begins)
    sell_times = np.append(at[sells], NEVER)
    stops = stop_distance[begins]
    return BuyOpinions(
        at[begins],
        close[begins],
        np.where(np.isnan(stops), DEFAULT_STOP * atr[begins], stops),
        target_distance[begins],
        time_limit[begins],
        sell_times[following],
        atr[begins],
    )
