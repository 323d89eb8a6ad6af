"""The rules of workload A as one plain loop over arrays: what a machine can do where nothing is proven, kept or told.

Compiled by Numba it is the machine's limit; in plain Python it is what a script would do. Its trades are the reference.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.indicators import ema, rsi

Trade = tuple[int, int, float, float, int]  # rows of entry and exit, prices of both, and why it ended
VERDICT, STOP, TARGET = 0, 1, 2
KEPT: Final = 0.999 * 0.999  # of a thousand, after both fees


def signals(columns: Columns, first: int = 0) -> tuple[Floats, Floats]:
    """Return where to buy and where to sell, as 0 and 1: crosses of whole columns, without warm-up or blocks.

    Who has no opinion before candle `first` hears there of the last cross before it, as if it were one.
    """
    fast, slow = ema(columns.close, 12), ema(columns.close, 26)
    upward, sells, buys = (np.zeros(len(columns)) for _ in range(3))
    upward[1:] = (fast > slow)[1:] & (fast <= slow)[:-1]
    sells[1:] = (fast < slow)[1:] & (fast >= slow)[:-1]
    buys[1:] = (upward * (rsi(columns.close, 14) < 70))[1:]
    if first:
        crosses = np.flatnonzero(upward + sells)
        before = crosses[crosses <= first][-1:]
        stands = bool(buys[before].any())
        buys[:first], sells[:first] = 0, 0
        buys[first] = stands
    return buys, sells


def play(opened: Floats, high: Floats, low: Floats, buys: Floats, sells: Floats) -> list[Trade]:
    """Trade candle by candle: in at the next open, out at the opposite cross, at -2 % or at +4 %, the stop first."""
    trades = []
    price, entry = 0.0, 0
    held = False
    for row in range(1, len(opened)):
        if held and sells[row - 1]:
            trades.append((entry, row, price, opened[row], VERDICT))
            held = False
        elif not held and buys[row - 1]:
            price, entry, held = opened[row], row, True
        if held and low[row] <= price * 0.98:
            trades.append((entry, row, price, min(opened[row], price * 0.98), STOP))
            held = False
        elif held and high[row] >= price * 1.04:
            trades.append((entry, row, price, price * 1.04, TARGET))
            held = False
    return trades


def count(opened: Floats, high: Floats, low: Floats, buys: Floats, sells: Floats) -> int:
    """Return how many round trips there were: what is timed, as handing the trades over would take longer."""
    return len(play(opened, high, low, buys, sells))


def earned(trades: Iterable[Trade]) -> float:
    """Return the profit of a thousand in quote put into every trade, with a fee of 0.1 % a side."""
    return sum(1_000 * (sold / bought * KEPT - 1) for _, _, bought, sold, _ in trades)
