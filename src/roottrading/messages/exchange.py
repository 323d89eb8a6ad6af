"""To and from the exchange: data both ways. Silence is an answer too (`OutcomeUnknown`)."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.balance import Balance
from roottrading.domain.instrument import Instrument
from roottrading.domain.order import ListKind, OrderStatus, OrderType, SelfTradePrevention, Side, TimeInForce
from roottrading.domain.time import Time

PROTECTION: Final = 0
EXIT: Final = 1
ENTRY: Final = 2


class OrderSpec(Struct, frozen=True, gc=False):
    """What an order is to be; `quantity` is None for the pending legs of an OPO, which the exchange sizes."""

    client_order_id: str
    side: Side
    type: OrderType
    quantity: Decimal | None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    self_trade_prevention: SelfTradePrevention = "EXPIRE_MAKER"
    quote_quantity: Decimal | None = None  # MARKET by quote amount (quoteOrderQty)


class Request(Struct, frozen=True, gc=False, tag=True, tag_field="request"):
    """Something asked of the exchange, under the id by which its fate can be asked for.

    `urgency`: 0 protection, 1 cancel or exit, 2 entry. `issued_at` is the signed timestamp on the exchange's clock;
    with recvWindow it fences zombies at the exchange itself (consistency-rules 4.1).
    """

    symbol: str
    client_order_id: str
    urgency: int
    issued_at: Time


class PlaceOrder(Request, frozen=True):
    """Place one order (its `client_order_id` is the request's)."""

    order: OrderSpec


class PlaceOrderList(Request, frozen=True):
    """Place a list: OCO (stop, target); OTO and OPO (working, pending); OTOCO and OPOCO (working, stop, target).

    The request's `client_order_id` is the list's; a leg's is its own.
    """

    kind: ListKind
    orders: tuple[OrderSpec, ...]


class CancelOrder(Request, frozen=True):
    """Cancel the order `target` (a client order id), and with a leg its whole list."""

    target: str


class CancelReplace(Request, frozen=True):
    """Cancel `target`, then place `order`; with `stop_on_failure` nothing is placed where the cancel fails.

    With `only_new` the cancel fails (-2011) where `target` was filled in part meanwhile (cancelRestrictions ONLY_NEW):
    the new order, sized for the whole, would else sell coins beside it.
    """

    target: str
    order: OrderSpec
    stop_on_failure: bool = True
    only_new: bool = False


class AmendOrder(Request, frozen=True):
    """Lower the quantity of the order `target`, which keeps its place in the book: answered by OrderReported."""

    target: str
    quantity: Decimal


class QueryOrder(Request, frozen=True):
    """Ask what became of the order `client_order_id`: answered by OrderReported or OrderAbsent."""


class ListOpenOrders(Request, frozen=True):
    """Ask for the symbol's open orders: answered by OpenOrdersReported."""


class ListFills(Request, frozen=True):
    """Ask for the symbol's executions from a trade id on: answered by ExecutionsReported."""

    from_trade_id: int = 0


class QueryAccount(Request, frozen=True):
    """Ask for the account's balances: answered by AccountChanged with all of them, under this request's id."""


AnyRequest = (
    PlaceOrder
    | PlaceOrderList
    | CancelOrder
    | CancelReplace
    | AmendOrder
    | QueryOrder
    | ListOpenOrders
    | ListFills
    | QueryAccount
)


def canonical_order(request: Request) -> tuple[int, str, str]:
    """Return the key by which what competes at one instant is ranked, not raced (consistency-rules 1.2)."""
    return request.urgency, request.symbol, request.client_order_id


class ExchangeEvent(Struct, frozen=True, gc=False, tag=True, tag_field="event"):
    """An answer or a fact from the exchange about `client_order_id`, at its own time `at`.

    Folded once by order id and trade id: reply, stream and reconciliation may all say the same.
    """

    symbol: str
    client_order_id: str
    at: Time


class OrderOpened(ExchangeEvent, frozen=True):
    """The exchange took an order: NEW and working, or PENDING_NEW (a list's pending leg, not placed yet)."""

    order_id: int
    list_id: int
    side: Side
    type: OrderType
    quantity: Decimal | None
    price: Decimal | None
    stop_price: Decimal | None
    status: OrderStatus


class OrderExecuted(ExchangeEvent, frozen=True):
    """One execution; `executed_quantity` is the sum so far and `status` the order's after it."""

    order_id: int
    trade_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_rate: Decimal
    is_maker: bool
    executed_quantity: Decimal
    status: OrderStatus


class OrderTriggered(ExchangeEvent, frozen=True):
    """A stop's price was reached: it works now as the market or limit order that it becomes (trading-rules 1.5)."""

    order_id: int


class OrderEnded(ExchangeEvent, frozen=True):
    """An order ended without being filled whole: CANCELED, EXPIRED, EXPIRED_IN_MATCH; `reason` is the expiry reason.

    A pending leg that could not be placed ends EXPIRED with reason REJECTED.
    """

    order_id: int
    status: OrderStatus
    executed_quantity: Decimal
    reason: str = ""


class OrderRefused(ExchangeEvent, frozen=True):
    """A request was refused and nothing of it placed; of a cancelReplace `cancel_code` tells the cancel's fate.

    -2021: the old order is cancelled, the new one refused. -2022: the cancel failed and nothing was placed.
    """

    code: int
    message: str
    cancel_code: int = 0


class CancelRefused(ExchangeEvent, frozen=True):
    """A cancel was refused (-2011: the order is filled or gone); `client_order_id` names the order to be cancelled."""

    code: int
    message: str


class OrderReported(ExchangeEvent, frozen=True):
    """The answer to QueryOrder: the order as the exchange has it; `updated_at` is its last change (0: not told).

    `triggered` says that a stop's price was reached (`isWorking`): nobody else tells it to who missed OrderTriggered.
    """

    order_id: int
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    executed_quantity: Decimal
    status: OrderStatus
    updated_at: Time = 0
    triggered: bool = False


class OrderAbsent(ExchangeEvent, frozen=True):
    """The answer to QueryOrder: no such order. Final only when asked late enough (consistency-rules 4.2)."""


class OutcomeUnknown(ExchangeEvent, frozen=True):
    """No answer, or one that says nothing (time-out, 5xx): the request may or may not have been carried out."""


class OpenOrdersReported(ExchangeEvent, frozen=True):
    """The answer to ListOpenOrders."""

    orders: tuple[OrderReported, ...]


class ExecutionsReported(ExchangeEvent, frozen=True):
    """The answer to ListFills: executions of the account in the symbol, by trade id."""

    executions: tuple[OrderExecuted, ...]


class AccountChanged(ExchangeEvent, frozen=True):
    """Balances that may have changed, whole values (outboundAccountPosition); `symbol` and `client_order_id` are empty.

    As the answer to QueryAccount it holds every balance and the request's symbol and id.
    """

    balances: tuple[Balance, ...]


class InstrumentChanged(ExchangeEvent, frozen=True):
    """The symbol's trading status changed (HALT, BREAK, CANCEL_ONLY, TRADING); `client_order_id` is empty.

    `instrument` is told where the exchange's rules for the symbol are known anew: filters may change at any time.
    """

    status: str
    instrument: Instrument | None = None


class LinkChanged(ExchangeEvent, frozen=True):
    """The way to the exchange changed: no service acts on it, people want to know; symbol and id are empty.

    `part` is what changed (rest, user_data, budget), `state` how it is now, `reason` why.
    """

    part: str
    state: str
    reason: str = ""


class ExchangeReply(Struct, frozen=True, gc=False):
    """Several events that the exchange gave at once, in its order: all are folded before anything is decided.

    What they are about in between - an entry filled whose legs are not told of yet - nobody needs to act on.
    """

    events: tuple[ExchangeEvent, ...]


class ReconcileDue(ExchangeEvent, frozen=True):
    """Time to compare our ledger with the exchange; each minute from a real link, never in process."""
