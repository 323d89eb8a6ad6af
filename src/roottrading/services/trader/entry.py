"""Entering: whether, by which request, and what becomes of an entry that rests or received too little."""

from decimal import Decimal

from roottrading.domain.money import ONE, floor_to
from roottrading.domain.order import OrderType, TimeInForce
from roottrading.domain.time import Time
from roottrading.messages.commands import AdoptTradeCycle, OpenTradeCycle, ProtectionPlan
from roottrading.messages.exchange import ENTRY, EXIT, CancelOrder, OrderSpec, PlaceOrder, PlaceOrderList
from roottrading.services.trader.changed_filters import FILTERS_CHANGED, fits
from roottrading.services.trader.desk import Desk
from roottrading.services.trader.leg_ids import ENTRY_LEG, leg_id, leg_of
from roottrading.services.trader.legs import prevention, stop_spec, target_spec
from roottrading.services.trader.sizes import completion, is_resting
from roottrading.services.trader.state import CycleExecution
from roottrading.services.trader.turn import Turn


def refusal(desk: Desk, command: OpenTradeCycle | AdoptTradeCycle, now: Time) -> str:
    """Return why a cycle may not begin, asked at the last door; empty where it may (trading-rules 3.5, 7.3, 7.4).

    What is adopted is there already and needs its stop: only a symbol that is busy refuses it.
    """
    if isinstance(command, OpenTradeCycle):
        if now > command.valid_until:
            return "expired"
        if desk.control.state != "trading":
            return desk.control.state
        if command.symbol in desk.control.paused:
            return "paused"
        if not desk.tradable(command.symbol):
            return "not_trading"
        if command.entry_limit is not None and command.entry_timeout_at is None:
            return "no_entry_timeout"
        if not fits(desk.instrument(command.symbol), command, desk.fees.taker):
            return FILTERS_CHANGED
    return "symbol_busy" if command.symbol in desk.executions else ""


def begin(desk: Desk, command: OpenTradeCycle | AdoptTradeCycle) -> CycleExecution:
    """Return the record of a new cycle. Raises ValueError where the plan's ids are not this deployment's."""
    plan = command.plan
    prefix = plan.stop_id[:-2]
    if not prefix.startswith(desk.prefix) or not _is_ours(plan, prefix):
        raise ValueError(
            f"the plan of cycle {command.cycle_id} ({command.symbol}) has the ids {plan.entry_id!r}, {plan.stop_id!r}, "
            f"{plan.target_id!r}, {plan.list_id!r}: they are not those of one cycle's first attempts under "
            f"{desk.prefix!r}; coordinator and trader must be of one deployment"
        )
    if isinstance(command, OpenTradeCycle):
        price, entry_limit = command.worst_price, command.entry_limit
    else:  # what a person says it cost tells nothing of the market; the stop is a little below it
        price, entry_limit = plan.stop_price, None
    return CycleExecution(
        command.cycle_id,
        command.symbol,
        prefix,
        plan,
        command.quantity,
        price,
        entry_limit,
        plan.stop_price,
        plan.target_price,
        desk.ledger(command.symbol).dust,
        price,
    )


def enter(turn: Turn, entry_timeout_at: Time | None) -> None:
    """Send the entry, in one request with its protection where the exchange sizes that exactly (1.2, 1.3)."""
    execution = turn.execution
    if execution.entry_limit is not None:
        if entry_timeout_at is not None:
            turn.wake("entry_timeout", entry_timeout_at)
        rest_at(turn, execution.entry_limit)
    elif _one_request_will_do(turn):
        _place_with_protection(turn)
    else:
        execution.entries += 1
        _place(turn, "LIMIT", execution.planned, execution.worst_price, "IOC")


def rest_at(turn: Turn, price: Decimal) -> None:
    """Place a resting entry for what is still to be bought (trading-rules 1.7)."""
    execution = turn.execution
    execution.entries += 1
    execution.entry_limit = price
    kind = turn.desk.settings.resting_entry
    _place(turn, kind, execution.planned - execution.bought, price, "GTC" if kind == "LIMIT" else None)


def reprice(turn: Turn) -> bool:
    """Try a rejected LIMIT_MAKER again a little lower; False once that was done often enough."""
    execution, settings = turn.execution, turn.desk.settings
    if execution.entry_limit is None or execution.entries > settings.reprices or execution.cancel_reason:
        return False
    tick = turn.instrument.tick_size
    lower = floor_to(execution.entry_limit * (ONE - settings.reprice_step), tick)
    lower = min(lower, execution.entry_limit - tick)
    if lower <= execution.stop_price:
        return False
    rest_at(turn, lower)
    return True


def complete(turn: Turn) -> bool:
    """Buy at market what makes a too small entry large enough, once; False where that cannot be (1.3, 1.7)."""
    execution = turn.execution
    if execution.completed or not execution.entries or turn.desk.control.state != "trading":
        return False
    execution.completed = True
    turn.changed = True
    quantity = completion(turn.instrument, execution, turn.desk.fees.taker)
    if not quantity:
        return False
    execution.entries += 1
    _place(turn, "MARKET", quantity, None, None)
    return True


def cancel_resting(turn: Turn) -> None:
    """Cancel the entries that rest, once each; what they bought stays and stays protected (7.4)."""
    execution = turn.execution
    if execution.entry_limit is None or execution.held_back_until is not None:
        return  # what is taken at once ends by itself
    under_way = {
        unanswered.request.target
        if isinstance(unanswered.request, CancelOrder)
        else unanswered.request.client_order_id  # its fate is being asked for
        for unanswered in execution.unanswered
    }
    for client_order_id, order in execution.orders.items():
        if order.side == "BUY" and order.type != "MARKET" and is_resting(order) and client_order_id not in under_way:
            cancel(turn, client_order_id)


def cancel(turn: Turn, target: str) -> None:
    """Cancel an order, and with a leg its list."""
    execution = turn.execution
    execution.cancels += 1
    turn.ask(CancelOrder(execution.symbol, leg_id(execution, "c", execution.cancels), EXIT, turn.now, target))


def is_entry_cancel(execution: CycleExecution, request: object) -> bool:
    """Say whether a request cancels an entry: nothing that is sold or protected waits for it."""
    return isinstance(request, CancelOrder) and leg_of(execution, request.target) == ENTRY_LEG


def _one_request_will_do(turn: Turn) -> bool:
    """OPO takes its commission from free base where there is enough: then its legs would sell foreign coins (1.3)."""
    desk, execution, instrument = turn.desk, turn.execution, turn.instrument
    if not (instrument.oto_allowed and instrument.opo_allowed):
        return False
    if execution.target_price is not None and not instrument.oco_allowed:
        return False
    if "" not in desk.free:
        return False  # the account has not spoken yet: what is free there, nobody knows
    balance = desk.free.get(instrument.base_asset)
    if balance is None:
        return True
    return balance.free < execution.planned * desk.fees.taker and balance.free < instrument.step_size


def _place_with_protection(turn: Turn) -> None:
    execution, plan = turn.execution, turn.execution.plan
    execution.entries = execution.protections = 1
    execution.protected = execution.planned
    working = OrderSpec(
        plan.entry_id,
        "BUY",
        "LIMIT",
        execution.planned,
        execution.worst_price,
        None,
        "FOK",
        prevention(turn.instrument, "EXPIRE_TAKER"),
    )
    stop = stop_spec(turn, plan.stop_id, None, execution.stop_price)
    if execution.target_price is None:
        turn.ask(PlaceOrderList(execution.symbol, plan.list_id, ENTRY, turn.now, "OPO", (working, stop)))
        return
    target = target_spec(turn, plan.target_id, None, execution.target_price)
    turn.ask(PlaceOrderList(execution.symbol, plan.list_id, ENTRY, turn.now, "OPOCO", (working, stop, target)))


def _place(turn: Turn, kind: OrderType, quantity: Decimal, price: Decimal | None, life: TimeInForce | None) -> None:
    execution = turn.execution
    client_order_id = leg_id(execution, ENTRY_LEG, execution.entries)
    order = OrderSpec(
        client_order_id,
        "BUY",
        kind,
        quantity,
        price,
        None,
        life,
        prevention(turn.instrument, "EXPIRE_TAKER"),
    )
    turn.ask(PlaceOrder(execution.symbol, client_order_id, ENTRY, turn.now, order))


def _is_ours(plan: ProtectionPlan, prefix: str) -> bool:
    return (
        plan.entry_id in ("", f"{prefix}e1")
        and plan.stop_id == f"{prefix}s1"
        and plan.target_id in ("", f"{prefix}t1")
        and plan.list_id in ("", f"{prefix}l1")
    )
