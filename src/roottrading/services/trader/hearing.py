"""What the exchange says about a cycle's orders: folded, judged, and the cycle looked after."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from roottrading.domain.order import Order
from roottrading.messages.exchange import (
    EXIT,
    CancelRefused,
    ExchangeEvent,
    ExecutionsReported,
    OpenOrdersReported,
    OrderAbsent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderRefused,
    OrderReported,
    OrderTriggered,
    OutcomeUnknown,
    QueryOrder,
)
from roottrading.services.trader.booking import fold_executed
from roottrading.services.trader.exit import sold_with_rest
from roottrading.services.trader.folding import fold_ended, fold_opened, fold_reported
from roottrading.services.trader.leg_ids import EXIT_LEG, leg_of
from roottrading.services.trader.protection import leg_ended, stop_triggered, watch_reported
from roottrading.services.trader.reconciling import on_executions, on_open_orders
from roottrading.services.trader.refusals import on_cancel_refused, on_refused
from roottrading.services.trader.sizes import is_resting
from roottrading.services.trader.turn import Turn
from roottrading.services.trader.unknown import (
    ask_for_balances,
    ask_for_fills,
    note_absent,
    note_still_open,
    note_unknown,
)


def _on_executed(turn: Turn, event: OrderExecuted) -> None:
    fold_executed(turn, event)
    _watch_stop(turn, event.client_order_id)


def _on_triggered(turn: Turn, event: OrderTriggered) -> None:
    order = turn.execution.orders.get(event.client_order_id)
    if order is not None and order.stop_price is not None and is_resting(order):
        stop_triggered(turn, event.client_order_id)


def _on_ended(turn: Turn, event: OrderEnded) -> None:
    _judge_end(turn, fold_ended(turn, event), event.reason)


def _on_reported(turn: Turn, event: OrderReported) -> None:
    before = turn.execution.orders.get(event.client_order_id)
    ended = fold_reported(turn, event)
    note_still_open(turn, event)
    _watch_stop(turn, event.client_order_id)
    watch_reported(turn, event)
    _judge_end(turn, ended, "")
    if not turn.survey.booked:
        ask_for_fills(turn)
    if turn.execution.orders.get(event.client_order_id) is not before:
        ask_for_balances(turn)
        for client_order_id in (*turn.survey.doubtful, *turn.survey.overdue):
            turn.look(QueryOrder(event.symbol, client_order_id, EXIT, turn.now))


def _on_absent(turn: Turn, event: OrderAbsent) -> None:
    _judge_end(turn, note_absent(turn, event), "EXCHANGE_CANCELED")


def _on_unknown(turn: Turn, event: OutcomeUnknown) -> None:
    note_unknown(turn, event.client_order_id)


def _watch_stop(turn: Turn, client_order_id: str) -> None:
    """A stop that sold a part and rests on was triggered: it has a little while for the rest (trading-rules 1.5)."""
    order = turn.execution.orders.get(client_order_id)
    if order is not None and order.status == "PARTIALLY_FILLED" and order.stop_price is not None:
        stop_triggered(turn, client_order_id)


def _judge_end(turn: Turn, ended: Order | None, reason: str) -> None:
    if ended is None or ended.status == "FILLED" or ended.client_order_id in turn.execution.given_up:
        return  # done, or gone as we asked
    if leg_of(turn.execution, ended.client_order_id) == EXIT_LEG:
        sold_with_rest(turn, ended)
    else:
        leg_ended(turn, ended, reason)


# About one order of ours, known by its client order id.
ABOUT_ORDERS: Final[dict[type, Callable[[Turn, Any], None]]] = {
    OrderOpened: fold_opened,
    OrderExecuted: _on_executed,
    OrderTriggered: _on_triggered,
    OrderEnded: _on_ended,
    OrderRefused: on_refused,
    CancelRefused: on_cancel_refused,
    OrderReported: _on_reported,
    OrderAbsent: _on_absent,
    OutcomeUnknown: _on_unknown,
}
# About the account's orders in a symbol.
ABOUT_SYMBOLS: Final[dict[type, Callable[[Turn, Any], None]]] = {
    OpenOrdersReported: on_open_orders,
    ExecutionsReported: on_executions,
}
_HAPPENED: Final = frozenset({OrderOpened, OrderExecuted, OrderEnded})


def news_of(events: tuple[ExchangeEvent, ...]) -> Iterable[ExchangeEvent]:
    """Leave out that an order was taken, or pends, where the same reply says that it rests or is filled."""
    filled: set[str] = set()
    resting: set[str] = set()
    for event in events:
        if type(event) is OrderExecuted:
            if event.status == "FILLED":
                filled.add(event.client_order_id)
        elif type(event) is OrderOpened and event.status == "NEW":
            resting.add(event.client_order_id)
    if not filled and not resting:
        return events
    return [
        event
        for event in events
        if type(event) is not OrderOpened
        or (event.client_order_id not in filled and (event.status == "NEW" or event.client_order_id not in resting))
    ]


def fold(turn: Turn, event: ExchangeEvent) -> None:
    """Fold what was said about one order of the turn's cycle."""
    execution = turn.execution
    kind = type(event)
    if event.at > execution.touched_at and kind in _HAPPENED:
        execution.touched_at = event.at  # what was said of balances before is old now (2.5)
        turn.changed = True
    ABOUT_ORDERS[kind](turn, event)
