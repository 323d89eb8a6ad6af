"""The rules of workload A as one plain loop over arrays: what a machine can do where nothing is proven, kept or told.

Compiled by Numba it is the machine's limit; in plain Python it is what a script would do. It counts as the reference.
"""

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.indicators import ema, rsi

Counts = tuple[int, int, int, float]  # round trips, stops, targets, profit in quote


def signals(columns: Columns) -> tuple[Floats, Floats]:
    """Return where to buy and where to sell, as 0 and 1: crosses of whole columns, without warm-up or blocks."""
    fast, slow = ema(columns.close, 12), ema(columns.close, 26)
    buys, sells = np.zeros(len(columns)), np.zeros(len(columns))
    buys[1:] = (fast > slow)[1:] & (fast <= slow)[:-1] & (rsi(columns.close, 14) < 70)[1:]
    sells[1:] = (fast < slow)[1:] & (fast >= slow)[:-1]
    return buys, sells


def play(opened: Floats, high: Floats, low: Floats, buys: Floats, sells: Floats) -> Counts:
    """Trade candle by candle: in at the next open, out at the opposite cross, at -2 % or at +4 %, the stop first."""
    trips, stops, targets = 0, 0, 0
    profit, price = 0.0, 0.0
    held = False
    for row in range(1, len(opened)):
        if held and sells[row - 1]:
            profit += _earned(price, opened[row])
            trips, held = trips + 1, False
        elif not held and buys[row - 1]:
            price, held = opened[row], True
        if held and low[row] <= price * 0.98:
            profit += _earned(price, min(opened[row], price * 0.98))
            trips, stops, held = trips + 1, stops + 1, False
        elif held and high[row] >= price * 1.04:
            profit += _earned(price, price * 1.04)
            trips, targets, held = trips + 1, targets + 1, False
    return trips, stops, targets, profit


def _earned(bought: float, sold: float) -> float:
    return float(1_000 * ((sold / bought) * 0.999 * 0.999 - 1))
