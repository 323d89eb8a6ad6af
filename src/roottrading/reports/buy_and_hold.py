"""What doing nothing would have brought: every symbol bought with an equal share, held over the span (6.3)."""

from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS_DIGITS, Floats, Ints
from roottrading.domain.money import ONE, ZERO, quotient_down
from roottrading.domain.time import Time
from roottrading.reports import ratios
from roottrading.reports.cycle_statistics import closes_in
from roottrading.reports.result import RunResult


class BuyAndHold(Struct, frozen=True, kw_only=True):
    """The yardstick's figures, measured at the same instants as the run's own; amounts in quote."""

    symbols: int
    final_equity: Decimal
    total_return: float
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    max_drawdown_from: Time | None
    max_drawdown_to: Time | None


class _Share(Struct, frozen=True):
    bought_at: Time
    spent: Decimal
    quantity: Decimal


def shares_of(result: RunResult) -> dict[str, _Share]:
    """Return what each symbol's equal share bought at the first open in the span, net of the taker fee."""
    traded = {}
    for symbol, candles in sorted(result.candles.items()):
        first = int(np.searchsorted(candles.open_time, result.started_at))
        if first < len(candles) and int(candles.open_time[first]) < result.ended_at:
            traded[symbol] = (int(candles.open_time[first]), int(candles.open[first]))
    if not traded:
        return {}
    spent = quotient_down(result.capital, Decimal(len(traded)))
    kept = spent * (ONE - result.fees.taker)
    return {
        symbol: _Share(time, spent, quotient_down(kept, Decimal(price).scaleb(-UNITS_DIGITS)))
        for symbol, (time, price) in traded.items()
    }


def curve_of_holding(result: RunResult, times: Ints) -> Floats:
    """Return what the holding was worth at each instant."""
    equity = np.full(len(times), float(result.capital))
    for symbol, share in shares_of(result).items():
        value = float(share.quantity) * closes_in(result.candles[symbol], times) - float(share.spent)
        equity += np.where(times > share.bought_at, value, 0.0)
    return equity


def buy_and_hold(result: RunResult, times: Ints) -> BuyAndHold:
    """Return the figures of holding; its end is sold at the last closes, the taker fee taken again."""
    shares = shares_of(result)
    final = result.capital
    for symbol, share in shares.items():
        candles = result.candles[symbol]
        last = int(np.searchsorted(candles.at, result.ended_at, side="right")) - 1
        close = Decimal(int(candles.close[last])).scaleb(-UNITS_DIGITS) if last >= 0 else ZERO
        final += share.quantity * close * (ONE - result.fees.taker) - share.spent
    curve = curve_of_holding(result, times)
    returns = ratios.daily_returns(times, curve)
    fall = ratios.drawdown_of(times, curve)
    return BuyAndHold(
        symbols=len(shares),
        final_equity=final,
        total_return=float(final) / float(result.capital) - 1,
        sharpe=ratios.sharpe(returns),
        sortino=ratios.sortino(returns),
        calmar=ratios.calmar(returns, fall.depth),
        max_drawdown=fall.depth,
        max_drawdown_from=fall.since,
        max_drawdown_to=fall.until,
    )
