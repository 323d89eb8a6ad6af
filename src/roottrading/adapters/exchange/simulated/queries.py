"""Questions: what became of an order, which orders are open, what was executed."""

from roottrading.adapters.exchange.simulated.book import Book
from roottrading.adapters.exchange.simulated.state import BookOrder
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    ExchangeEvent,
    ExecutionsReported,
    ListFills,
    ListOpenOrders,
    OpenOrdersReported,
    OrderAbsent,
    OrderReported,
    QueryOrder,
)


def answer(book: Book, account: str, request: QueryOrder | ListOpenOrders | ListFills, now: Time) -> ExchangeEvent:
    """Answer a question about the account in the symbol."""
    symbol, number = request.symbol, request.client_order_id
    if isinstance(request, QueryOrder):
        order = book.known(account, number)
        return OrderAbsent(symbol, number, now) if order is None else report(order, now)
    if isinstance(request, ListOpenOrders):
        reports = tuple(report(order, now) for order in book.of_account(account))
        return OpenOrdersReported(symbol, number, now, reports)
    executions = tuple(
        execution.executed
        for execution in book.executions.values()
        if execution.account == account and execution.executed.trade_id >= request.from_trade_id
    )
    return ExecutionsReported(symbol, number, now, executions)


def report(order: BookOrder, now: Time) -> OrderReported:
    """Return the order as the exchange has it."""
    return OrderReported(
        order.symbol,
        order.client_order_id,
        now,
        order.id,
        order.side,
        order.type,
        order.quantity,
        order.price,
        order.stop_price,
        order.executed,
        order.status,
        order.updated_at,
        order.triggered,
    )
