"""Shadow outcomes: what every BUY opinion would have earned, traded or not, in net R (trading-rules 3.7).

Entry is at the open after T, as a taker. Within a candle the path is open, low, high, close: the stop comes before the
target, and the entry candle cannot meet the target (trading-rules 5.2); a target is filled where it is traded through
(5.3). A position is left at market at the open after the opinion turned SELL or its time limit ended, and at the close
of the horizon. A candle without volume fills and triggers nothing (5.4). R is what lies between entry and stop.

The path is that of the finest candles, whatever the strategy's timeframe (5.1): which of the strategy's candles meets a
leg first is searched among those, by the extremes of ever shorter stretches, and only inside that one the finest are
looked at.
Prices are floats here, not rounded to ticks: a weight is no money. Each outcome is rounded to 6 decimals; what follows
is integers.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Floats, Ints
from roottrading.services.signal_aggregator.buy_opinions import NEVER, BuyOpinions
from roottrading.services.signal_aggregator.first_hits import first_hits
from roottrading.services.signal_aggregator.shadow_market import ShadowMarket

HORIZON: Final = 100  # candles of the strategy's timeframe
BOUND: Final = 10.0  # R: an outcome counts for no more, so that one gap does not make a record
_MICRO: Final = 1e6


class Costs(Struct, frozen=True):
    """What trading takes, as fractions: the taker's fee on each side, and slippage on what is taken at market."""

    fee: float
    slippage: float


class Outcomes(Struct, frozen=True):
    """Net R in units of 1e-6, and when each was known: at the end of its opinion's horizon, however early it ended."""

    known_at: Ints
    net: Ints


def net_r(exit_price: Floats, entry: Floats, stop: Floats, costs: Costs) -> Floats:
    """Return what a position earned after fees, in multiples of what it risked; within -10 and 10, 6 decimals."""
    result = (exit_price * (1.0 - costs.fee) - entry * (1.0 + costs.fee)) / (entry - stop)
    bounded: Floats = np.clip(result, -BOUND, BOUND)
    return bounded


def micro_r(net: Floats) -> Ints:
    """Round outcomes to 6 decimals, as integers of 1e-6."""
    rounded: Ints = np.rint(net * _MICRO).astype(np.int64)
    return rounded


def shadow_outcomes(market: ShadowMarket, opinions: BuyOpinions, costs: Costs) -> Outcomes:
    """Return the outcomes of the opinions whose entry was possible, in their order.

    The market reaches to the end of each horizon that is asked about. There is no entry without a stop, without a
    traded candle that opens at T, or where its open lies beyond a leg (the exchange would refuse the leg:
    trading-rules 2.1).
    """
    times, span = market.open_time, market.span
    if not len(times):
        return Outcomes(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    stops = opinions.close - opinions.stop_distance
    distances = opinions.target_distance
    targets = np.where(np.isnan(distances), np.inf, opinions.close + np.nan_to_num(distances))
    rows = np.minimum(market.rows.rows_from(opinions.at), len(times) - 1)
    opens = market.open[rows]
    possible = (times[rows] == opinions.at) & (opinions.stop_distance > 0) & (stops > 0) & (opens > stops)
    chosen = np.flatnonzero(possible & (opens * (1.0 + costs.slippage) < targets))
    at, row, stop, target = opinions.at[chosen], rows[chosen], stops[chosen], targets[chosen]
    entry = opens[chosen] * (1.0 + costs.slippage)
    limit = opinions.time_limit[chosen]
    leave_at = np.minimum(opinions.sell_at[chosen], np.where(limit > 0, at + limit * span, NEVER))
    known_at = at + HORIZON * span
    horizon_end = market.rows.rows_from(known_at)  # the row after the last one on the path
    leave_row = market.rows.rows_from(leave_at)
    forced = np.where(
        leave_row < horizon_end, market.open[np.minimum(leave_row, len(times) - 1)], market.close[horizon_end - 1]
    )
    hit, stopped = first_hits(market, row, np.minimum(leave_row, horizon_end), stop, target)
    at_stop = np.minimum(stop, market.open[np.maximum(hit, 0)])
    at_market = np.where(hit >= 0, at_stop, forced) * (1.0 - costs.slippage)
    price = np.where((hit >= 0) & ~stopped, target, at_market)
    return Outcomes(known_at, micro_r(net_r(price, entry, stop, costs)))
