"""Requests as the trader makes them, for tests of what they become on the wire."""

from decimal import Decimal
from typing import Final

from roottrading.messages.exchange import (
    ENTRY,
    EXIT,
    PROTECTION,
    AmendOrder,
    AnyRequest,
    CancelOrder,
    CancelReplace,
    ListFills,
    ListOpenOrders,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
    QueryAccount,
    QueryOrder,
)

AT: Final = 1_700_000_000_123_456
SYMBOL: Final = "BTCUSDT"

ENTERING: Final = OrderSpec(
    "d-c-e1", "BUY", "LIMIT", Decimal("0.00100"), Decimal("60000.0"), None, "FOK", "EXPIRE_TAKER"
)
STOP: Final = OrderSpec("d-c-s1", "SELL", "STOP_LOSS", Decimal("0.001"), None, Decimal(59000), None, "EXPIRE_TAKER")
STOP_LIMIT: Final = OrderSpec(
    "d-c-s1", "SELL", "STOP_LOSS_LIMIT", Decimal("0.001"), Decimal(56050), Decimal(59000), "GTC", "EXPIRE_TAKER"
)
TARGET: Final = OrderSpec("d-c-t1", "SELL", "LIMIT_MAKER", Decimal("0.001"), Decimal(62000), None, None, "EXPIRE_TAKER")
UNSIZED_STOP: Final = OrderSpec("d-c-s1", "SELL", "STOP_LOSS", None, None, Decimal(59000), None, "EXPIRE_TAKER")
UNSIZED_TARGET: Final = OrderSpec("d-c-t1", "SELL", "LIMIT_MAKER", None, Decimal(62000), None, None, "EXPIRE_TAKER")
SELLING: Final = OrderSpec("d-c-x1", "SELL", "MARKET", Decimal("0.001"))
SPENDING: Final = OrderSpec("d-c-e2", "BUY", "MARKET", None, quote_quantity=Decimal(100))

PLACE: Final = PlaceOrder(SYMBOL, "d-c-e1", ENTRY, AT, ENTERING)
OPOCO: Final = PlaceOrderList(SYMBOL, "d-c-l1", ENTRY, AT, "OPOCO", (ENTERING, UNSIZED_STOP, UNSIZED_TARGET))
OCO: Final = PlaceOrderList(SYMBOL, "d-c-l2", PROTECTION, AT, "OCO", (STOP, TARGET))
CANCEL: Final = CancelOrder(SYMBOL, "d-c-c1", EXIT, AT, "d-c-s1")
REPLACE: Final = CancelReplace(SYMBOL, "d-c-x1", EXIT, AT, "d-c-s1", SELLING, only_new=True)
AMEND: Final = AmendOrder(SYMBOL, "d-c-a1", EXIT, AT, "d-c-e1", Decimal("0.0005"))
QUERY: Final = QueryOrder(SYMBOL, "d-c-e1", EXIT, AT)
OPEN: Final = ListOpenOrders(SYMBOL, "d-c-q1", EXIT, AT)
FILLS: Final = ListFills(SYMBOL, "d-c-q2", EXIT, AT, 17)
ACCOUNT: Final = QueryAccount(SYMBOL, "d-c-q3", EXIT, AT)
EVERY: Final[tuple[AnyRequest, ...]] = (PLACE, OPOCO, OCO, CANCEL, REPLACE, AMEND, QUERY, OPEN, FILLS, ACCOUNT)
