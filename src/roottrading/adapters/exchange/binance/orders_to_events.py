"""Orders and executions as the exchange tells them, made into events."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, cast, get_args

from roottrading.adapters.exchange.binance.known_orders import KnownOrders
from roottrading.adapters.exchange.binance.rates import Rates, rates_of
from roottrading.adapters.exchange.binance.strangers import Strangers
from roottrading.adapters.exchange.binance.wire import Malformed, OrderReply, TradeReply, converted, time_of
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED, LIVE, OrderStatus, OrderType, Side
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    ExchangeEvent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderReported,
    OrderSpec,
)

TYPES: Final[frozenset[str]] = frozenset(get_args(OrderType))
SIDES: Final[frozenset[str]] = frozenset(get_args(Side))
STATUSES: Final[frozenset[str]] = LIVE | ENDED
TRIGGERED_TYPES: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
NEVER_PLACED: Final = frozenset({"REJECTED", "OTO_PHASE_ONE_EXPIRED"})


class Reader:
    """Turns what the exchange says into events; it remembers orders, fee rates, and what it did not know."""

    def __init__(self, fees: FeeSchedule | None = None) -> None:
        self.strangers = Strangers()
        self.orders = KnownOrders()
        self.rates: dict[str, Rates] = {}
        self.assets: dict[str, tuple[str, str]] = {}  # by symbol: base and quote
        self._assumed = rates_of(fees or FeeSchedule())

    def rate(self, symbol: str, side: Side, is_maker: bool, fee_asset: str) -> Decimal:
        """Return the fee rate of an execution, as far as it is known."""
        return self.rates.get(symbol, self._assumed).rate(side, is_maker, fee_asset)

    def free_of_charge(self, symbol: str, side: Side) -> str:
        """Return the asset in which nothing was charged where the exchange names none: the one received."""
        base, quote = self.assets.get(symbol, ("", ""))
        return base if side == "BUY" else quote

    def order(self, told: Any, where: str) -> OrderReply:
        """Read an order. Raises Malformed."""
        reply = converted(told, OrderReply, self.strangers, where)
        if reply.client_order_id or reply.orig_client_order_id:
            name = reply.orig_client_order_id or reply.client_order_id
            self.orders.note(reply.symbol, reply.order_id, name, reply.orig_qty or ZERO)
        return reply

    def side(self, side: str) -> Side:
        """Return a side. Raises Malformed for another word."""
        if side not in SIDES:
            self.strangers.note("side", side)
            raise Malformed(f"side {side!r} is unknown")
        return cast("Side", side)

    def type(self, type_: str) -> OrderType:
        """Return an order type. Raises Malformed for another word."""
        if type_ not in TYPES:
            self.strangers.note("order type", type_)
            raise Malformed(f"order type {type_!r} is unknown")
        return cast("OrderType", type_)

    def status(self, status: str) -> OrderStatus:
        """Return an order's status. Raises Malformed for another word."""
        if status not in STATUSES:
            self.strangers.note("order status", status)
            raise Malformed(f"order status {status!r} is unknown")
        return cast("OrderStatus", status)


def placed(reader: Reader, told: Any, specs: Mapping[str, OrderSpec], at: Time) -> list[ExchangeEvent]:
    """Return the events of an order in the answer to placing it, in whichever of the answer's three forms.

    `specs` are the orders asked for, by client order id: the shortest form (ACK) says nothing but the id.
    Raises Malformed.
    """
    reply = reader.order(told, "order")
    spec = specs.get(reply.client_order_id)
    side = reader.side(reply.side or (spec.side if spec else ""))
    kind = reader.type(reply.type or (spec.type if spec else ""))
    status = reader.status(reply.status or "NEW")
    when = time_of(reply.transact_time) if reply.transact_time > 0 else at
    quantity = reply.orig_qty or (spec.quantity if spec else None) or None
    pending = quantity is None and spec is not None and spec.quote_quantity is None
    never = status in ENDED and (reply.expiry_reason in NEVER_PLACED or pending)
    events: list[ExchangeEvent] = [
        OrderOpened(
            reply.symbol,
            reply.client_order_id,
            when,
            reply.order_id,
            reply.order_list_id,
            side,
            kind,
            quantity,
            reply.price or (spec.price if spec else None) or None,
            reply.stop_price or (spec.stop_price if spec else None) or None,
            "PENDING_NEW" if status == "PENDING_NEW" or never else "NEW",
        )
    ]
    events += _fills(reader, reply, side, status, when)
    told_executed = sum((fill.qty for fill in reply.fills), ZERO)
    if told_executed < reply.executed_qty:
        events.append(_report(reply, side, kind, status, when))
    if status in ENDED and status != "FILLED":
        events.append(
            OrderEnded(
                reply.symbol,
                reply.client_order_id,
                when,
                reply.order_id,
                status,
                reply.executed_qty,
                reply.expiry_reason,
            )
        )
    return events


def _fills(reader: Reader, reply: OrderReply, side: Side, status: OrderStatus, at: Time) -> list[ExchangeEvent]:
    events: list[ExchangeEvent] = []
    executed = ZERO
    for fill in reply.fills:
        executed += fill.qty
        filled = status == "FILLED" and executed >= reply.executed_qty
        if reader.orders.is_news(reply.symbol, fill.trade_id, reply.order_id):
            events.append(
                OrderExecuted(
                    reply.symbol,
                    reply.client_order_id,
                    at,
                    reply.order_id,
                    fill.trade_id,
                    side,
                    fill.price,
                    fill.qty,
                    fill.commission,
                    fill.commission_asset,
                    reader.rate(reply.symbol, side, False, fill.commission_asset),
                    False,
                    executed,
                    "FILLED" if filled else "PARTIALLY_FILLED",
                )
            )
    return events


def canceled(reader: Reader, told: Any, at: Time) -> list[ExchangeEvent]:
    """Return the end of an order in the answer to its cancel. Raises Malformed.

    Orders of a canceled list that had been filled before stand in the answer as well: their executions tell of that.
    """
    reply = reader.order(told, "canceled order")
    status = reader.status(reply.status or "CANCELED")
    if status == "FILLED":
        return []
    name = reply.orig_client_order_id or reply.client_order_id
    when = time_of(reply.transact_time) if reply.transact_time > 0 else at
    return [OrderEnded(reply.symbol, name, when, reply.order_id, status, reply.executed_qty, reply.expiry_reason)]


def reported(reader: Reader, told: Any, at: Time) -> OrderReported:
    """Return an order as a question found it. Raises Malformed."""
    reply = reader.order(told, "order")
    return _report(reply, reader.side(reply.side), reader.type(reply.type), reader.status(reply.status), at)


def open_orders(reader: Reader, told: Any, at: Time) -> tuple[OrderReported, ...]:
    """Return the open orders of a list; one that is of a kind we do not know is nobody's of ours, and left out.

    An open order with a status that we do not know is open. Raises Malformed for what is no list.
    """
    if not isinstance(told, list):
        raise Malformed("open orders: a list was expected")
    found = []
    for each in told:
        reply = reader.order(each, "order")
        try:
            status = reader.status(reply.status)
        except Malformed:
            status = "NEW"
        try:
            found.append(_report(reply, reader.side(reply.side), reader.type(reply.type), status, at))
        except Malformed:
            continue
    return tuple(found)


def _report(reply: OrderReply, side: Side, kind: OrderType, status: OrderStatus, at: Time) -> OrderReported:
    return OrderReported(
        reply.symbol,
        reply.client_order_id,
        at,
        reply.order_id,
        side,
        kind,
        reply.orig_qty or ZERO,
        reply.price or None,
        reply.stop_price or None,
        reply.executed_qty,
        status,
        time_of(reply.update_time) if reply.update_time > 0 else 0,
        kind in TRIGGERED_TYPES and (reply.is_working or reply.working_time > 0),
    )


def trades(reader: Reader, told: Any) -> list[TradeReply]:
    """Read the account's executions. Raises Malformed."""
    if not isinstance(told, list):
        raise Malformed("executions: a list was expected")
    return [converted(each, TradeReply, reader.strangers, "execution") for each in told]


def executions(reader: Reader, found: Iterable[TradeReply]) -> tuple[OrderExecuted, ...]:
    """Return executions by trade id, under the client order ids of their orders (empty where one is not known).

    The sum executed so far is that of the executions given: who asks from the middle of an order hears less.
    """
    sums: dict[int, Decimal] = {}
    events = []
    for trade in sorted(found, key=lambda trade: trade.id):
        side: Side = "BUY" if trade.is_buyer else "SELL"
        known = reader.orders.find(trade.symbol, trade.order_id)
        executed = sums[trade.order_id] = sums.get(trade.order_id, ZERO) + trade.qty
        filled = known is not None and known.quantity > 0 and executed >= known.quantity
        events.append(
            OrderExecuted(
                trade.symbol,
                "" if known is None else known.client_order_id,
                time_of(trade.time),
                trade.order_id,
                trade.id,
                side,
                trade.price,
                trade.qty,
                trade.commission,
                trade.commission_asset,
                reader.rate(trade.symbol, side, trade.is_maker, trade.commission_asset),
                trade.is_maker,
                executed,
                "FILLED" if filled else "PARTIALLY_FILLED",
            )
        )
        reader.orders.saw_trade(trade.symbol, trade.id)
    return tuple(events)
