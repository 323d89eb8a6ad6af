"""What doing nothing would have brought: every symbol bought with an equal share, held over the span (6.3)."""

from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS, UNITS_DIGITS, Floats, Ints
from roottrading.domain.money import ONE, ZERO, quotient_down
from roottrading.domain.time import Time, duration
from roottrading.reports import ratios
from roottrading.reports.equity import midnights
from roottrading.reports.result import RunResult


class BuyAndHold(Struct, frozen=True, kw_only=True):
    """The yardstick's figures, measured at every finest close, whatever the run did; amounts in quote."""

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
        since = int(np.searchsorted(times, share.bought_at, side="right"))
        candles = result.candles[symbol]
        closed = candles.at
        rows = np.searchsorted(closed, times[since:], side="right") - 1
        # until the candle that it was bought in has closed, it is worth what was spent
        known = rows >= np.searchsorted(closed, share.bought_at, side="right")
        worth = float(share.quantity) / UNITS * candles.close[np.maximum(rows, 0)]
        equity[since:] += np.where(known, worth - float(share.spent), 0.0)
    return equity


def instants_of(result: RunResult) -> Ints:
    """Return the span's begin and end, and every finest close and 00:00 UTC between them."""
    begin, end = result.started_at, result.ended_at
    steps = [duration(candles.timeframe) for candles in result.candles.values()]
    # a grid instead of the candles' own times: those of all symbols, put together, would be too many
    grid = np.arange(begin - begin % -min(steps), end, min(steps)) if steps else np.empty(0, dtype=np.int64)
    days = np.array(midnights(begin, end), dtype=np.int64)
    instants: Ints = np.sort(np.concatenate([[begin], grid, [end], days]).astype(np.int64), kind="stable")
    return instants[np.diff(instants, prepend=begin - 1) > 0]  # many times faster than np.unique on what is in order


def buy_and_hold(result: RunResult) -> BuyAndHold:
    """Return the figures of holding; its end is sold at the last closes, the taker fee taken again."""
    shares = shares_of(result)
    final = result.capital
    for symbol, share in shares.items():
        candles = result.candles[symbol]
        last = int(np.searchsorted(candles.at, result.ended_at, side="right")) - 1
        close = Decimal(int(candles.close[last])).scaleb(-UNITS_DIGITS) if last >= 0 else ZERO
        final += share.quantity * close * (ONE - result.fees.taker) - share.spent
    times = instants_of(result)
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
