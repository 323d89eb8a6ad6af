"""What every execution added to cash and base, in order of time: made once, read by every figure."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import Floats, Ints
from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.service import AccountAdjusted
from roottrading.reports.result import RunResult


class Flows(Struct, frozen=True):
    """A run's fills by (filled_at, symbol, trade id), and beside them, exactly, what each did to own base and cash.

    The arrays are the same as floats, for statistics: `times`, `symbols` (an index into `names`), `base_change`,
    `cash_change` and `notional`.
    """

    fills: Sequence[Fill]
    base: Sequence[Decimal]
    cash: Sequence[Decimal]
    names: Sequence[str]
    times: Ints
    symbols: Ints
    base_change: Floats
    cash_change: Floats
    notional: Floats

    def some(self, rows: npt.NDArray[np.int64]) -> "Flows":
        """Return the flows of these rows only."""
        chosen = rows.tolist()
        return Flows(
            [self.fills[row] for row in chosen],
            [self.base[row] for row in chosen],
            [self.cash[row] for row in chosen],
            self.names,
            self.times[rows],
            self.symbols[rows],
            self.base_change[rows],
            self.cash_change[rows],
            self.notional[rows],
        )


def flows_of(result: RunResult) -> Flows:
    """Return the run's flows."""
    fills = sorted(result.fills, key=lambda fill: (fill.filled_at, fill.symbol, fill.trade_id))
    names = sorted({fill.symbol for fill in fills})
    place = {name: index for index, name in enumerate(names)}
    base, cash, notional = [], [], []
    for fill in fills:
        worth = fill.price * fill.quantity
        more, paid = base_and_cash(fill, worth, result.instruments[fill.symbol])
        base.append(more)
        cash.append(paid)
        notional.append(worth)
    return Flows(
        fills,
        base,
        cash,
        names,
        np.array([fill.filled_at for fill in fills], dtype=np.int64),
        np.array([place[fill.symbol] for fill in fills], dtype=np.int64),
        np.array(base, dtype=np.float64),
        np.array(cash, dtype=np.float64),
        np.array(notional, dtype=np.float64),
    )


def base_and_cash(fill: Fill, notional: Decimal, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """Return what an execution added to own base and cash; a fee in a third asset touches neither."""
    base, cash = (fill.quantity, -notional) if fill.side == "BUY" else (-fill.quantity, notional)
    if fill.fee_asset == instrument.base_asset:
        return base - fill.fee, cash
    if fill.fee_asset == instrument.quote_asset:
        return base, cash - fill.fee
    return base, cash


def contributions(adjustments: Sequence[AccountAdjusted]) -> list[tuple[Time, Decimal]]:
    """Return when capital came in (or, below 0, went out) and how much, adopted coins at their price, in quote."""
    return [
        (adjusted.effective_at, adjusted.amount if adjusted.price is None else adjusted.amount * adjusted.price)
        for adjusted in adjustments
    ]
