"""Instruments out of Binance's exchangeInfo, recorded or fresh, in its old and new forms."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from roottrading.domain.instrument import Instrument, PercentPrice
from roottrading.domain.money import ZERO, plain

PREDATED_TYPES: Final = frozenset({"STOP_LOSS", "TAKE_PROFIT"})  # on no spot symbol in 2021, on all since
PREDATED_MODES: Final = frozenset({"EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"})
_LIST_FLAG: Final = "otoAllowed"  # the youngest of the flags that every present recording has


class ExchangeInfoError(ValueError):
    """An answer that is not in exchangeInfo's form."""


def parse_instruments(answer: Any, *, absent_is_allowed: bool = True) -> dict[str, Instrument]:
    """Return the instruments of a decoded exchangeInfo answer by symbol; unknown filters and fields are passed over.

    `absent_is_allowed`: flags and order types that a recording predates are taken as allowed; for a fresh answer they
    are not (trading-rules 5.8). Raises ExchangeInfoError naming symbol and filter where something is missing.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("symbols"), list):
        raise ExchangeInfoError("no exchangeInfo: an object with a list `symbols` is allowed")
    found = {}
    for entry in answer["symbols"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("symbol"), str):
            raise ExchangeInfoError("exchangeInfo: an entry of `symbols` without its symbol")
        try:
            found[entry["symbol"]] = _instrument(entry, absent_is_allowed)
        except KeyError as error:
            raise ExchangeInfoError(f"{entry['symbol']}: lacks {error.args[0]}") from None
        except (InvalidOperation, TypeError, ValueError, AttributeError) as error:
            raise ExchangeInfoError(f"{entry['symbol']}: not in exchangeInfo's form ({error})") from None
    return found


def _instrument(entry: Mapping[str, Any], absent: bool) -> Instrument:
    filters = {each["filterType"]: each for each in entry["filters"]}
    price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    market_lot = filters.get("MARKET_LOT_SIZE", {})
    least, least_at_market, most, most_at_market = _notional(filters)
    order_types = frozenset(entry["orderTypes"])
    if absent and _LIST_FLAG not in entry:
        order_types |= PREDATED_TYPES
    modes = entry.get("allowedSelfTradePreventionModes")
    return Instrument(
        symbol=entry["symbol"],
        base_asset=entry["baseAsset"],
        quote_asset=entry["quoteAsset"],
        tick_size=_number(price["tickSize"]),
        step_size=_number(lot["stepSize"]),
        min_quantity=_number(lot["minQty"]),
        max_quantity=_number(lot["maxQty"]),
        min_notional=least,
        min_price=_number(price["minPrice"]),
        max_price=_number(price["maxPrice"]),
        market_step_size=_number(market_lot.get("stepSize", "0")),
        market_min_quantity=_number(market_lot.get("minQty", "0")),
        market_max_quantity=_number(market_lot.get("maxQty", "0")),
        max_notional=most,
        min_notional_at_market=least_at_market,
        max_notional_at_market=most_at_market,
        percent_price=_percent_price(filters),
        max_orders=_count(filters.get("MAX_NUM_ORDERS"), "maxNumOrders"),
        max_algo_orders=_count(filters.get("MAX_NUM_ALGO_ORDERS"), "maxNumAlgoOrders"),
        base_fee_digits=int(entry.get("baseCommissionPrecision", 8)),
        quote_fee_digits=int(entry.get("quoteCommissionPrecision", 8)),
        status=entry["status"],
        order_types=order_types,
        oco_allowed=bool(entry.get("ocoAllowed", absent)),
        oto_allowed=bool(entry.get(_LIST_FLAG, absent)),
        opo_allowed=bool(entry.get("opoAllowed", absent)),
        cancel_replace_allowed=bool(entry.get("cancelReplaceAllowed", absent)),
        self_trade_prevention=frozenset(modes) if modes is not None else PREDATED_MODES if absent else frozenset(),
    )


def _notional(filters: Mapping[str, Mapping[str, Any]]) -> tuple[Decimal, bool, Decimal, bool]:
    """Return least notional, whether it binds market orders, and the same of the largest (0: none)."""
    if (given := filters.get("NOTIONAL")) is not None:
        return (
            _number(given["minNotional"]),
            bool(given["applyMinToMarket"]),
            _number(given.get("maxNotional", "0")),
            bool(given.get("applyMaxToMarket", False)),
        )
    if (given := filters.get("MIN_NOTIONAL")) is not None:
        return _number(given["minNotional"]), bool(given["applyToMarket"]), ZERO, False
    return ZERO, False, ZERO, False


def _percent_price(filters: Mapping[str, Mapping[str, Any]]) -> PercentPrice | None:
    if (given := filters.get("PERCENT_PRICE_BY_SIDE")) is not None:
        return PercentPrice(
            bid_up=_number(given["bidMultiplierUp"]),
            bid_down=_number(given["bidMultiplierDown"]),
            ask_up=_number(given["askMultiplierUp"]),
            ask_down=_number(given["askMultiplierDown"]),
        )
    if (given := filters.get("PERCENT_PRICE")) is not None:
        up, down = _number(given["multiplierUp"]), _number(given["multiplierDown"])
        return PercentPrice(bid_up=up, bid_down=down, ask_up=up, ask_down=down)
    return None


def _count(given: Mapping[str, Any] | None, name: str) -> int | None:
    """Return the filter's bound; answers before 2019 called every one of them `limit`."""
    if given is None:
        return None
    return int(given[name] if name in given else given["limit"])


def _number(text: str) -> Decimal:
    """Read a decimal text without its idle zeros, so that the exponent of a tick or step is its number of digits."""
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"{text} is no number")
    return Decimal(plain(number))
