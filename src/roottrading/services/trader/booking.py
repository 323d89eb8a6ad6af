"""Executions booked once by trade id, and cycles ended: fills, quantities, dust (trading-rules 2.5, 2.6, 5.6)."""

from decimal import Decimal

from msgspec.structs import replace

from roottrading.domain.fill import Fill
from roottrading.domain.ids import fill_id, order_id
from roottrading.domain.money import ZERO, quotient_down
from roottrading.domain.order import Order
from roottrading.messages.events import OrderFilled
from roottrading.messages.exchange import OrderExecuted
from roottrading.messages.service import Row
from roottrading.services.trader.asked import ask_about, drop_answered, from_request
from roottrading.services.trader.folding import update
from roottrading.services.trader.leg_ids import STOP_LEG, TARGET_LEG, leg_of
from roottrading.services.trader.state import FILLS, CycleExecution
from roottrading.services.trader.turn import Turn


def fold_executed(turn: Turn, event: OrderExecuted) -> None:
    """Book one execution of an order of ours; a repeated one changes nothing."""
    execution = turn.execution
    if event.trade_id in execution.trade_ids:
        return
    client_order_id = event.client_order_id
    before = execution.orders.get(client_order_id) or from_request(turn, client_order_id, event.order_id)
    if before is None:
        ask_about(turn, client_order_id)  # its executions are asked for once we know the order
        return
    _book(turn, event, before.id)
    update(turn, before, event.status, event.executed_quantity, event.at, event.order_id, None)
    drop_answered(turn, client_order_id)
    if event.side == "BUY":
        if execution.status == "opening":
            turn.move("open", "filled")
        if execution.plan.time_limit_at is not None and not execution.exit_reason:
            _keep_time_limit(turn, execution.plan.time_limit_at)


def fold_by_hand(turn: Turn, event: OrderExecuted) -> None:
    """Book base of ours that a person sold beside us, as far as the cycle holds it (trading-rules 7.3)."""
    execution = turn.execution
    quantity = min(event.quantity, execution.held)
    if quantity <= 0 or event.trade_id in execution.trade_ids:
        return
    if quantity < event.quantity:
        event = replace(event, quantity=quantity, fee=quotient_down(event.fee * quantity, event.quantity))
    name = event.client_order_id or f"by-hand-{event.order_id}"
    before = execution.orders.get(name)
    sold = quantity if before is None else before.executed_quantity + quantity
    order = Order(
        order_id(turn.desk.deployment, name),
        execution.cycle_id,
        name,
        execution.symbol,
        "SELL",
        "MARKET",
        sold,
        None,
        None,
        "FILLED",
        event.at if before is None else before.created_at,
        event.at,
        sold,
        event.order_id,
    )
    _book(turn, event, order.id)
    turn.keep(order)


def close(turn: Turn, reason: str) -> None:
    """End a cycle that holds nothing sellable any more: what is left becomes the symbol's dust (trading-rules 2.6)."""
    execution = turn.execution
    left = execution.held
    if left < 0:
        turn.alert(
            "critical",
            "sold_too_much",
            f"cycle {execution.cycle_id} sold {-left} {turn.instrument.base_asset} more than it held: foreign coins "
            "of the account went with it; compare its fills with the account",
        )
        left = ZERO
    turn.move("closed", reason)
    _end(turn, left)


def expire(turn: Turn, reason: str) -> None:
    """End a cycle whose entry never filled; the symbol's dust stays what it was (trading-rules 2.10)."""
    turn.move("expired", reason)
    _end(turn, turn.execution.lent)


def _end(turn: Turn, dust: Decimal) -> None:
    execution = turn.execution
    ledger = turn.desk.ledger(execution.symbol)
    last = execution.trade_ids[-1] if execution.trade_ids else -1
    turn.end(
        replace(ledger, dust=dust, last_cycle_id=execution.cycle_id, last_trade_id=max(ledger.last_trade_id, last))
    )


def _book(turn: Turn, event: OrderExecuted, order: str) -> None:
    execution = turn.execution
    instrument = turn.instrument
    if event.fee_asset == instrument.quote_asset:
        fee_in_quote = event.fee
    elif event.fee_asset == instrument.base_asset:
        fee_in_quote = event.fee * event.price
    else:
        fee_in_quote = event.price * event.quantity * event.fee_rate
    fill = Fill(
        fill_id(turn.desk.deployment, event.symbol, event.trade_id),
        order,
        execution.cycle_id,
        event.symbol,
        event.side,
        event.price,
        event.quantity,
        event.fee,
        event.fee_asset,
        event.is_maker,
        event.at,
        event.fee_rate,
        fee_in_quote,
        event.trade_id,
    )
    turn.rows.append(Row(FILLS, (fill.id,), fill))
    turn.say(OrderFilled(fill))
    base_fee = event.fee if event.fee_asset == instrument.base_asset else ZERO
    if event.side == "BUY":
        execution.bought += event.quantity
        execution.net += event.quantity - base_fee
    else:
        if not execution.sold:
            _note_first_sale(execution, event.client_order_id)
        execution.sold += event.quantity
        execution.net -= base_fee
    ids = execution.trade_ids
    if not ids or event.trade_id > ids[-1]:
        execution.trade_ids = (*ids, event.trade_id)
        execution.last_price = event.price
    else:
        execution.trade_ids = tuple(sorted((*ids, event.trade_id)))
    turn.resurvey()


def _note_first_sale(execution: CycleExecution, client_order_id: str) -> None:
    """The leg that sells first says why the cycle ends, whatever was on its way meanwhile."""
    leg = leg_of(execution, client_order_id)
    if leg == STOP_LEG:
        execution.exit_reason = "stop"
    elif leg == TARGET_LEG:
        execution.exit_reason = "target"


def _keep_time_limit(turn: Turn, at: int) -> None:
    if at <= turn.now:
        turn.execution.exit_reason = "time_limit"
    elif "time_limit" not in turn.execution.deadlines:
        turn.wake("time_limit", at)
