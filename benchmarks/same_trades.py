"""Workload A trade by trade: what the plain loop does, made exact, beside what the backtest did.

Two things part them, and both are rules. A run has no opinion before its first full anchored window (trading-rules
4.3), so the loop begins there as well. And prices and sizes are exact decimals on the tick and the step (2.1, 2.3),
so the loop's are brought there.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Final

import numpy as np
from msgspec import Struct

from benchmarks.plain_loop import STOP, TARGET, VERDICT, play, signals
from roottrading.domain.columns import UNITS_DIGITS, Candles, columns_of
from roottrading.domain.fill import Fill
from roottrading.domain.money import ceil_to, floor_to, plain
from roottrading.domain.time import MINUTE, Time, iso
from roottrading.reports.result import RunResult

STAKE: Final = Decimal(1_000)
TICK: Final = Decimal("0.01")
STEP: Final = Decimal("0.00001")
LOOKBACK: Final = 20 * 26  # candles that the strategy asks for
BLOCK: Final = 2_048  # candles: the least power of two with a day in it
REASONS: Final = {VERDICT: "verdict", STOP: "stop", TARGET: "target"}


class RoundTrip(Struct, frozen=True):
    """One trade: when it began and ended, at which prices in quote, how much was bought, and why it ended."""

    entered_at: Time
    left_at: Time
    bought: Decimal
    sold: Decimal
    quantity: Decimal
    reason: str

    def __str__(self) -> str:
        return (
            f"{iso(self.entered_at)} {plain(self.quantity)} at {plain(self.bought)}, "
            f"{iso(self.left_at)} at {plain(self.sold)} by {self.reason}"
        )


def first_full(candles: Candles) -> int:
    """Return the first row that has a full window: the first block with the lookback before it."""
    begins = int(candles.open_time[0]) // MINUTE + LOOKBACK
    return int(np.searchsorted(candles.open_time, -(-begins // BLOCK) * BLOCK * MINUTE))


def expected(candles: Candles, first: int) -> list[RoundTrip]:
    """Return the round trips of the plain loop that may trade from candle `first` on; an open one is left out."""
    columns = columns_of(candles)
    arrays = (columns.open, columns.high, columns.low, *signals(columns, first))
    found = []
    for entry, left, _, _, why in play(*(array.tolist() for array in arrays)):
        close, sold = _price(candles.close[entry - 1]), _price(candles.open[left])
        if why == STOP:
            sold = min(sold, floor_to(close * Decimal("0.98"), TICK))
        elif why == TARGET:
            sold = ceil_to(close * Decimal("1.04"), TICK)
        # an order that rests is filled inside a candle, and told at its close (trading-rules 5.5)
        left_at = int(candles.open_time[left]) + (0 if why == VERDICT else MINUTE)
        quantity = STAKE // (close * STEP) * STEP
        bought = _price(candles.open[entry])
        found.append(RoundTrip(int(candles.open_time[entry]), left_at, bought, sold, quantity, REASONS[why]))
    return found


def made(result: RunResult) -> list[RoundTrip]:
    """Return the round trips of a run that are over; ValueError for one that is not one fill in and one out."""
    fills: dict[str, list[Fill]] = {}
    for fill in result.fills:
        fills.setdefault(fill.cycle_id, []).append(fill)
    found = []
    for cycle in result.cycles:
        if cycle.pnl is None:
            continue
        entry, left = sorted(fills[cycle.id], key=lambda fill: fill.side)
        found.append(
            RoundTrip(entry.filled_at, left.filled_at, entry.price, left.price, entry.quantity, cycle.exit_reason)
        )
    return sorted(found, key=lambda trip: trip.entered_at)


def differences(one: Sequence[RoundTrip], other: Sequence[RoundTrip]) -> list[str]:
    """Return a line for every place at which two runs do not have the same round trip."""
    return [f"{mine or 'nothing'}; {theirs or 'nothing'}" for mine, theirs in zip_longest(one, other) if mine != theirs]


def _price(units: int) -> Decimal:
    return Decimal(int(units)).scaleb(-UNITS_DIGITS)
