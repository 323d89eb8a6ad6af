"""The trader service: the coordinator's commands become orders, the exchange's events become facts.

It asks and never calls; what it asked for, and what it was answered, is state.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.channels import TRADE_EVENTS
from roottrading.messages.commands import AdoptTradeCycle, CancelEntry, CloseTradeCycle, MoveStop, OpenTradeCycle
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import CommandRefused, TradeCycleMoved
from roottrading.messages.exchange import (
    AccountChanged,
    ExchangeEvent,
    ExchangeReply,
    ExecutionsReported,
    InstrumentChanged,
    OpenOrdersReported,
    OrderExecuted,
    OrderOpened,
    ReconcileDue,
)
from roottrading.messages.service import (
    NOTHING,
    ControlChanged,
    DeadlineDue,
    Decision,
    Input,
    Outgoing,
    Resumed,
    Row,
)
from roottrading.services.trader.deadlines import on_deadline
from roottrading.services.trader.desk import Desk
from roottrading.services.trader.entry import begin, enter, refusal
from roottrading.services.trader.hearing import ABOUT_ORDERS, ABOUT_SYMBOLS, fold, news_of
from roottrading.services.trader.namesakes import is_namesake, is_twin, namesake, namesakes_open
from roottrading.services.trader.obeying import cancel_entry, close_cycle, move_stop
from roottrading.services.trader.reconciling import reconcile, resume, sold_by_hand
from roottrading.services.trader.settings import TraderSettings
from roottrading.services.trader.state import CycleExecution
from roottrading.services.trader.surroundings import (
    for_all,
    merged,
    on_account,
    on_control,
    on_instrument,
    on_late_fill,
    on_orphans,
)
from roottrading.services.trader.taking_over import (
    TAKEOVER_DEADLINE,
    ask_again,
    hold,
    is_answer,
    must_wait,
    take_over,
    taken_over,
)
from roottrading.services.trader.turn import Turn
from roottrading.services.trader.watchman import look_after

Entering = OpenTradeCycle | AdoptTradeCycle
Running = CloseTradeCycle | MoveStop | CancelEntry


class Trader:
    """Executes trade cycles at the exchange and guards them, one active cycle a symbol.

    At every load it asks for the account. Until the exchange has spoken of it, nobody knows what is free there, and
    it enters without the one-request lists that would pay commission from foreign coins (trading-rules 1.3).
    Raises ValueError for a command in a symbol it has no instrument of, or with ids of another deployment.
    """

    def __init__(
        self, deployment: str, instruments: Mapping[str, Instrument], fees: FeeSchedule, settings: TraderSettings
    ) -> None:
        self._desk = Desk(deployment, instruments, fees, settings)
        self._handlers: dict[type, Callable[[Any, Time], Decision]] = {
            **dict.fromkeys(ABOUT_ORDERS, self._on_order_event),
            **dict.fromkeys(ABOUT_SYMBOLS, self._on_report),
            ExchangeReply: self._on_reply,
            Envelope: self._on_envelope,
            AccountChanged: self._on_account,
            DeadlineDue: self._on_deadline,
            ReconcileDue: lambda event, now: for_all(self._desk, event.symbol, now, reconcile),
            InstrumentChanged: lambda event, now: on_instrument(self._desk, event, now),
            ControlChanged: lambda event, now: on_control(self._desk, event, now),
            Resumed: self._on_resumed,
        }
        self._commands: dict[type, Callable[[Any, Time], Decision]] = {
            OpenTradeCycle: self._on_entering,
            AdoptTradeCycle: self._on_entering,
            CloseTradeCycle: self._on_running,
            MoveStop: self._on_running,
            CancelEntry: self._on_running,
        }

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the state that the rows describe."""
        self._desk.restore(rows)

    def state(self) -> dict[str, dict[tuple[str | int, ...], Any]]:
        """Return every state table's records by key, for comparison."""
        return self._desk.state()

    def decide(self, given: Input, now: Time) -> Decision:
        """Fold one input; what is none of the trader's business changes nothing."""
        handler = self._handlers.get(type(given))
        return NOTHING if handler is None else handler(given, now)

    def _on_order_event(self, event: ExchangeEvent, now: Time) -> Decision:
        execution = self._desk.executions.get(event.symbol)
        if execution is None or not event.client_order_id.startswith(execution.prefix):
            return self._on_stray(event, execution, now)
        if is_twin(execution, event):
            return self._on_twin(event, now)
        turn = Turn(self._desk, execution, now)
        fold(turn, event)
        return _looked_after(turn)

    def _on_reply(self, reply: ExchangeReply, now: Time) -> Decision:
        """Fold event by event, and look after a cycle once: when the next event is about something else."""
        decisions: list[Decision] = []
        turn: Turn | None = None
        for event in news_of(reply.events):
            if type(event) in ABOUT_ORDERS:
                if turn is not None and turn.is_about(event) and not is_twin(turn.execution, event):
                    fold(turn, event)
                    continue
                execution = self._desk.executions.get(event.symbol)
                is_ours = execution is not None and event.client_order_id.startswith(execution.prefix)
                if execution is not None and is_ours and not is_twin(execution, event):
                    if turn is not None:
                        decisions.append(_looked_after(turn))
                    turn = Turn(self._desk, execution, now)
                    fold(turn, event)
                    continue
            if turn is not None:
                decisions.append(_looked_after(turn))
                turn = None
            decisions.append(self.decide(event, now))
        if turn is not None:
            decisions.append(_looked_after(turn))
        return merged(decisions)

    def _on_stray(self, event: ExchangeEvent, execution: CycleExecution | None, now: Time) -> Decision:
        """Foreign orders are none of ours (7.2), but for what a person sells of a manual cycle."""
        if type(event) is OrderOpened and is_namesake(self._desk, event, now):
            return namesake(self._desk, event.symbol, event.client_order_id, event.order_id, now)
        if type(event) is not OrderExecuted:
            return NOTHING
        if event.client_order_id.startswith(self._desk.prefix):
            return on_late_fill(self._desk, event, now)
        if execution is None or execution.status != "manual" or event.side != "SELL":
            return NOTHING
        turn = Turn(self._desk, execution, now)
        sold_by_hand(turn, (event,))
        look_after(turn)
        return turn.decision()

    def _on_twin(self, event: Any, now: Time) -> Decision:
        """Another's order has the id of one of ours: none of it is booked, and what it traded the books lack."""
        said = namesake(self._desk, event.symbol, event.client_order_id, event.order_id, now)
        return merged((said, on_late_fill(self._desk, event, now))) if type(event) is OrderExecuted else said

    def _on_report(self, event: OpenOrdersReported | ExecutionsReported, now: Time) -> Decision:
        execution = self._desk.executions.get(event.symbol)
        if execution is None:
            if type(event) is not OpenOrdersReported:
                return NOTHING
            return merged((on_orphans(self._desk, event, now), namesakes_open(self._desk, event, now)))
        turn = Turn(self._desk, execution, now)
        ABOUT_SYMBOLS[type(event)](turn, event)
        look_after(turn)
        return turn.decision()

    def _on_resumed(self, resumed: Resumed, now: Time) -> Decision:
        asked = take_over(self._desk, now)
        return merged((asked, for_all(self._desk, "", now, lambda turn: resume(turn, resumed.unanswered))))

    def _on_account(self, event: AccountChanged, now: Time) -> Decision:
        desk = self._desk
        told = on_account(desk, event)
        if not desk.takeover.waiting or not is_answer(desk, event):
            return told
        change, waited = taken_over(desk)
        return merged((told, change, *(self._commands[type(command)](command, now) for command in waited)))

    def _on_envelope(self, envelope: Envelope, now: Time) -> Decision:
        command: Any = envelope.body
        obey = self._commands.get(type(command))
        if obey is None:
            return NOTHING
        desk = self._desk
        return hold(desk, command) if desk.takeover.waiting and must_wait(desk, command) else obey(command, now)

    def _on_entering(self, command: Entering, now: Time) -> Decision:
        desk = self._desk
        desk.instrument(command.symbol)
        known = desk.executions.get(command.symbol)
        if command.cycle_id in (desk.ledger(command.symbol).last_cycle_id, known.cycle_id if known else ""):
            return NOTHING  # said before
        reason = refusal(desk, command, now)
        if reason:
            refused = _refused(command, reason, now)
            if isinstance(command, AdoptTradeCycle):
                return refused
            moved = TradeCycleMoved(command.cycle_id, command.symbol, "expired", reason, now)
            return Decision((*refused.messages, Outgoing(TRADE_EVENTS, command.symbol, moved)))
        execution = desk.executions[command.symbol] = begin(desk, command)
        turn = Turn(desk, execution, now)
        turn.say(TradeCycleMoved(command.cycle_id, command.symbol, "opening", "accepted", now))
        turn.changed = True
        if isinstance(command, OpenTradeCycle):
            enter(turn, command.entry_timeout_at)
        else:
            execution.adopted = execution.bought = execution.net = command.quantity
            turn.move("open", "adopted")
            look_after(turn)
        return turn.decision()

    def _on_running(self, command: Running, now: Time) -> Decision:
        execution = self._desk.executions.get(command.symbol)
        if execution is None or execution.cycle_id != command.cycle_id:
            return _refused(command, "no such cycle under way", now)
        if execution.status not in command.expects:
            return _refused(command, f"the cycle is {execution.status}", now)
        turn = Turn(self._desk, execution, now)
        match command:
            case CloseTradeCycle():
                close_cycle(turn, command)
            case MoveStop():
                move_stop(turn, command)
            case CancelEntry():
                cancel_entry(turn, command)
        look_after(turn)
        return turn.decision()

    def _on_deadline(self, due: DeadlineDue, now: Time) -> Decision:
        if due.key == TAKEOVER_DEADLINE:
            return ask_again(self._desk, now)
        kind, _, cycle_id = due.key.partition("/")
        for execution in self._desk.executions.values():
            if execution.cycle_id == cycle_id and kind in execution.deadlines:
                turn = Turn(self._desk, execution, now)
                on_deadline(turn, kind)
                return turn.decision()
        return NOTHING


def _looked_after(turn: Turn) -> Decision:
    if not turn.ended:
        look_after(turn)
    return turn.decision()


def _refused(command: Entering | Running, reason: str, now: Time) -> Decision:
    body = CommandRefused(command.cycle_id, command.symbol, type(command).__name__, reason, now)
    return Decision((Outgoing(TRADE_EVENTS, command.symbol, body),))
