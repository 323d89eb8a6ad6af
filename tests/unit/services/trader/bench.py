"""A bench: one trader, one scripted exchange, and what they say to each other, brought to rest instant by instant."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from roottrading.domain.balance import Balance
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.fill import Fill
from roottrading.domain.ids import client_order_id, cycle_id
from roottrading.domain.instrument import Instrument
from roottrading.domain.order import Order
from roottrading.messages.commands import AdoptTradeCycle, OpenTradeCycle, ProtectionPlan
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import AlertRaised, CommandRefused, ProtectionRestored, TradeCycleMoved, facts_of
from roottrading.messages.exchange import AccountChanged, ExchangeEvent, Request, canonical_order
from roottrading.messages.service import DeadlineDue, Decision, Input, Row
from roottrading.services.trader import TABLES, Trader, TraderSettings
from tests.unit.services.trader.scripted import ScriptedExchange

D = Decimal
DEPLOYMENT = "sim"
SYMBOL = "BASEQUOTE"
T = 1_700_000_000_000_000
SECOND = 1_000_000
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base_asset="BASE",
    quote_asset="QUOTE",
    tick_size=D("0.01"),
    step_size=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D(1000),
    min_notional=D(5),
)
RECORDS = {table.name: table for table in TABLES}
Body = TypeVar("Body", bound=Message)
Arrange = Callable[[Sequence[ExchangeEvent]], Iterable[Input]]


def cycle(number: int = 1) -> str:
    return cycle_id(DEPLOYMENT, f"{SYMBOL}/{number}")


def leg(name: str, number: int = 1, of: str | None = None) -> str:
    """Return the client order id of a leg's attempt."""
    return client_order_id(DEPLOYMENT, of or cycle(), name, number)


def plan(of: str, stop: str = "98", target: str | None = "104", time_limit_at: int | None = None) -> ProtectionPlan:
    return ProtectionPlan(
        D(stop), None if target is None else D(target), time_limit_at, *(leg(name, 1, of) for name in "estl")
    )


def opening(
    quantity: str = "1",
    number: int = 1,
    stop: str = "98",
    target: str | None = "104",
    time_limit_at: int | None = None,
    valid_until: int = T + 60 * SECOND,
    entry_limit: str | None = None,
    entry_timeout_at: int | None = None,
) -> OpenTradeCycle:
    of = cycle(number)
    return OpenTradeCycle(
        of,
        SYMBOL,
        f"{SYMBOL}/{number}",
        7,
        "ema_cross",
        "",
        T,
        D(quantity),
        D("100.30"),
        plan(of, stop, target, time_limit_at),
        valid_until,
        None if entry_limit is None else D(entry_limit),
        entry_timeout_at,
    )


def adopting(quantity: str = "1") -> AdoptTradeCycle:
    of = cycle()
    stop_only = msgspec.structs.replace(plan(of, target=None), entry_id="")
    return AdoptTradeCycle(of, SYMBOL, D(quantity), D(90), stop_only, T)


class Bench:
    """`arrange` may repeat, reorder, bundle an answer's events; `restarting` restores the trader before each input."""

    def __init__(
        self,
        instrument: Instrument = INSTRUMENT,
        settings: TraderSettings | None = None,
        fees: FeeSchedule | None = None,
        base_free: str = "0",
        arrange: Arrange | None = None,
        restarting: bool = False,
        account_heard: bool = True,
    ) -> None:
        self.instrument = instrument
        self.settings = settings or TraderSettings()
        self.fees = fees or FeeSchedule()
        self.exchange = ScriptedExchange(SYMBOL, instrument.step_size, D(base_free))
        self.trader = self._fresh()
        self.now = self.exchange.now = T
        self.arrange = arrange or (lambda events: events)
        self.restarting = restarting
        self.rows: dict[tuple[str, tuple[str | int, ...]], bytes] = {}
        self.messages: list[Message] = []
        self.requests: list[Request] = []
        self.deadlines: dict[str, int] = {}
        self.inputs = 0
        if account_heard:
            balances = (Balance("QUOTE", D(10_000), D(0)), Balance("BASE", D(base_free), D(0)))
            self.give(AccountChanged("", "", T - 1, balances))

    # ---- driving

    def command(self, body: Message) -> None:
        self.give(Envelope("coordinator", f"trade.commands/{SYMBOL}", 1, 0, self.now, "", body))

    def give(self, *inputs: Input) -> None:
        """Bring the inputs and all that follows from them at this instant to rest."""
        inbox: deque[Input] = deque(inputs)
        held: list[Request] = []
        rounds = 0
        while inbox or held:
            while inbox:
                decision = self._decide(inbox.popleft())
                held.extend(decision.requests)
            rounds += 1
            assert rounds < 50, f"no rest at one instant: {[type(r).__name__ for r in self.requests[-6:]]}"
            held.sort(key=canonical_order)
            for request in held:
                inbox.extend(self.arrange(self.exchange.execute(request, self.now)))
            held = []

    def happen(self, events: Iterable[ExchangeEvent]) -> None:
        """Let the exchange tell what happened at it."""
        self.give(*self.arrange([*events, self.exchange.account()]))

    def advance(self, span: int) -> None:
        """Let time pass, deadlines coming due one by one."""
        until = self.now + span
        while self.deadlines:
            when, key = min((when, key) for key, when in self.deadlines.items())
            if when > until:
                break
            del self.deadlines[key]
            self.now = self.exchange.now = max(when, self.now)
            self.give(DeadlineDue(key))
        self.now = self.exchange.now = until

    def filled(self, *, target: str | None = "104", quantity: str = "1") -> None:
        """Open a cycle that is filled and protected at once."""
        self.command(opening(quantity=quantity, target=target))
        assert self.status == "open"

    def _decide(self, given: Input) -> Decision:
        if self.restarting:
            self.trader = self.restored()
        self.inputs += 1
        decision = self.trader.decide(given, self.now)
        for row in decision.rows:
            self._keep(row)
        self.messages.extend(fact for out in decision.messages for fact in facts_of(out.body))
        self.requests.extend(decision.requests)
        for key, when in decision.deadlines:
            if when is None:
                self.deadlines.pop(key, None)
            else:
                self.deadlines[key] = when
        restored = self.restored().state()
        assert restored == self.trader.state(), "restore(all rows) differs from the live state"
        return decision

    def _keep(self, row: Row) -> None:
        name = (row.table, row.key)
        if row.values is None:
            del self.rows[name]
        else:
            assert type(row.values) is RECORDS[row.table].record
            self.rows[name] = msgspec.json.encode(row.values)

    def _fresh(self) -> Trader:
        return Trader(DEPLOYMENT, {SYMBOL: self.instrument}, self.fees, self.settings)

    def restored(self) -> Trader:
        """Return a fresh trader with all state rows, read back from what was written."""
        trader = self._fresh()
        trader.restore(
            Row(table, key, msgspec.json.decode(data, type=RECORDS[table].record))
            for (table, key), data in self.rows.items()
            if RECORDS[table].kept == "state"
        )
        return trader

    # ---- looking

    def records(self, table: str) -> dict[tuple[str | int, ...], Any]:
        return {
            key: msgspec.json.decode(data, type=RECORDS[table].record)
            for (name, key), data in self.rows.items()
            if name == table
        }

    @property
    def orders(self) -> dict[str, Order]:
        """The journal of orders, by the end of their client order ids (e1, s1, ...)."""
        return {order.client_order_id.rsplit("-", 1)[-1]: order for order in self.records("orders").values()}

    @property
    def fills(self) -> list[Fill]:
        return sorted(self.records("fills").values(), key=lambda fill: fill.trade_id)

    @property
    def status(self) -> str:
        return self.moves[-1][0]

    @property
    def moves(self) -> list[tuple[str, str]]:
        return [(moved.status, moved.reason) for moved in self.said(TradeCycleMoved)]

    @property
    def alerts(self) -> list[str]:
        return [alert.subject for alert in self.said(AlertRaised)]

    @property
    def refusals(self) -> list[tuple[str, str]]:
        return [(refused.command, refused.reason) for refused in self.said(CommandRefused)]

    @property
    def spans(self) -> list[ProtectionRestored]:
        return self.said(ProtectionRestored)

    @property
    def dust(self) -> Decimal:
        ledgers = self.records("trader_symbols")
        return ledgers[SYMBOL,].dust if (SYMBOL,) in ledgers else D(0)

    def said(self, kind: type[Body]) -> list[Body]:
        return [message for message in self.messages if isinstance(message, kind)]

    def asked(self, since: int = 0) -> list[str]:
        """Say what was asked of the exchange: the kind of request and the leg."""
        return [
            f"{type(request).__name__} {request.client_order_id.rsplit('-', 1)[-1]}"
            for request in self.requests[since:]
        ]
