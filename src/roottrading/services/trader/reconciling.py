"""Reconciling with the exchange: what it lists as open and as executed, against what we remember."""

from collections.abc import Iterable

from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    EXIT,
    ExecutionsReported,
    ListOpenOrders,
    OpenOrdersReported,
    OrderExecuted,
    Request,
)
from roottrading.services.trader.asked import ask_about
from roottrading.services.trader.booking import fold_by_hand, fold_executed
from roottrading.services.trader.folding import fold_reported
from roottrading.services.trader.leg_ids import leg_id
from roottrading.services.trader.protection import watch_reported, watch_stops
from roottrading.services.trader.sizes import is_resting
from roottrading.services.trader.turn import Turn
from roottrading.services.trader.unknown import (
    all_unknown,
    ask_for_balances,
    ask_for_fills,
    fills_request,
    inquire,
    note_executions,
    note_open_orders,
)


def reconcile(turn: Turn) -> None:
    """Ask for the symbol's open orders and executions, and for requests whose answer is overdue."""
    execution, settings = turn.execution, turn.desk.settings
    turn.look(ListOpenOrders(execution.symbol, leg_id(execution, "q", 1), EXIT, turn.now))
    ask_for_fills(turn)
    all_unknown(turn, turn.now - settings.receive_window)
    inquire(turn)


def resume(turn: Turn, unanswered: Iterable[Request]) -> None:
    """After a load: whatever was under way is unknown, and asked for by its id, never sent again (4.2).

    Nothing is decided for the cycle before the exchange has said what is open and what was executed (4.3): what
    happened meanwhile may be half known only. Protection may have been sent before the state that knows of it was
    kept: its ids stand in the plan (4.1).
    """
    execution = turn.execution
    all_unknown(turn, turn.now + 1)
    entering = bool(execution.unanswered) or any(request.symbol == execution.symbol for request in unanswered)
    if entering and not execution.protections:
        for client_order_id in (execution.plan.stop_id, execution.plan.target_id):
            if client_order_id:
                ask_about(turn, client_order_id)
    inquire(turn)
    for question in (ListOpenOrders(execution.symbol, leg_id(execution, "q", 1), EXIT, turn.now), fills_request(turn)):
        if not any(type(known.request) is type(question) for known in execution.unanswered):
            turn.ask(question)


def on_open_orders(turn: Turn, event: OpenOrdersReported) -> None:
    """Fold what is open, and ask for what we hold for open and is not."""
    execution = turn.execution
    listed = set()
    for order in event.orders:
        if order.client_order_id.startswith(execution.prefix):
            listed.add(order.client_order_id)
            fold_reported(turn, order)  # what is open has not ended
            watch_reported(turn, order)
    watch_stops(turn)
    for client_order_id, known in execution.orders.items():
        if is_resting(known) and client_order_id not in listed and known.updated_at <= event.at:
            ask_about(turn, client_order_id)
    note_open_orders(turn, event)


def on_executions(turn: Turn, event: ExecutionsReported) -> None:
    """Book what we have missed; and where base is missing, what a person sold (trading-rules 7.3)."""
    execution = turn.execution
    booked = len(execution.trade_ids)
    by_order = {order.binance_order_id: name for name, order in execution.orders.items()}
    foreign: list[OrderExecuted] = []
    for executed in event.executions:
        if executed.client_order_id.startswith(execution.prefix):
            fold_executed(turn, executed)
        elif executed.order_id in by_order and by_order[executed.order_id].startswith(execution.prefix):
            fold_executed(turn, _named(executed, by_order[executed.order_id]))
        elif executed.side == "SELL" and not executed.client_order_id.startswith(turn.desk.prefix):
            foreign.append(executed)
    watch_stops(turn)
    if execution.status == "manual" or execution.searched:
        sold_by_hand(turn, foreign)
    if len(execution.trade_ids) > booked:
        ask_for_balances(turn)
    note_executions(turn, event)


def sold_by_hand(turn: Turn, foreign: Iterable[OrderExecuted]) -> None:
    """Book foreign sales since the position lost its stop to the cycle, which is manual from then on."""
    execution = turn.execution
    since: Time = execution.lost_at or execution.naked_since or execution.touched_at
    before = execution.sold
    for executed in foreign:
        if executed.at >= since:
            fold_by_hand(turn, executed)
    if execution.sold > before and execution.status != "manual":
        turn.alert(
            "critical",
            "sold_by_hand",
            f"{execution.sold - before} {turn.instrument.base_asset} of cycle {execution.cycle_id} were sold by hand: "
            "the cycle is manual now",
        )
        turn.move("manual", "sold_by_hand")


def _named(executed: OrderExecuted, client_order_id: str) -> OrderExecuted:
    """Return an execution under its order's id; the exchange's list of executions may name the order by number only."""
    return OrderExecuted(
        executed.symbol,
        client_order_id,
        executed.at,
        executed.order_id,
        executed.trade_id,
        executed.side,
        executed.price,
        executed.quantity,
        executed.fee,
        executed.fee_asset,
        executed.fee_rate,
        executed.is_maker,
        executed.executed_quantity,
        executed.status,
    )
