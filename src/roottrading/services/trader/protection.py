"""Protection: stop and target at the exchange, moved, lost and put back (trading-rules 1.3, 1.4, 1.9, 1.10)."""

from typing import Final

from roottrading.domain.money import ZERO
from roottrading.domain.order import Order
from roottrading.messages.exchange import PROTECTION, CancelReplace, OrderReported, PlaceOrder, PlaceOrderList
from roottrading.services.trader.changed_filters import least_price, notice_size, regrid
from roottrading.services.trader.entry import cancel
from roottrading.services.trader.leg_ids import STOP_LEG, TARGET_LEG, leg_id, leg_of, sibling_of
from roottrading.services.trader.legs import stop_spec, target_spec
from roottrading.services.trader.sizes import available, is_resting, protectable, rest_of, whole
from roottrading.services.trader.turn import Turn

BY_EXCHANGE: Final = frozenset({"EXCHANGE_CANCELED"})
REFUSED: Final = "protection_refused"
TRIGGERED: Final = "OCO_TRIGGER"


def protect(turn: Turn) -> bool:
    """Rest stop and target for all that is not under a stop yet; False where the filters refuse that size."""
    execution, instrument = turn.execution, turn.instrument
    regrid(turn, ZERO)
    covered = turn.survey.covered
    quantity = whole(instrument, available(turn.desk, execution, covered) - covered)
    if not protectable(instrument, quantity, least_price(turn)):
        return False
    execution.protections += 1
    execution.protected = execution.bought
    number = execution.protections
    stop = stop_spec(turn, leg_id(execution, "s", number), quantity, execution.stop_price)
    symbol, now = execution.symbol, turn.now
    if execution.target_price is not None and instrument.oco_allowed:
        target = target_spec(turn, leg_id(execution, "t", number), quantity, execution.target_price)
        turn.ask(PlaceOrderList(symbol, leg_id(execution, "l", number), PROTECTION, now, "OCO", (stop, target)))
    else:
        turn.ask(PlaceOrder(symbol, stop.client_order_id, PROTECTION, now, stop))
    return True


def move_stops(turn: Turn) -> bool:
    """Replace a list or stop that is not as wanted by one market stop at the wanted price (trading-rules 1.9, 4.2).

    What could not be placed anew stays as it is; False where that is all.
    """
    execution = turn.execution
    outdated = turn.survey.outdated
    regrid(turn, max(execution.orders[stop].stop_price or ZERO for stop in outdated))
    covered = turn.survey.covered
    spare = max(available(turn.desk, execution, covered) - covered, ZERO)
    moved = False
    for client_order_id in outdated:
        quantity = whole(turn.instrument, rest_of(execution.orders[client_order_id]) + spare)
        if not protectable(turn.instrument, quantity, least_price(turn)):
            notice_size(turn)
            continue
        moved = True
        give_up(turn, client_order_id)
        if not turn.instrument.cancel_replace_allowed:
            cancel(turn, client_order_id)
            execution.protected = ZERO  # to be protected anew once that is done
            continue
        execution.protections += 1
        spare = ZERO
        stop = stop_spec(turn, leg_id(execution, "s", execution.protections), quantity, execution.stop_price)
        turn.ask(
            CancelReplace(
                execution.symbol,
                stop.client_order_id,
                PROTECTION,
                turn.now,
                client_order_id,
                stop,
                only_new=True,
            )
        )
    return moved


def give_up(turn: Turn, client_order_id: str) -> None:
    """Note that we asked to cancel a leg, and with it its list."""
    execution = turn.execution
    legs = (client_order_id, sibling_of(execution, client_order_id))
    execution.given_up = (*execution.given_up, *[leg for leg in legs if leg in execution.orders])
    turn.resurvey()


def leg_ended(turn: Turn, order: Order, reason: str) -> None:
    """A stop or target ended without our asking: say what that means for the position.

    A rejected leg is protection refused: out at market (1.4). A stop that ended with a rest was triggered: out at
    market (1.5). A stop cancelled is protection lost, by hand or by the exchange (7.3).
    """
    execution = turn.execution
    leg = leg_of(execution, order.client_order_id)
    if leg not in (STOP_LEG, TARGET_LEG) or order.client_order_id in execution.given_up:
        return
    if order.status == "REJECTED":
        if reason == "REJECTED":
            refused(turn, f"the exchange rejected {order.client_order_id}")
        return
    if order.status == "EXPIRED_IN_MATCH":
        step_over_makers(turn)
        _leave(turn, "stop" if leg == STOP_LEG else "target")
    elif reason == TRIGGERED:
        if leg == TARGET_LEG:
            stop_triggered(turn, sibling_of(execution, order.client_order_id))
    elif order.status == "CANCELED" or reason in BY_EXCHANGE:
        if not order.executed_quantity:
            execution.lost = "by the exchange" if reason in BY_EXCHANGE else "by hand"
            execution.lost_at = order.updated_at
            turn.changed = True
    elif leg == STOP_LEG:
        _leave(turn, "stop")
    else:
        stop_triggered(turn, sibling_of(execution, order.client_order_id))


def watch_reported(turn: Turn, report: OrderReported) -> None:
    """A stop that was triggered unheard has its little while from now on (trading-rules 1.5)."""
    order = turn.execution.orders.get(report.client_order_id)
    if report.triggered and order is not None and order.stop_price is not None and is_resting(order):
        stop_triggered(turn, report.client_order_id)


def watch_stops(turn: Turn) -> None:
    """A stop that sold a part and rests on was triggered, however we heard of it (trading-rules 1.5)."""
    for client_order_id, order in turn.execution.orders.items():
        if order.status == "PARTIALLY_FILLED" and order.stop_price is not None:
            stop_triggered(turn, client_order_id)


def stop_triggered(turn: Turn, stop: str) -> None:
    """A stop works now: it has a little while to be filled (trading-rules 1.5)."""
    execution = turn.execution
    if stop not in execution.triggered:
        execution.triggered = (*execution.triggered, stop)
        turn.wake("stop", turn.now + turn.desk.settings.stop_patience)


def refused(turn: Turn, text: str) -> None:
    """Protection was refused: out at market at once (trading-rules 1.4)."""
    execution = turn.execution
    if execution.exit_reason:
        return
    execution.exit_reason = REFUSED
    turn.changed = True
    turn.alert("critical", "protection_refused", f"cycle {execution.cycle_id}: {text}; selling at market")


def step_over_makers(turn: Turn) -> None:
    """A sell met our own or a foreign bid of this account: repeat it over that bid (trading-rules 1.12)."""
    execution = turn.execution
    if not execution.over_makers:
        execution.over_makers = True
        turn.changed = True
        turn.alert(
            "warning",
            "self_trade",
            f"cycle {execution.cycle_id}: a sell met a bid of this account; repeating it at market, the bid expires",
        )


def _leave(turn: Turn, reason: str) -> None:
    """A leg that worked is the better reason where new protection was refused too, in whatever order we hear it."""
    execution = turn.execution
    refused_too = execution.exit_reason == REFUSED and execution.status != "closing"
    if not execution.exit_reason or refused_too:
        execution.exit_reason = reason
        turn.changed = True
