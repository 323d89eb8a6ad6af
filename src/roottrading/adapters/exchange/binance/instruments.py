"""What exchangeInfo says: the symbols' instruments and status, and the exchange's limits."""

from collections.abc import Iterable
from typing import Any, TypeGuard

from roottrading.adapters.exchange.binance.budget import INTERVALS, Budget
from roottrading.adapters.exchange.binance.strangers import Strangers
from roottrading.domain.instrument import Instrument
from roottrading.messages.exchange_info import ExchangeInfoError, parse_instruments


def instruments_of(told: Any, wanted: Iterable[str], strangers: Strangers) -> dict[str, Instrument]:
    """Return the wanted symbols' instruments; flags that are absent are not allowed (trading-rules 5.8).

    A symbol whose entry cannot be read is left out and counted: the others go on.
    """
    listed = told.get("symbols") if isinstance(told, dict) else None
    names = set(wanted)
    found: dict[str, Instrument] = {}
    for entry in listed if isinstance(listed, list) else ():
        symbol = entry.get("symbol") if isinstance(entry, dict) else None
        if symbol not in names:
            continue
        try:
            found.update(parse_instruments({"symbols": [entry]}, absent_is_allowed=False))
        except (ExchangeInfoError, ArithmeticError) as error:
            strangers.note("exchangeInfo", error)
    return found


def take_limits(told: Any, budget: Budget) -> None:
    """Take the limits that exchangeInfo names into the budget."""
    limits = told.get("rateLimits") if isinstance(told, dict) else None
    for each in limits if isinstance(limits, list) else ():
        if not isinstance(each, dict) or each.get("interval") not in INTERVALS:
            continue
        kind, number, most = each.get("rateLimitType"), each.get("intervalNum"), each.get("limit")
        if kind in {"REQUEST_WEIGHT", "ORDERS"} and _is_count(number) and _is_count(most):
            budget.set_limit(kind, number * INTERVALS[each["interval"]], most)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9
