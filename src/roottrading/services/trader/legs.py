"""Orders as they are sent: which type, at which price, under which id."""

from decimal import Decimal

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
from roottrading.services.trader.turn import Turn


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
    if type(request) is PlaceOrderList:
        return request.orders
    if type(request) is PlaceOrder or type(request) is CancelReplace:
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
