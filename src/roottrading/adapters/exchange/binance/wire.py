"""What the exchange's answers and events look like: only what is used, and lenient with everything else."""

from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from roottrading.adapters.exchange.binance.strangers import Strangers
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time

_FIRST_MICROSECONDS: Final = 10**14  # a time below is in milliseconds (until the year 5138)
_MOST_DIGITS: Final = 18  # before the point, in any real amount
_MOST_PLACES: Final = 12  # and after it


class Malformed(ValueError):
    """An answer or event that is not in the exchange's form."""


class FillReply(Struct, frozen=True, rename="camel"):
    """An execution in the answer to an order: always as taker."""

    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    trade_id: int


class OrderReply(Struct, frozen=True, rename="camel"):
    """An order as answers tell it: to placing, cancelling and asking."""

    symbol: str
    order_id: int
    order_list_id: int = -1
    client_order_id: str = ""
    orig_client_order_id: str = ""
    transact_time: int = 0
    price: Decimal = ZERO
    orig_qty: Decimal | None = None
    executed_qty: Decimal = ZERO
    status: str = ""
    type: str = ""
    side: str = ""
    stop_price: Decimal = ZERO
    fills: tuple[FillReply, ...] = ()
    expiry_reason: str = ""
    time: int = 0
    update_time: int = 0
    is_working: bool = False
    working_time: int = -1


class ListReply(Struct, frozen=True, rename="camel"):
    """An order list as answers tell it."""

    order_list_id: int
    symbol: str
    order_reports: tuple[dict[str, Any], ...] = ()
    transaction_time: int = 0


class TradeReply(Struct, frozen=True, rename="camel"):
    """An execution as myTrades tells it."""

    symbol: str
    id: int
    order_id: int
    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool


class BalanceReply(Struct, frozen=True):
    """A balance as account tells it."""

    asset: str
    free: Decimal
    locked: Decimal


class ExecutionReport(Struct, frozen=True):
    """An order's event on the user data stream."""

    s: str  # symbol
    c: str  # client order id, of a cancel its own
    S: str  # side
    o: str  # type
    x: str  # what happened
    X: str  # status
    i: int  # order id
    q: Decimal = ZERO  # quantity
    p: Decimal = ZERO  # price
    P: Decimal = ZERO  # stop price
    g: int = -1  # list id
    C: str | None = ""  # the order's id, where `c` is the cancel's
    r: str = "NONE"  # reject reason
    l: Decimal = ZERO  # noqa: E741 - last quantity; names are the exchange's
    z: Decimal = ZERO  # executed quantity
    L: Decimal = ZERO  # last price
    n: Decimal | None = ZERO  # commission
    N: str | None = None  # its asset
    T: int = 0  # transaction time
    E: int = 0  # event time
    t: int = -1  # trade id
    w: bool = False  # on the book
    m: bool = False  # as maker
    eR: str = ""  # expiry reason


class PositionBalance(Struct, frozen=True):
    """A balance as the user data stream tells it."""

    a: str
    f: Decimal
    l: Decimal  # noqa: E741


class AccountPosition(Struct, frozen=True):
    """Balances that may have changed, on the user data stream."""

    B: tuple[PositionBalance, ...]
    u: int = 0
    E: int = 0


Wanted = TypeVar("Wanted", bound=Struct)


def decoded(data: bytes | str) -> Any:
    """Return what JSON says. Raises Malformed for what is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Malformed("no JSON") from None


def converted(told: Any, wanted: type[Wanted], strangers: Strangers, where: str) -> Wanted:
    """Return an object as the wanted struct; fields that nobody knows are counted. Raises Malformed."""
    if not isinstance(told, dict):
        raise Malformed(f"{where}: an object was expected, not {type(told).__name__}")
    try:
        found = msgspec.convert(told, wanted)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Malformed(f"{where}: {error}") from None
    except ArithmeticError as error:
        raise Malformed(f"{where}: a number that is none ({type(error).__name__})") from None
    _check_amounts(found, where)
    strangers.note_fields(where, told, KNOWN[wanted])
    return found


def _check_amounts(found: Struct, where: str) -> None:
    for name in found.__struct_fields__:
        value = getattr(found, name)
        if isinstance(value, Decimal):
            if not is_amount(value):
                raise Malformed(f"{where}: {name} is no amount")
        elif isinstance(value, tuple):
            for each in value:
                if isinstance(each, Struct):
                    _check_amounts(each, where)


def is_amount(value: Decimal) -> bool:
    """Say whether this may be a price, quantity or rate: finite, and of no more digits than exact sums can hold."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_MOST_PLACES and value.adjusted() < _MOST_DIGITS


def time_of(value: int) -> Time:
    """Return a wire time in microseconds; the exchange writes milliseconds unless it is asked for microseconds.

    Raises Malformed for what is no time.
    """
    if not 0 <= value < 10**18:
        raise Malformed(f"{value} is no time")
    return value * 1_000 if value < _FIRST_MICROSECONDS else value


def _names(wanted: type[Struct], *more: str) -> frozenset[str]:
    return frozenset((*(field.encode_name for field in msgspec.structs.fields(wanted)), *more))


_ORDER_FIELDS: Final = (
    *("origQuoteOrderQty", "cummulativeQuoteQty", "timeInForce", "icebergQty", "selfTradePreventionMode"),
    *("preventedMatchId", "preventedQuantity", "strategyId", "strategyType", "trailingDelta", "trailingTime"),
    *("usedSor", "workingFloor", "pegPriceType", "pegOffsetType", "pegOffsetValue", "peggedPrice"),
    *("qty", "quoteOrderQty", "preventedQty", "cumulativeQuoteQty"),  # of an amended order
)
# as documented in 2026-07
_REPORT_FIELDS: Final = (*"efFvIMOZYQWVdDjJABuUbak", "Cs", "pl", "pL", "pY", "uS", "gP", "gOT", "gOV", "gp")
KNOWN: Final[dict[type[Struct], frozenset[str]]] = {
    OrderReply: _names(OrderReply, *_ORDER_FIELDS),
    ListReply: _names(ListReply, "contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId", "orders"),
    TradeReply: _names(TradeReply, "orderListId", "quoteQty", "isBestMatch"),
    BalanceReply: _names(BalanceReply),
    ExecutionReport: _names(ExecutionReport, *_REPORT_FIELDS),
    AccountPosition: _names(AccountPosition, "e"),
}
