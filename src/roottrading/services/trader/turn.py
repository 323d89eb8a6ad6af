"""A turn: one input's effect on one cycle, gathered until it becomes the Decision."""

from typing import Literal

from msgspec.structs import replace

from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED, Order
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import CycleStatus, move
from roottrading.messages.channels import TRADE_EVENTS
from roottrading.messages.events import (
    AlertRaised,
    CommandRefused,
    Fact,
    OrderChanged,
    TradeCycleMoved,
    TradeProgressed,
)
from roottrading.messages.exchange import AnyRequest, ExchangeEvent
from roottrading.messages.service import NOTHING, Decision, Outgoing, Row
from roottrading.services.trader.desk import Desk
from roottrading.services.trader.locks import locked_by
from roottrading.services.trader.state import EXECUTIONS, ORDERS, SYMBOLS, CycleExecution, SymbolLedger, Unanswered
from roottrading.services.trader.survey import Survey, survey_of

DeadlineKind = Literal["doubt", "repeat", "stop", "time_limit", "entry_timeout"]


class Turn:
    """What follows from an input for `execution`: changed in place here, kept as one row at the end."""

    __slots__ = (
        "_survey",
        "changed",
        "deadlines",
        "desk",
        "ended",
        "execution",
        "facts",
        "instrument",
        "kept",
        "now",
        "requests",
        "rows",
    )

    def __init__(self, desk: Desk, execution: CycleExecution, now: Time) -> None:
        self.desk = desk
        self.execution = execution
        self.instrument = desk.instruments[execution.symbol]
        self.now = now
        self.changed = False
        self.ended = False
        self.facts: list[Fact] = []
        self.kept: dict[str, None] = {}  # the orders that changed, by client order id
        self.requests: list[AnyRequest] = []
        self.deadlines: list[tuple[str, Time | None]] = []
        self.rows: list[Row] = []
        self._survey: Survey | None = None

    def is_about(self, event: ExchangeEvent) -> bool:
        """Say whether an event is about an order of this turn's cycle, which goes on."""
        return not self.ended and event.client_order_id.startswith(self.execution.prefix)

    @property
    def survey(self) -> Survey:
        """What the orders come to, as they now are."""
        if self._survey is None:
            self._survey = survey_of(self.execution)
        return self._survey

    def resurvey(self) -> None:
        """Have the orders looked at anew: one of them, or what was asked about them, changed."""
        self._survey = None
        self.changed = True

    def keep(self, order: Order) -> None:
        """Remember an order as it now is; the turn's end says so."""
        execution = self.execution
        client_order_id = order.client_order_id
        if not self.kept:
            execution.orders = dict(execution.orders)  # the old one is in a row by now
        execution.orders[client_order_id] = order
        self.kept[client_order_id] = None
        # However we heard of it, what we know of free balances from before is older than this order's news (2.5).
        known, told = execution.touched_at, order.updated_at
        execution.touched_at = told if told > known else known
        self._survey = None
        self.changed = True

    def say(self, fact: Fact) -> None:
        """Publish a fact about the symbol."""
        self.facts.append(fact)

    def alert(self, severity: Literal["info", "warning", "critical"], subject: str, text: str) -> None:
        """Tell a person."""
        self.say(AlertRaised(severity, subject, text, self.execution.symbol, self.now))

    def refuse(self, command: str, reason: str) -> None:
        """Say that a command was not done, and why."""
        execution = self.execution
        self.say(CommandRefused(execution.cycle_id, execution.symbol, command, reason, self.now))

    def ask(self, request: AnyRequest) -> None:
        """Send a request and wait for its answer."""
        execution = self.execution
        execution.unanswered = (*execution.unanswered, Unanswered(request))
        self.requests.append(request)
        self._survey = None
        self.changed = True

    def look(self, request: AnyRequest) -> None:
        """Send a question that changes nothing at the exchange; nobody waits for its answer."""
        self.requests.append(request)

    def move(self, status: CycleStatus, reason: str) -> None:
        """Take the cycle to another status and say so. Raises IllegalMove where there is no such arrow."""
        execution = self.execution
        execution.status = move(execution.cycle_id, execution.status, status)
        self.facts.append(TradeCycleMoved(execution.cycle_id, execution.symbol, status, reason, self.now))
        self.changed = True

    def wake(self, kind: DeadlineKind, at: Time) -> None:
        """Ask to be woken at `at`; the same kind asked for again replaces the earlier wish."""
        execution = self.execution
        if kind not in execution.deadlines:
            execution.deadlines = (*execution.deadlines, kind)
        self.deadlines.append((f"{kind}/{execution.cycle_id}", at))
        self.changed = True

    def sleep(self, kind: DeadlineKind) -> None:
        """Withdraw a deadline that is set."""
        execution = self.execution
        if kind in execution.deadlines:
            execution.deadlines = tuple(set_kind for set_kind in execution.deadlines if set_kind != kind)
            self.deadlines.append((f"{kind}/{execution.cycle_id}", None))
            self.changed = True

    def end(self, ledger: SymbolLedger) -> None:
        """Forget the cycle; what outlives it stands in the symbol's ledger."""
        execution = self.execution
        self.ended = True
        self.deadlines.extend((f"{kind}/{execution.cycle_id}", None) for kind in execution.deadlines)
        del self.desk.executions[execution.symbol]
        self.desk.symbols[execution.symbol] = ledger
        self.rows.append(Row(EXECUTIONS, (execution.cycle_id,), None))
        self.rows.append(Row(SYMBOLS, (execution.symbol,), ledger))

    def _say_orders(self) -> None:
        """Keep and say the orders that changed and were placed (trading-rules 6.4), before what came of them."""
        execution = self.execution
        said: list[Fact] = []
        for client_order_id in self.kept:
            order = execution.orders[client_order_id]
            if order.status != "PENDING_NEW" and order.status != "REJECTED":
                self.rows.append(Row(ORDERS, (order.id,), order))
                said.append(OrderChanged(order, ZERO if order.status in ENDED else locked_by(execution, order)))
        self.facts[:0] = said

    def decision(self) -> Decision:
        """Return all that was gathered; an order that changed several times is said once, as it is at the end."""
        rows, facts = self.rows, self.facts
        if self.kept:
            self._say_orders()
        if self.changed and not self.ended:
            rows.append(Row(EXECUTIONS, (self.execution.cycle_id,), replace(self.execution)))
        if rows or facts or self.requests or self.deadlines:
            messages: tuple[Outgoing, ...] = ()
            if facts:
                body = facts[0] if len(facts) == 1 else TradeProgressed(tuple(facts))
                messages = (Outgoing(TRADE_EVENTS, self.execution.symbol, body),)
            return Decision(messages, tuple(self.requests), tuple(self.deadlines), tuple(rows))
        return NOTHING
