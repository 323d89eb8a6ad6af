"""A small exchange that follows a script: it answers like Binance and does what the test tells it, and no more.

It has no market. Orders taken at once are filled as `fills` says; what rests waits until the test fills, triggers or
cancels it. `refusals` and `outages` name, by leg (the letter in the client order id), what the next requests meet.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from roottrading.domain.balance import Balance
from roottrading.domain.money import floor_to
from roottrading.domain.order import OrderStatus
from roottrading.messages.exchange import (
    AccountChanged,
    CancelOrder,
    CancelRefused,
    CancelReplace,
    ExchangeEvent,
    ExecutionsReported,
    ListFills,
    ListOpenOrders,
    OpenOrdersReported,
    OrderAbsent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderRefused,
    OrderReported,
    OrderSpec,
    OutcomeUnknown,
    PlaceOrder,
    PlaceOrderList,
    QueryAccount,
    QueryOrder,
    Request,
)

LIVE = ("PENDING_NEW", "NEW", "PARTIALLY_FILLED")
Outage = Literal["before", "after"]


class Resting(Struct):
    """An order at the exchange."""

    spec: OrderSpec
    order_id: int
    list_id: int
    quantity: Decimal
    status: OrderStatus = "NEW"
    executed: Decimal = Decimal(0)
    updated_at: int = 0


def leg_of(client_order_id: str) -> str:
    """Return the leg's letter."""
    return client_order_id.rsplit("-", 1)[1][0]


class ScriptedExchange:
    def __init__(self, symbol: str, step: Decimal, base_free: Decimal = Decimal(0)) -> None:
        self.symbol = symbol
        self.step = step
        self.now = 0
        self.price = Decimal(100)
        self.fee_rate = Decimal("0.001")
        self.fee_asset_buy = "BASE"
        self.base_free = base_free
        self.orders: dict[str, Resting] = {}
        self.lists: dict[int, list[str]] = {}
        self.executions: list[OrderExecuted] = []
        self.requests: list[Request] = []
        self.fills: dict[str, list[Decimal]] = {}  # by leg: share of the quantity that each next order fills at once
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        self.outages: dict[str, list[Outage]] = {}
        self.silent_questions = 0  # so many questions are answered with OutcomeUnknown
        self.meanwhile: list[Callable[[], object]] = []  # what happens just before the next request that changes things
        self.in_two = False  # what is taken at once is filled in two executions
        self.duplicates = 0  # so many lists were placed before, by somebody whose answer nobody heard
        self.rest_ends: OrderStatus = "EXPIRED"  # how what is taken at once ends with a rest
        self.trades = 0
        self.numbers = 0
        self.mail: list[ExchangeEvent] = []

    # ---- requests

    def execute(self, request: Request, now: int) -> Sequence[ExchangeEvent]:
        self.now = now
        self.requests.append(request)
        self.mail = []
        if isinstance(request, QueryOrder | ListOpenOrders | ListFills | QueryAccount):
            if self.silent_questions:
                self.silent_questions -= 1
                return [OutcomeUnknown(self.symbol, request.client_order_id, now)]
            return [self._answer(request)]
        for happen in self.meanwhile:
            happen()
        self.meanwhile = []
        leg = leg_of(request.client_order_id)
        if isinstance(request, PlaceOrderList):
            leg = "l"
        outage = self.outages.get(leg)
        fate = outage.pop(0) if outage else None
        if fate == "before":
            return [OutcomeUnknown(self.symbol, request.client_order_id, now)]
        self._carry_out(request, leg)
        if fate == "after":
            return [OutcomeUnknown(self.symbol, request.client_order_id, now)]
        return self.mail

    def _carry_out(self, request: Request, leg: str) -> None:
        refusals = self.refusals.get(leg)
        refusal = refusals.pop(0) if refusals else None
        match request:
            case CancelReplace():
                self._replace(request, refusal)
            case CancelOrder():
                if refusal:
                    self.mail.append(OrderRefused(self.symbol, request.client_order_id, self.now, *refusal))
                elif not self.cancel(request.target):
                    self.mail.append(CancelRefused(self.symbol, request.target, self.now, -2011, "Unknown order sent."))
            case _ if refusal:
                self.mail.append(OrderRefused(self.symbol, request.client_order_id, self.now, *refusal))
            case PlaceOrder():
                self._place(request.order)
            case PlaceOrderList():
                self._place_list(request)
                if self.duplicates:
                    self.duplicates -= 1
                    duplicate = (-2010, "Duplicate order sent.")
                    self.mail = [OrderRefused(self.symbol, request.client_order_id, self.now, *duplicate)]
        self._tell_account()

    def _replace(self, request: CancelReplace, refusal: tuple[int, str] | None) -> None:
        def refuse(code: int, message: str, cancel_code: int = 0) -> None:
            self.mail.append(OrderRefused(self.symbol, request.client_order_id, self.now, code, message, cancel_code))

        if refusal and refusal[0] != -2021:
            refuse(*refusal)
            return
        target = self.orders.get(request.target)
        touched = request.only_new and target is not None and target.executed
        if touched or not self.cancel(request.target):
            refuse(-2022, "Order cancel-replace failed.", -2011)
        elif refusal:
            refuse(*refusal)
        else:
            self._place(request.order)

    def _place(self, spec: OrderSpec) -> None:
        assert spec.quantity is not None
        if spec.side == "SELL":
            if self.base_free < spec.quantity:
                self.mail.append(
                    OrderRefused(
                        self.symbol,
                        spec.client_order_id,
                        self.now,
                        -2010,
                        "Account has insufficient balance for requested action.",
                    )
                )
                return
            self.base_free -= spec.quantity
        self._open(spec, spec.quantity, -1)
        self._take(spec)

    def _take(self, spec: OrderSpec) -> None:
        """Fill what is taken at once, and end what may not rest."""
        order = self.orders[spec.client_order_id]
        at_once = spec.type == "MARKET" or spec.time_in_force in ("IOC", "FOK")
        if not at_once:
            return
        shares = self.fills.get(leg_of(spec.client_order_id))
        share = shares.pop(0) if shares else Decimal(1)
        if spec.time_in_force == "FOK" and share < 1:
            share = Decimal(0)
        quantity = floor_to(order.quantity * share, self.step)
        if quantity:
            first = floor_to(quantity / 2, self.step) if self.in_two else Decimal(0)
            for part in (first, quantity - first):
                if part:
                    self.fill(spec.client_order_id, part)
        if order.executed < order.quantity:
            reasons = {"FOK": "UNFILLED_FOK_ORDER_EXPIRED", "IOC": "UNFILLED_IOC_QUANTITY_EXPIRED"}
            reason = reasons.get(spec.time_in_force or "", "INSUFFICIENT_LIQUIDITY")
            self.end(spec.client_order_id, self.rest_ends, reason)

    def _place_list(self, request: PlaceOrderList) -> None:
        self.numbers += 1
        list_id = self.numbers
        self.lists[list_id] = [spec.client_order_id for spec in request.orders]
        if request.kind == "OCO":
            quantity = request.orders[0].quantity
            assert quantity is not None
            if self.base_free < quantity:
                self.mail.append(
                    OrderRefused(
                        self.symbol,
                        request.client_order_id,
                        self.now,
                        -2010,
                        "Account has insufficient balance for requested action.",
                    )
                )
                return
            self.base_free -= quantity
            for spec in request.orders:
                self._open(spec, quantity, list_id)
            return
        working, *legs = request.orders
        assert working.quantity is not None
        self._open(working, working.quantity, list_id)
        for spec in legs:
            self._open(spec, Decimal(0), list_id, "PENDING_NEW")
        received_before = self.base_free
        self._take(working)
        if self.orders[working.client_order_id].status != "FILLED":
            for spec in legs:
                self.end(spec.client_order_id, "EXPIRED", "OTO_PHASE_ONE_EXPIRED")
            return
        quantity = floor_to(self.base_free - received_before, self.step)
        rejected = self.refusals.get("pending")
        if rejected and rejected.pop(0):
            for spec in legs:
                self.end(spec.client_order_id, "EXPIRED", "REJECTED")
            return
        self.base_free -= quantity
        for spec in legs:
            order = self.orders[spec.client_order_id]
            order.quantity, order.status = quantity, "NEW"
            self._tell_opened(order)

    def _answer(self, request: Request) -> ExchangeEvent:
        if isinstance(request, QueryOrder):
            order = self.orders.get(request.client_order_id)
            if order is None:
                return OrderAbsent(self.symbol, request.client_order_id, self.now)
            return self._report(order)
        if isinstance(request, QueryAccount):
            balances = (Balance("BASE", self.base_free, Decimal(0)),)
            return AccountChanged(self.symbol, request.client_order_id, self.now, balances)
        if isinstance(request, ListFills):
            executions = tuple(e for e in self.executions if e.trade_id >= request.from_trade_id)
            return ExecutionsReported(self.symbol, request.client_order_id, self.now, executions)
        reports = tuple(self._report(order) for order in self.orders.values() if order.status in LIVE)
        return OpenOrdersReported(self.symbol, request.client_order_id, self.now, reports)

    # ---- what happens at the exchange; each returns the events

    def fill(self, client_order_id: str, quantity: Decimal, price: Decimal | None = None) -> list[ExchangeEvent]:
        """Execute a part of an order; the other leg of its OCO ends first, as at Binance."""
        order = self.orders[client_order_id]
        spec = order.spec
        begun = len(self.mail)
        for other in self._siblings(order):
            self.end(other, "EXPIRED", "OCO_TRIGGER")
        price = price or spec.price or spec.stop_price or self.price
        buys = spec.side == "BUY"
        fee = quantity * self.fee_rate if buys else quantity * price * self.fee_rate
        if buys:
            self.base_free += quantity - (fee if self.fee_asset_buy == "BASE" else Decimal(0))
        order.executed += quantity
        order.status = "FILLED" if order.executed == order.quantity else "PARTIALLY_FILLED"
        order.updated_at = self.now
        self.trades += 1
        event = OrderExecuted(
            self.symbol,
            client_order_id,
            self.now,
            order.order_id,
            self.trades,
            spec.side,
            price,
            quantity,
            fee,
            self.fee_asset_buy if buys else "QUOTE",
            self.fee_rate,
            spec.type in ("LIMIT_MAKER",),
            order.executed,
            order.status,
        )
        self.executions.append(event)
        self.mail.append(event)
        return self.mail[begun:]

    def end(self, client_order_id: str, status: OrderStatus, reason: str = "") -> list[ExchangeEvent]:
        """End an order before it is filled; a list's lock goes with its last leg."""
        order = self.orders[client_order_id]
        if order.status not in LIVE:
            return []
        was_pending = order.status == "PENDING_NEW"
        order.status = status
        order.updated_at = self.now
        if order.spec.side == "SELL" and not was_pending and not self._siblings(order):
            self.base_free += order.quantity - order.executed
        event = OrderEnded(self.symbol, client_order_id, self.now, order.order_id, status, order.executed, reason)
        self.mail.append(event)
        return [event]

    def cancel(self, client_order_id: str) -> list[ExchangeEvent]:
        """Cancel an order, and with a leg its list; nothing where it does not rest."""
        order = self.orders.get(client_order_id)
        if order is None or order.status not in LIVE:
            return []
        events = []
        for leg in [client_order_id, *self._siblings(order)]:
            events.extend(self.end(leg, "CANCELED"))
        return events

    def sold_by_hand(self, quantity: Decimal, price: Decimal) -> list[ExchangeEvent]:
        """A person sells base of the account under an id that is not ours."""
        self.base_free -= quantity
        self.trades += 1
        self.numbers += 1
        event = OrderExecuted(
            self.symbol,
            "web_1",
            self.now,
            self.numbers,
            self.trades,
            "SELL",
            price,
            quantity,
            quantity * price * self.fee_rate,
            "QUOTE",
            self.fee_rate,
            False,
            quantity,
            "FILLED",
        )
        self.executions.append(event)
        return [event]

    def account(self) -> AccountChanged:
        return AccountChanged(self.symbol, "", self.now, (Balance("BASE", self.base_free, Decimal(0)),))

    # ---- telling

    def _siblings(self, order: Resting) -> list[str]:
        legs = self.lists.get(order.list_id, [])
        name = order.spec.client_order_id
        return [
            leg
            for leg in legs
            if leg != name and leg in self.orders and self.orders[leg].status in LIVE and order.spec.side == "SELL"
        ]

    def _open(self, spec: OrderSpec, quantity: Decimal, list_id: int, status: Any = "NEW") -> None:
        self.numbers += 1
        order = Resting(spec, self.numbers, list_id, quantity, status, Decimal(0), self.now)
        self.orders[spec.client_order_id] = order
        self._tell_opened(order)

    def _tell_opened(self, order: Resting) -> None:
        spec = order.spec
        self.mail.append(
            OrderOpened(
                self.symbol,
                spec.client_order_id,
                self.now,
                order.order_id,
                order.list_id,
                spec.side,
                spec.type,
                order.quantity or None,
                spec.price,
                spec.stop_price,
                order.status,
            )
        )

    def _tell_account(self) -> None:
        if self.mail:
            self.mail.append(self.account())

    def _report(self, order: Resting) -> OrderReported:
        spec = order.spec
        return OrderReported(
            self.symbol,
            spec.client_order_id,
            self.now,
            order.order_id,
            spec.side,
            spec.type,
            order.quantity,
            spec.price,
            spec.stop_price,
            order.executed,
            order.status,
            order.updated_at,
        )
