"""The exchange's state as rows, and back (law: a fresh exchange restored from all rows equals the live one)."""

from collections.abc import Iterable
from copy import copy

from roottrading.adapters.exchange.simulated.state import (
    EXECUTIONS,
    MARKETS,
    ORDERS,
    TABLES,
    WALLETS,
    BookOrder,
    Execution,
    Market,
    Wallet,
)
from roottrading.adapters.exchange.simulated.venue import Changes, Venue
from roottrading.messages.service import Row


def all_rows(venue: Venue) -> tuple[Row, ...]:
    """Return the whole state; the records in the rows are copies."""
    rows = [Row(WALLETS, key, copy(wallet)) for key, wallet in venue.wallets.items()]
    for symbol, book in venue.books.items():
        rows.append(Row(MARKETS, (symbol,), copy(book.market)))
        for orders in (book.orders, book.history):
            rows += [Row(ORDERS, (symbol, number), copy(order)) for number, order in orders.items()]
        rows += [Row(EXECUTIONS, (symbol, *key), execution) for key, execution in book.executions.items()]
    return tuple(rows)


def changed_rows(venue: Venue, changes: Changes) -> tuple[Row, ...]:
    """Return what changed as rows, in an order that depends on nothing but the keys."""
    rows = [Row(WALLETS, key, copy(venue.wallets[key])) for key in sorted(changes.wallets)]
    rows += [Row(MARKETS, (symbol,), copy(venue.books[symbol].market)) for symbol in sorted(changes.markets)]
    for symbol, number in sorted(changes.orders):
        book = venue.books[symbol]
        order = book.orders.get(number) or book.history.get(number)
        rows.append(Row(ORDERS, (symbol, number), copy(order)))
    for symbol, trade, number in sorted(changes.executions):
        rows.append(Row(EXECUTIONS, (symbol, trade, number), venue.books[symbol].executions.get((trade, number))))
    return tuple(rows)


def restore(venue: Venue, rows: Iterable[Row]) -> None:
    """Take the state that the rows describe, and rebuild what is derived from it.

    Raises ValueError where a row names a table or a symbol that this exchange has not.
    """
    orders: list[BookOrder] = []
    executions: list[Execution] = []
    for row in rows:
        record = row.values
        if isinstance(record, Wallet):
            wallet = venue.wallet(record.account, record.asset)
            wallet.free, wallet.locked = venue.told[id(wallet)] = record.free, record.locked
        elif isinstance(record, Market):
            venue.books[record.symbol].market = copy(record)
        elif isinstance(record, BookOrder):
            orders.append(copy(record))
        elif isinstance(record, Execution):
            executions.append(record)
        else:
            names = ", ".join(table.name for table in TABLES)
            raise ValueError(f"row {row.key} of table {row.table!r} is not of the exchange: it keeps {names}")
    for order in sorted(orders, key=lambda order: (order.ended, order.id)):
        book = venue.books[order.symbol]
        (book.history if order.ended else book.orders)[order.id] = order
    for order in sorted(orders, key=lambda order: order.id):
        book = venue.books[order.symbol]
        book.clients[order.account, order.client_order_id] = order.id
        if order.waits == "limit":
            book.limits[order.id] = order
    for order in sorted(orders, key=lambda order: order.priority):
        if order.waits == "open":
            venue.books[order.symbol].waiting[order.id] = order
    for execution in sorted(executions, key=lambda item: (item.executed.trade_id, item.executed.order_id)):
        executed = execution.executed
        venue.books[executed.symbol].executions[executed.trade_id, executed.order_id] = execution
