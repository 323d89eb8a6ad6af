"""Leaving: what rests is replaced by market sells, never sold beside, until flat or dust (trading-rules 1.5 - 1.8)."""

from decimal import Decimal
from typing import Final

from roottrading.domain.money import ZERO
from roottrading.domain.order import Order
from roottrading.domain.time import SECOND
from roottrading.messages.exchange import EXIT, CancelReplace, PlaceOrder
from roottrading.services.trader.changed_filters import is_outgrown, wait_to_sell
from roottrading.services.trader.entry import cancel
from roottrading.services.trader.leg_ids import STOP_LEG, TARGET_LEG, leg_id, sibling_of
from roottrading.services.trader.legs import market_sell_spec
from roottrading.services.trader.protection import give_up, step_over_makers
from roottrading.services.trader.sizes import RESTING, available, rest_of, whole_at_market
from roottrading.services.trader.state import CycleExecution
from roottrading.services.trader.turn import Turn
from roottrading.services.trader.unknown import ask_for_balances, fills_request

MOST_PATIENCE: Final = 60 * SECOND


def leave(turn: Turn) -> None:
    """Sell what the cycle holds: in place of what locks it, else at once; nothing while a sell is under way."""
    execution = turn.execution
    if execution.held_back_until is not None or not turn.desk.tradable(execution.symbol):
        return
    if turn.survey.exit_working:
        return
    locks = locks_of(execution)
    locked = ZERO
    for lock in locks:
        locked += lock.quantity - lock.executed_quantity
    spare = available(turn.desk, execution, locked) - locked
    if locks and (idle := [lock for lock in locks if not _works(execution, lock)]):
        ready = [] if execution.exit_waits else [lock for lock in idle if _may_go(turn, lock, spare)]
        if ready:
            _replace(turn, ready, spare)
        else:
            wait_to_sell(turn)
        return
    if execution.exit_waits:
        return
    quantity = whole_at_market(turn.instrument, max(spare, ZERO))
    if turn.instrument.sellable(quantity, execution.last_price):
        _place(turn, quantity)
    elif not locks and is_outgrown(turn):
        wait_to_sell(turn)
    elif not locks and turn.instrument.sellable(execution.held, execution.last_price):
        doubt_balance(turn)


def locks_of(execution: CycleExecution) -> list[Order]:
    """Return what must be cancelled before the base is free: of each list the leg that stands for it."""
    locks = []
    at = len(execution.prefix)
    for client_order_id, order in execution.orders.items():
        if order.status not in RESTING or order.side == "BUY" or client_order_id in execution.given_up:
            continue
        leg = client_order_id[at]  # what rests was placed by us
        if leg != STOP_LEG and leg != TARGET_LEG:
            continue
        sibling = execution.orders.get(sibling_of(execution, client_order_id))
        if not order.executed_quantity and sibling is not None:
            if sibling.executed_quantity:
                continue  # the other leg was touched, so this one is gone
            if leg == TARGET_LEG:
                continue  # the stop stands for both
        locks.append(order)
    return locks


def sold_with_rest(turn: Turn, order: Order) -> None:
    """A market sell ended with a rest: repeat it after a while, over our own bids at once (trading-rules 5.4, 1.12)."""
    execution = turn.execution
    execution.refusals = 0
    if order.status == "EXPIRED_IN_MATCH" and not execution.over_makers:
        step_over_makers(turn)
        return
    hold_back(turn, turn.desk.settings.repeat_after)


def hold_back(turn: Turn, span: int) -> None:
    """Do nothing more for this position for a while."""
    turn.execution.held_back_until = turn.now + span
    turn.wake("repeat", turn.now + span)


def hold_back_after_refusal(turn: Turn) -> None:
    """Wait longer with every refusal in a row, a minute at most."""
    execution = turn.execution
    execution.refusals += 1
    hold_back(turn, min(turn.desk.settings.repeat_after * 2 ** min(execution.refusals - 1, 10), MOST_PATIENCE))


def _works(execution: CycleExecution, lock: Order) -> bool:
    """A triggered stop that is being filled is left alone for as long as it may take (1.5)."""
    return lock.client_order_id in execution.triggered and "stop" in execution.deadlines


def _may_go(turn: Turn, lock: Order, spare: Decimal) -> bool:
    """Say whether a lock may be cancelled: an untouched stop stays where the filters refuse the sale in its place."""
    if lock.executed_quantity:
        return True  # what is left of it is dust at worst
    quantity = whole_at_market(turn.instrument, rest_of(lock) + spare)
    return turn.instrument.sellable(quantity, turn.execution.last_price)


def _replace(turn: Turn, locks: list[Order], spare: Decimal) -> None:
    """Replace each lock by a market sell; the first takes `spare`, what no order locks, along (trading-rules 1.8, 2.5).

    A lock that is being filled may be smaller than we know when it is cancelled. Where the account has other coins of
    this asset the exchange would not notice: there it is cancelled first, and its rest sold when we know it.
    """
    execution = turn.execution
    _close(turn)
    for lock in locks:
        quantity = whole_at_market(turn.instrument, rest_of(lock) + spare)
        spare = ZERO
        touched = lock.executed_quantity > ZERO
        give_up(turn, lock.client_order_id)
        if not turn.instrument.cancel_replace_allowed or (touched and _has_other_coins(turn)):
            cancel(turn, lock.client_order_id)
            continue
        execution.exits += 1
        order = market_sell_spec(turn, leg_id(execution, "x", execution.exits), quantity)
        turn.ask(
            CancelReplace(
                execution.symbol,
                order.client_order_id,
                EXIT,
                turn.now,
                lock.client_order_id,
                order,
                only_new=not touched,
            )
        )


def _has_other_coins(turn: Turn) -> bool:
    desk = turn.desk
    balance = desk.free.get(turn.instrument.base_asset)
    if balance is None:
        return "" not in desk.free
    return balance.free >= turn.instrument.step_size


def _place(turn: Turn, quantity: Decimal) -> None:
    execution = turn.execution
    _close(turn)
    execution.exits += 1
    order = market_sell_spec(turn, leg_id(execution, "x", execution.exits), quantity)
    turn.ask(PlaceOrder(execution.symbol, order.client_order_id, EXIT, turn.now, order))


def _close(turn: Turn) -> None:
    if turn.execution.status in ("opening", "open"):
        turn.move("closing", turn.execution.exit_reason)


def doubt_balance(turn: Turn) -> None:
    """The account says that less is free than we hold: ask it once more, then look for who sold it (7.3).

    A word about balances may be older than the fill it seems to follow.
    """
    execution = turn.execution
    if execution.short_of_base:
        _miss_base(turn)
        return
    execution.short_of_base = True
    turn.alert(
        "warning",
        "base_short",
        f"cycle {execution.cycle_id} holds {execution.held} {turn.instrument.base_asset}, less is free: asking again",
    )
    ask_for_balances(turn)
    hold_back(turn, turn.desk.settings.repeat_after)


def _miss_base(turn: Turn) -> None:
    """Less is there than we hold: look once for what a person sold; where that explains nothing, hands off (7.3)."""
    execution = turn.execution
    if not execution.searched:
        execution.searched = True
        turn.ask(fills_request(turn))
        return
    turn.alert(
        "critical",
        "base_missing",
        f"cycle {execution.cycle_id} holds {execution.held} {turn.instrument.base_asset} in our books, the account has "
        "less and no sale of it: the cycle is manual now, no more orders are sent for it",
    )
    turn.move("manual", "base_missing")
