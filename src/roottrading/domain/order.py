"""Orders: what we asked the exchange to do, and how far it came."""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.money import ZERO
from roottrading.domain.time import Time

Side = Literal["BUY", "SELL"]
OrderType = Literal[
    "MARKET", "LIMIT", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
]
TimeInForce = Literal["GTC", "IOC", "FOK"]
OrderStatus = Literal[
    "PENDING_NEW", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"
]
SelfTradePrevention = Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]
ListKind = Literal["OCO", "OTO", "OTOCO", "OPO", "OPOCO"]

LIVE: Final[frozenset[str]] = frozenset({"PENDING_NEW", "NEW", "PARTIALLY_FILLED"})
ENDED: Final[frozenset[str]] = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})


class Order(Struct, frozen=True, gc=False):
    """An order of ours as a row: one leg where it belongs to a list.

    `created_at` is `issued_at` of the request that asked for it (pending legs: their list's), `updated_at` the time
    of its last event (trading-rules 5.5). `price` and `stop_price` are None where the type has none.
    """

    id: str
    cycle_id: str
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    status: OrderStatus
    created_at: Time
    updated_at: Time
    executed_quantity: Decimal = ZERO
    binance_order_id: int = -1
