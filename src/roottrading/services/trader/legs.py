"""Orders as they are sent: which type, at which price, under which id."""

from decimal import Decimal
from typing import Final, Literal

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE, floor_to
from roottrading.domain.order import SelfTradePrevention
from roottrading.messages.exchange import (
    AnyRequest,
    CancelOrder,
    CancelReplace,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
    QueryOrder,
)
from roottrading.services.trader.state import CycleExecution
from roottrading.services.trader.turn import Turn

Leg = Literal["e", "s", "t", "x", "l", "c", "q"]
ENTRY_LEG: Final = "e"
STOP_LEG: Final = "s"
TARGET_LEG: Final = "t"
EXIT_LEG: Final = "x"


def leg_id(execution: CycleExecution, leg: Leg, attempt: int) -> str:
    """Return the client order id of a leg's attempt; the first attempts' are those of the plan."""
    return f"{execution.prefix}{leg}{attempt}"


def leg_of(execution: CycleExecution, client_order_id: str) -> str:
    """Return the letter of the leg that an id of this cycle names; empty for an id that is not this cycle's."""
    if client_order_id.startswith(execution.prefix):
        return client_order_id[len(execution.prefix)]
    return ""


def sibling_of(execution: CycleExecution, client_order_id: str) -> str:
    """Return the id that the other leg of a stop's or target's list would have."""
    at = len(execution.prefix)
    other = TARGET_LEG if client_order_id[at] == STOP_LEG else STOP_LEG
    return f"{execution.prefix}{other}{client_order_id[at + 1 :]}"


def prevention(instrument: Instrument, wanted: SelfTradePrevention) -> SelfTradePrevention:
    """Return the self-trade prevention to send; NONE where the symbol does not know the one wanted."""
    return wanted if wanted in instrument.self_trade_prevention else "NONE"


def stop_limit(turn: Turn, stop_price: Decimal) -> Decimal | None:
    """Return the limit of a stop: None where the symbol has STOP_LOSS, which sells at market (trading-rules 1.5)."""
    if "STOP_LOSS" in turn.instrument.order_types:
        return None
    return floor_to(stop_price * (ONE - turn.desk.settings.stop_limit_distance), turn.instrument.tick_size)


def stop_spec(turn: Turn, client_order_id: str, quantity: Decimal | None, stop_price: Decimal) -> OrderSpec:
    """Return the stop leg; `quantity` is None where the exchange sizes it."""
    limit = stop_limit(turn, stop_price)
    return OrderSpec(
        client_order_id,
        "SELL",
        "STOP_LOSS" if limit is None else "STOP_LOSS_LIMIT",
        quantity,
        limit,
        stop_price,
        None if limit is None else "GTC",
        prevention(turn.instrument, "EXPIRE_TAKER"),
    )


def target_spec(turn: Turn, client_order_id: str, quantity: Decimal | None, price: Decimal) -> OrderSpec:
    """Return the target leg, which only ever makes."""
    return OrderSpec(
        client_order_id,
        "SELL",
        "LIMIT_MAKER",
        quantity,
        price,
        None,
        None,
        prevention(turn.instrument, "EXPIRE_TAKER"),
    )


def market_sell_spec(turn: Turn, client_order_id: str, quantity: Decimal) -> OrderSpec:
    """Return a sell at market; after a match with our own bid it goes before that bid (trading-rules 1.12)."""
    mode: SelfTradePrevention = "EXPIRE_MAKER" if turn.execution.over_makers else "EXPIRE_TAKER"
    return OrderSpec(client_order_id, "SELL", "MARKET", quantity, None, None, None, prevention(turn.instrument, mode))


def specs_of(request: AnyRequest) -> tuple[OrderSpec, ...]:
    """Return the orders that a request asks for."""
    if isinstance(request, PlaceOrderList):
        return request.orders
    if isinstance(request, (PlaceOrder, CancelReplace)):
        return (request.order,)
    return ()


def ids_asked_about(request: AnyRequest) -> tuple[str, ...]:
    """Return the client order ids whose fate tells the request's."""
    if isinstance(request, (CancelReplace, CancelOrder)):
        specs = specs_of(request)
        return (*(spec.client_order_id for spec in specs), request.target)
    if isinstance(request, QueryOrder):
        return (request.client_order_id,)
    return tuple(spec.client_order_id for spec in specs_of(request))
