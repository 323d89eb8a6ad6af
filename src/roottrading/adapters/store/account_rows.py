"""What the portfolio says of the account, and which client order ids went out, as rows of journals."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages.events import PortfolioUpdated
from roottrading.messages.exchange import CancelReplace, PlaceOrder, PlaceOrderList, Request
from roottrading.messages.service import Row, Table


class BalanceRow(Struct, frozen=True, gc=False):
    """An asset's amounts as last said."""

    asset: str
    free: Decimal
    locked: Decimal
    updated_at: Time


class EquityRow(Struct, frozen=True, gc=False):
    """What the bot owned at an instant, in quote."""

    at: Time
    equity: Decimal
    cash: Decimal
    exposure: Decimal
    realized: Decimal
    unrealized: Decimal
    fees: Decimal
    discrepancies: tuple[str, ...]


class SentId(Struct, frozen=True, gc=False):
    """A client order id that was given to the exchange, by a request of this kind (design 5: the ledger is ours)."""

    client_order_id: str
    symbol: str
    request: str
    issued_at: Time


BALANCES: Final = Table("balances", ("asset",), BalanceRow, "journal")
EQUITY: Final = Table("equity", ("at",), EquityRow, "journal")
CLIENT_ORDER_IDS: Final = Table("client_order_ids", ("client_order_id",), SentId, "journal")
TABLES: Final = (BALANCES, EQUITY, CLIENT_ORDER_IDS)


def account_rows(update: PortfolioUpdated) -> Iterator[Row]:
    """Yield the balances as they now are, and a point of the equity curve."""
    for balance in update.balances:
        row = BalanceRow(balance.asset, balance.free, balance.locked, update.at)
        yield Row(BALANCES.name, (balance.asset,), row)
    point = EquityRow(
        update.at,
        update.equity,
        update.cash,
        update.exposure,
        update.realized,
        update.unrealized,
        update.fees,
        update.discrepancies,
    )
    yield Row(EQUITY.name, (update.at,), point)


def sent_ids(requests: Iterable[Request]) -> Iterator[Row]:
    """Yield the ids of what the requests place: orders, lists and their legs; questions and cancels place nothing."""
    for request in requests:
        placed: tuple[str, ...] = ()
        match request:
            case PlaceOrder(order=order) | CancelReplace(order=order):
                placed = (order.client_order_id,)
            case PlaceOrderList(client_order_id=own, orders=legs):
                placed = (own, *(leg.client_order_id for leg in legs))
        for each in placed:
            row = SentId(each, request.symbol, type(request).__name__, request.issued_at)
            yield Row(CLIENT_ORDER_IDS.name, (each,), row)
