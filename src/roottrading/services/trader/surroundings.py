"""What concerns more than one cycle: balances, the market's status, the kill switch, orders without a cycle."""

from collections.abc import Callable, Iterable
from typing import Final, Literal

from msgspec.structs import replace

from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.channels import TRADE_EVENTS
from roottrading.messages.events import AlertRaised, FillUnmatched
from roottrading.messages.exchange import AccountChanged, InstrumentChanged, OpenOrdersReported, OrderExecuted
from roottrading.messages.service import NOTHING, ControlChanged, Decision, Outgoing, Row
from roottrading.services.trader.changed_filters import refit
from roottrading.services.trader.desk import Desk
from roottrading.services.trader.obeying import give_up_entry
from roottrading.services.trader.state import BALANCES, CONTROL, CONTROL_KEY, INSTRUMENTS, SYMBOLS, Control, FreeBalance
from roottrading.services.trader.turn import Turn
from roottrading.services.trader.watchman import look_after

ACCOUNT_HEARD: Final = ""  # the asset that stands for the account having spoken at all


def for_all(desk: Desk, symbol: str, now: Time, act: Callable[[Turn], None]) -> Decision:
    """Act on the symbol's cycle, or on all of them where it is empty, and look after each."""
    decisions = []
    for execution in list(desk.executions.values()):
        if not symbol or execution.symbol == symbol:
            turn = Turn(desk, execution, now)
            act(turn)
            look_after(turn)
            decisions.append(turn.decision())
    return merged(decisions)


def merged(decisions: Iterable[Decision]) -> Decision:
    """Return several decisions as one."""
    told = [decision for decision in decisions if decision is not NOTHING]
    if not told:
        return NOTHING
    if len(told) == 1:
        return told[0]
    messages, requests, deadlines, rows = told[0].messages, told[0].requests, told[0].deadlines, told[0].rows
    for decision in told[1:]:
        messages += decision.messages
        requests += decision.requests
        deadlines += decision.deadlines
        rows += decision.rows
    return Decision(messages, requests, deadlines, rows)


def on_account(desk: Desk, event: AccountChanged) -> Decision:
    """Remember what is free of the base assets; an older word than the last one is none."""
    rows = []
    free, at = desk.free, event.at
    if ACCOUNT_HEARD not in free:
        heard = free[ACCOUNT_HEARD] = FreeBalance(ACCOUNT_HEARD, ZERO, at)
        rows.append(Row(BALANCES, (ACCOUNT_HEARD,), heard))
    for balance in event.balances:
        asset = balance.asset
        if asset in desk.bases and (asset not in free or at >= free[asset].at):
            kept = free[asset] = FreeBalance(asset, balance.free, at)
            rows.append(Row(BALANCES, (asset,), kept))
    return Decision((), (), (), tuple(rows)) if rows else NOTHING


def on_instrument(desk: Desk, event: InstrumentChanged, now: Time) -> Decision:
    """Go by the market's filters and status: while it does not trade, entries are off, and nothing is sent (7.3)."""
    if event.symbol not in desk.instruments:
        return NOTHING
    return merged((_on_filters(desk, event, now), _on_status(desk, event, now)))


def _on_filters(desk: Desk, event: InstrumentChanged, now: Time) -> Decision:
    """Adopt filters that changed: by the old ones the exchange would refuse even a sale."""
    known, told = desk.instruments[event.symbol], event.instrument
    if told is None or replace(told, status=known.status) == known:
        return NOTHING
    desk.adopt(replace(told, status=known.status))
    own = Decision(rows=(Row(INSTRUMENTS, (event.symbol,), desk.instruments[event.symbol]),))
    return merged((own, for_all(desk, event.symbol, now, refit)))


def _on_status(desk: Desk, event: InstrumentChanged, now: Time) -> Decision:
    if desk.market_status(event.symbol) == event.status:
        return NOTHING
    ledger = desk.symbols[event.symbol] = replace(desk.ledger(event.symbol), status=event.status)
    trading = event.status == "TRADING"
    alert = _alert(
        "info" if trading else "critical", "market_status", f"{event.symbol} is {event.status}", event.symbol, now
    )
    own = Decision((alert,), rows=(Row(SYMBOLS, (event.symbol,), ledger),))
    act = _reopen if trading else _giving_up("not_trading")
    return merged((own, for_all(desk, event.symbol, now, act)))


def on_control(desk: Desk, event: ControlChanged, now: Time) -> Decision:
    """Note the kill switch: it refuses entries and cancels resting ones, never protection or exits (7.4)."""
    before = desk.control
    if event.number <= before.number:
        return NOTHING
    paused = set(before.paused)
    if event.action == "pause" and event.symbol:
        paused.add(event.symbol)
    elif event.action == "resume" and event.symbol:
        paused.discard(event.symbol)
    desk.control = Control(event.number, event.state, tuple(sorted(paused)))
    own = Decision(rows=(Row(CONTROL, (CONTROL_KEY,), desk.control),))
    if event.state != "trading":
        return merged((own, for_all(desk, "", now, _giving_up(event.state))))
    if event.action == "pause" and event.symbol:
        return merged((own, for_all(desk, event.symbol, now, _giving_up("paused"))))
    return own


def on_late_fill(desk: Desk, event: OrderExecuted, now: Time) -> Decision:
    """An execution of ours without its cycle: old news of an ended one, or a trade that the books lack (8)."""
    if event.symbol not in desk.instruments:
        return NOTHING
    ledger = desk.ledger(event.symbol)
    if event.trade_id <= ledger.last_trade_id:
        return NOTHING
    ledger = desk.symbols[event.symbol] = replace(ledger, last_trade_id=event.trade_id)
    body = FillUnmatched(event.symbol, event.client_order_id, event.side, event.quantity, event.price, now)
    return Decision((Outgoing(TRADE_EVENTS, event.symbol, body),), rows=(Row(SYMBOLS, (event.symbol,), ledger),))


def on_orphans(desk: Desk, event: OpenOrdersReported, now: Time) -> Decision:
    """Orders of ours that rest without a cycle: a person must look, we would not know for what they stand."""
    names = [order.client_order_id for order in event.orders if order.client_order_id.startswith(desk.prefix)]
    if not names:
        return NOTHING
    text = f"{', '.join(names)} rest at the exchange under our prefix, but no cycle has them: cancel them by hand"
    return Decision((_alert("critical", "order_without_cycle", text, event.symbol, now),))


def _reopen(turn: Turn) -> None:
    turn.execution.held_back_until = None
    turn.sleep("repeat")


def _giving_up(reason: str) -> Callable[[Turn], None]:
    return lambda turn: give_up_entry(turn, reason)


def _alert(severity: Literal["info", "critical"], subject: str, text: str, symbol: str, now: Time) -> Outgoing:
    return Outgoing(TRADE_EVENTS, symbol, AlertRaised(severity, subject, text, symbol, now))
