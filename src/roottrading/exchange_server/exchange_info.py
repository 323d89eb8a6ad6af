"""exchangeInfo in today's form: only filters that the exchange enforces, only flags of what it does."""

from typing import Any, Final

import msgspec

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import plain
from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError, malformed
from roottrading.exchange_server.order_form import USUAL_MODE
from roottrading.exchange_server.order_lists import MOST_LISTS
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.trading import MOST_AMENDMENTS
from roottrading.exchange_server.wording import amount

STATUSES: Final = frozenset({"TRADING", "HALT", "BREAK", "END_OF_DAY", "CANCEL_ONLY"})
PERMISSION: Final = "SPOT"
_TYPES: Final = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
_MODES: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")


def filters_of(instrument: Instrument) -> list[dict[str, Any]]:
    """Return a symbol's filters; the average price of two of them is the last one (avgPriceMins 0)."""
    filters: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": amount(instrument.min_price),
            "maxPrice": amount(instrument.max_price),
            "tickSize": amount(instrument.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": amount(instrument.min_quantity),
            "maxQty": amount(instrument.max_quantity),
            "stepSize": amount(instrument.step_size),
        },
        _notional(instrument),
    ]
    if instrument.market_max_quantity or instrument.market_min_quantity or instrument.market_step_size:
        filters.append(
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": amount(instrument.market_min_quantity),
                "maxQty": amount(instrument.market_max_quantity),
                "stepSize": amount(instrument.market_step_size),
            }
        )
    percent = instrument.percent_price
    if percent is not None:
        filters.append(
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": plain(percent.bid_up),
                "bidMultiplierDown": plain(percent.bid_down),
                "askMultiplierUp": plain(percent.ask_up),
                "askMultiplierDown": plain(percent.ask_down),
                "avgPriceMins": 0,
            }
        )
    if instrument.max_orders is not None:
        filters.append({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": instrument.max_orders})
    if instrument.max_algo_orders is not None:
        filters.append({"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": instrument.max_algo_orders})
    filters.append({"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": MOST_LISTS})
    filters.append({"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": MOST_AMENDMENTS})
    return filters


def _notional(instrument: Instrument) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "filterType": "NOTIONAL",
        "minNotional": amount(instrument.min_notional),
        "applyMinToMarket": instrument.min_notional_at_market,
        "avgPriceMins": 0,
    }
    if instrument.max_notional:
        shown |= {"maxNotional": amount(instrument.max_notional), "applyMaxToMarket": instrument.max_notional_at_market}
    return shown


def symbol_info(instrument: Instrument, status: str, permission_sets: bool = True) -> dict[str, Any]:
    """Return a symbol as exchangeInfo shows it."""
    allowed = [mode for mode in _MODES if mode in instrument.self_trade_prevention]
    return {
        "symbol": instrument.symbol,
        "status": status,
        "baseAsset": instrument.base_asset,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote_asset,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": instrument.base_fee_digits,
        "quoteCommissionPrecision": instrument.quote_fee_digits,
        "orderTypes": [kind for kind in _TYPES if kind in instrument.order_types],
        "icebergAllowed": False,
        "ocoAllowed": instrument.oco_allowed,
        "otoAllowed": instrument.oto_allowed,
        "opoAllowed": instrument.opo_allowed,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": instrument.cancel_replace_allowed,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters_of(instrument),
        "permissions": [],
        "permissionSets": [[PERMISSION]] if permission_sets else [],
        "defaultSelfTradePreventionMode": USUAL_MODE,
        "allowedSelfTradePreventionModes": allowed,
    }


def exchange_info(call: Call) -> dict[str, Any]:
    """Answer with the exchange's rules and symbols."""
    parameters, venue = call.parameters, call.venue
    symbols = _wanted(call)
    shown_sets = parameters.boolean("showPermissionSets", usual=True)
    return {
        "timezone": "UTC",
        "serverTime": call.stamp(call.now),
        "rateLimits": call.server.limits.shown(),
        "exchangeFilters": [],
        "symbols": [symbol_info(venue.instruments[each], venue.status(each), shown_sets) for each in symbols],
    }


def _wanted(call: Call) -> list[str]:
    """Return the symbols asked for; ApiError where two ways of asking stand together."""
    parameters, venue = call.parameters, call.venue
    ways = parameters.names & {"symbol", "symbols", "permissions"}
    if len(ways) > 1 or ("symbolStatus" in parameters and ways & {"symbol", "symbols"}):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    if "symbol" in parameters:
        return [parameters.symbol(venue.instruments)]
    several = parameters.symbols(venue.instruments)
    if several is not None:
        return several
    status = parameters.choice("symbolStatus", STATUSES, lambda: ApiError(-1122, "Invalid symbolStatus."))
    if PERMISSION not in _permissions(parameters):
        return []
    return [each for each in sorted(venue.instruments) if status in {None, venue.status(each)}]


def _permissions(parameters: Parameters) -> list[str]:
    text = parameters.text("permissions")
    if text is None:
        return [PERMISSION]
    if not text.startswith("["):
        return [text]
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise malformed("permissions", "^[A-Z0-9_]*$") from None


def execution_rules(call: Call) -> dict[str, Any]:
    """Answer that no symbol has an execution rule."""
    parameters, venue = call.parameters, call.venue
    if len(parameters) > 1:
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    return {"symbolRules": [{"symbol": each, "rules": []} for each in _wanted(call) if each in venue.instruments]}


def _rules_weight(parameters: Parameters) -> int:
    return 2 if "symbol" in parameters else 40


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/api/v3/exchangeInfo",
        "exchangeInfo",
        exchange_info,
        frozenset({"symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"}),
        weight=20,
    ),
    Endpoint(
        "GET",
        "/api/v3/executionRules",
        "executionRules",
        execution_rules,
        frozenset({"symbol", "symbols", "symbolStatus"}),
        weight=_rules_weight,
    ),
)
