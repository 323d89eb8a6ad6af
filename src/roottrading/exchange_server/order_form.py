"""Orders as parameters: what each type needs, what it must not have, under whichever prefix a list gives its legs."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, cast, get_args

from msgspec import Struct

from roottrading.adapters.exchange.simulated.filters import SHAPES
from roottrading.adapters.exchange.simulated.refusals import Refused
from roottrading.adapters.exchange.simulated.state import TRIGGERED_TYPES
from roottrading.domain.order import OrderType, SelfTradePrevention, Side, TimeInForce
from roottrading.exchange_server.errors import ApiError, missing, not_required
from roottrading.exchange_server.names import Names
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.records import Extras
from roottrading.messages.exchange import ExchangeEvent, OrderRefused, OrderSpec

SIDES: Final = frozenset(get_args(Side))
TYPES: Final = frozenset(get_args(OrderType))
FORCES: Final = frozenset(get_args(TimeInForce))
RESPONSES: Final = frozenset({"ACK", "RESULT", "FULL"})
MODES: Final = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"})
USUAL_MODE: Final = "EXPIRE_MAKER"
LEAST_STRATEGY_TYPE: Final = 1_000_000

_OWN = ("type", "price", "stopPrice", "timeInForce", "trailingDelta", "icebergQty", "strategyId", "strategyType")
_PEGS = ("pegPriceType", "pegOffsetType", "pegOffsetValue")
# refused wherever they are sent, in Binance's own words: matching has no use for them
_UNSUPPORTED: Final = (
    ("trailingDelta", "Trailing stop orders are not supported for this symbol."),
    ("icebergQty", "Iceberg orders are not supported for this symbol."),
    ("pegPriceType", "Pegged orders are not supported for this symbol."),
    ("pegOffsetType", "Pegged orders are not supported for this symbol."),
    ("pegOffsetValue", "Pegged orders are not supported for this symbol."),
)


def prefixed(prefix: str, name: str) -> str:
    """Return a leg's name of a parameter: abovePrice for price."""
    return prefix + name[0].upper() + name[1:] if prefix else name


def leg_parameters(prefix: str) -> frozenset[str]:
    """Return the parameters that a list's leg has of its own."""
    return frozenset(prefixed(prefix, name) for name in (*_OWN, *_PEGS, "clientOrderId"))


ORDER_PARAMETERS: Final = frozenset(
    {
        *_OWN,
        *_PEGS,
        "symbol",
        "side",
        "quantity",
        "quoteOrderQty",
        "newClientOrderId",
        "newOrderRespType",
        "selfTradePreventionMode",
    }
)


class Form(Struct, frozen=True):
    """An order as it was asked for."""

    spec: OrderSpec
    extras: Extras


def read_side(parameters: Parameters, name: str = "side") -> Side:
    """Return BUY or SELL."""
    side = parameters.required(name)
    if side not in SIDES:
        raise ApiError(-1117, "Invalid side.")
    return cast(Side, side)


def read_mode(parameters: Parameters) -> SelfTradePrevention:
    """Return the way of self-trade prevention; what the exchange does not do no symbol allows."""
    mode = parameters.choice("selfTradePreventionMode", MODES) or USUAL_MODE
    if mode == "TRANSFER":
        raise ApiError(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return cast(SelfTradePrevention, mode)


def read_order(parameters: Parameters, names: Names) -> Form:
    """Return the order of a request that places one."""
    side = read_side(parameters)
    client_id = parameters.client_id("newClientOrderId") or names.next()
    return read_leg(parameters, "", side, client_id, _quantity(parameters), read_mode(parameters))


def _quantity(parameters: Parameters) -> Decimal | None:
    quantity = parameters.amount("quantity")
    if parameters.text("quoteOrderQty") is None:
        if quantity is None:
            raise missing("quantity")
        return quantity
    if parameters.text("type") != "MARKET":
        raise not_required("quoteOrderQty")
    if quantity is not None:
        raise not_required("quoteOrderQty")
    return None


def read_leg(
    parameters: Parameters,
    prefix: str,
    side: Side,
    client_id: str,
    quantity: Decimal | None,
    mode: SelfTradePrevention,
) -> Form:
    """Return one order, its parameters under a prefix; ApiError naming what is missing or too much."""

    def name(plain: str) -> str:
        return prefixed(prefix, plain)

    kind = parameters.required(name("type"))
    if kind not in TYPES:
        raise ApiError(-1116, "Invalid orderType.")
    for plain, words in _UNSUPPORTED:
        if parameters.text(name(plain)) is not None:
            raise ApiError(-1013, words)
    force = parameters.choice(name("timeInForce"), FORCES, lambda: ApiError(-1115, "Invalid timeInForce."))
    given = (parameters.amount(name("price")), parameters.amount(name("stopPrice")), force)
    for plain, value, wanted in zip(
        ("price", "stopPrice", "timeInForce"), given, SHAPES[cast(OrderType, kind)], strict=True
    ):
        if wanted and value is None:
            raise _lacks(name(plain), name("trailingDelta"), kind)
        if value is not None and not wanted:
            raise not_required(name(plain))
    quote = None if prefix else parameters.amount("quoteOrderQty")
    spec = OrderSpec(
        client_id,
        side,
        cast(OrderType, kind),
        quantity,
        given[0],
        given[1],
        cast("TimeInForce | None", force),
        mode,
        quote,
    )
    return Form(spec, _extras(parameters, prefix))


def _lacks(name: str, alternative: str, kind: str) -> ApiError:
    if kind in TRIGGERED_TYPES and name.lower().endswith("stopprice"):
        return ApiError(-1102, f"Param '{name}' or '{alternative}' must be sent, but both were empty/null!")
    return missing(name)


def _extras(parameters: Parameters, prefix: str) -> Extras:
    kind = parameters.integer(prefixed(prefix, "strategyType"))
    if kind is not None and kind < LEAST_STRATEGY_TYPE:
        raise ApiError(-1134, "strategyType was less than 1000000.")
    return Extras(parameters.integer(prefixed(prefix, "strategyId")), kind)


def read_response(parameters: Parameters, usual: str) -> str:
    """Return how much the answer is to say: ACK, RESULT or FULL."""
    return parameters.choice("newOrderRespType", RESPONSES) or usual


def as_error(refused: Refused) -> ApiError:
    """Return the core's refusal as the wire has it."""
    return ApiError(refused.code, refused.message)


def refusal_in(events: Iterable[ExchangeEvent], client_id: str) -> ApiError | None:
    """Return the refusal of the request `client_id` among what it caused, if there is one."""
    for event in events:
        if isinstance(event, OrderRefused) and event.client_order_id == client_id:
            return ApiError(event.code, event.message)
    return None
