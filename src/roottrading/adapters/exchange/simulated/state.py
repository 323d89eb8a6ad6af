"""The exchange's records: all that it knows, and the tables they are kept in.

Unlike a service's, these records change in place: matching is the hottest path of all. What leaves as a row is a copy.
"""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.money import ZERO
from roottrading.domain.order import OrderStatus, OrderType, SelfTradePrevention, Side, TimeInForce
from roottrading.domain.time import Time
from roottrading.messages.exchange import OrderExecuted, OrderSpec
from roottrading.messages.service import Table

Waits = Literal["", "working", "open", "limit", "trigger"]

MARKET_TYPES: Final = frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"})
STOP_TYPES: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
TARGET_TYPES: Final = frozenset({"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
TRIGGERED_TYPES: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


class BookOrder(Struct, gc=False):
    """An order at the exchange.

    `quantity` is 0 while it is not known (pending legs of an OPO, MARKET by quote amount). `locked` is what the order
    itself holds of its paying asset; of an OCO's two legs one holds it for both (`sibling` is the other leg's id, -1
    for none). `pending` are the ids of the legs that this working order brings in; where it `pays` them, what it
    receives is locked for the first of them (OPO). `waits` says what for: its working order, the next open, a taker
    at its limit, or its trigger (until it was `triggered`). `level` is the price at which a candle touches it, from
    above where it `falls`. `priority` is its place in the queue; `ended` counts the symbol's endings (0: it lives).
    """

    id: int
    account: str
    symbol: str
    client_order_id: str
    list_id: int
    list_client_id: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    time_in_force: TimeInForce | None
    self_trade_prevention: SelfTradePrevention
    quote_quantity: Decimal | None
    created_at: Time
    updated_at: Time
    status: OrderStatus = "NEW"
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    locked: Decimal = ZERO
    waits: Waits = ""
    level: Decimal = ZERO
    falls: bool = False
    priority: int = 0
    triggered: bool = False
    sibling: int = -1
    pending: tuple[int, ...] = ()
    pays: bool = False
    ended: int = 0


class Market(Struct, gc=False):
    """Where a symbol's tape stands.

    `last` is the last price known: an open or a close, told at `told_at`; `earlier` is the one known before that
    instant. At `open_time` the tape is `standing` on that candle's open;
    of the candle's volume `allowance` is left for fills, `traded` says that there was any, and `bought` names the
    accounts that bought in it (their targets wait for the next candle, trading-rules 5.2). The counters number
    orders, executions, lists, places in the queue and endings.
    """

    symbol: str
    status: str
    last: Decimal | None = None
    told_at: Time = -1
    earlier: Decimal | None = None
    open_time: Time = -1
    standing: bool = False
    traded: bool = False
    allowance: Decimal = ZERO
    bought: tuple[str, ...] = ()
    orders: int = 0
    trades: int = 0
    lists: int = 0
    priorities: int = 0
    endings: int = 0


class Wallet(Struct, gc=False):
    """An account's amounts of an asset."""

    account: str
    asset: str
    free: Decimal = ZERO
    locked: Decimal = ZERO


class Execution(Struct, frozen=True, gc=False):
    """An account's side of a trade."""

    account: str
    executed: OrderExecuted


Asked = OrderSpec | BookOrder  # what was asked for: not in the book yet, or in it

ORDERS: Final = "exchange_orders"
MARKETS: Final = "exchange_markets"
WALLETS: Final = "exchange_accounts"
EXECUTIONS: Final = "exchange_executions"

TABLES: Final[tuple[Table, ...]] = (
    Table(WALLETS, ("account", "asset"), Wallet, "state"),
    Table(MARKETS, ("symbol",), Market, "state"),
    Table(ORDERS, ("symbol", "order_id"), BookOrder, "state"),
    Table(EXECUTIONS, ("symbol", "trade_id", "order_id"), Execution, "state"),
)
