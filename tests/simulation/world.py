"""The world of one seed: processes, carriers that misbehave, an exchange, and time that waits for rest."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from random import Random
from typing import Final

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.exchange import AccountChanged, ExchangeEvent, ExchangeReply, InstrumentChanged, Request
from roottrading.messages.service import (
    AccountAdjusted,
    CandleObserved,
    ControlChanged,
    DeadlineDue,
    Input,
    InstantComplete,
    Row,
    Service,
    WeightsSet,
)
from roottrading.pipeline import ROLES
from roottrading.runtimes.replay import Instant
from roottrading.runtimes.step import Effects, Unit
from roottrading.services.coordinator.state import OPEN_CYCLES
from tests.simulation.carriers import Carriers
from tests.simulation.chaos import Chaos
from tests.simulation.database import Database
from tests.simulation.exchange_door import CHANGING, Door, events_of, name_of
from tests.simulation.hands import Given, aimed, deposited
from tests.simulation.process import Process
from tests.simulation.scenario import PATIENCE, Scenario
from tests.simulation.scheduler import Scheduler

MOST_ROUNDS: Final = 200
Observe = Callable[["World"], None]


class Parts(Struct, frozen=True):
    """What a world is built of; a deliberate defect is one of them replaced."""

    database: type[Database] = Database
    carriers: type[Carriers] = Carriers
    process: type[Process] = Process
    door: type[Door] = Door
    scheduler: type[Scheduler] = Scheduler
    service: Callable[[str, Service], Service] = lambda _, service: service


HONEST = Parts()


class World:
    """All of it."""

    def __init__(self, seed: int, scenario: Scenario, chaos: Chaos, parts: Parts = HONEST) -> None:
        self.dice = Random(seed)
        self.scenario = scenario
        self.venue = scenario.venue()
        self.door = parts.door(self.venue, seed, chaos.timeouts)
        self.now: Time = scenario.start
        names = [role.name for role in ROLES]
        self.database = parts.database(names)
        self.processes = {name: [parts.process(self, name, 0)] for name in names}
        self.carriers = parts.carriers(self.dice, chaos, self.database, self.processes)
        self.scheduler = parts.scheduler(self, chaos)
        self.feeds: dict[str, list[Input]] = {name: [] for name in names}
        self.due_until: Time | None = None
        self.closes: dict[str, Decimal] = {}
        self.committed: set[str] = set()
        self.commands: list[ControlChanged] = []
        self.lost_commits = 0
        self._service = parts.service

    # ---- what a process does to the world

    def load(self, role: str) -> Unit:
        """Load a unit: what is kept, and the candles that it had taken by then, as `market_data` would hold them."""
        kept = self.database.kept[role]
        rows: list[Row] = []
        if role == "gateway":
            taken = [given.candle for given in self.feeds[role][: kept.fed] if isinstance(given, CandleObserved)]
            rows = [Row("market_data", (c.symbol, c.timeframe, c.open_time), c) for c in taken]
        heard = {tuple(stream.split("/")[1:]): t for (_, stream), t in kept.seen.items()}
        return self.database.load(
            role, lambda: self._service(role, self.scenario.fresh(role, heard)), self.scenario.state_tables, rows
        )

    def greeting(self, role: str) -> Sequence[ExchangeEvent]:
        """Return what a connection tells when it begins: status and filters that changed, and to the books balances."""
        if role == "portfolio":
            return [self.venue.account(self.now), *self.venue.instruments()]
        if role == "trader":
            return self.venue.instruments()
        return []

    def commit(self, unit: Unit, done: Effects, fed: int, taken: Sequence[Input]) -> None:
        """Commit, and remember which requests were meant to be sent."""
        heard = [event for given in taken for event in events_of(given)]
        answered = [event.client_order_id for event in heard]
        deadline = next((given.key for given in taken if isinstance(given, DeadlineDue)), None)
        self.database.commit(unit, done, fed, answered, deadline)
        for event in heard:
            self.door.heard(event)
        self.committed.update(name_of(request) for request in done.requests if isinstance(request, CHANGING))

    def is_owner(self, unit: Unit) -> bool:
        """Say whether nobody has taken the unit over."""
        return self.database.kept[unit.role].fence == unit.fence

    def send(self, requests: Sequence[Request]) -> None:
        """Hand requests to the exchange's door, where they are held until rest."""
        self.door.hold(requests)

    def due(self, role: str) -> str | None:
        """Return the role's deadline that comes first, of those that may be delivered now."""
        if self.due_until is None:
            return None
        deadlines = self.database.kept[role].deadlines
        return min(((w, k) for k, w in deadlines.items() if w <= self.due_until), default=(0, None))[1]

    # ---- the market

    def play(self, market: Iterable[Instant], observe: Observe) -> None:
        """Take the world through the instants, each phase to rest, as a session does; then let every patience end."""
        self._bring_to_rest(observe)
        for instant in market:
            self._deadlines_until(instant.at - 1, observe)
            self.now = instant.at
            self.told(self._fills(instant))
            self._bring_to_rest(observe)
            self._deadlines_until(instant.at, observe)
            self._candles(instant, observe)
            for given in self.scenario.hands.get(instant.at, ()):
                self._take(given)
                self._bring_to_rest(observe)
        self._deadlines_until(self.now + PATIENCE, observe)

    def told(self, events: Sequence[ExchangeEvent]) -> None:
        """Give what the exchange says at once to every living trader, and to others what is theirs by the pipeline."""
        if not events:
            return
        at_once = [events[0] if len(events) == 1 else ExchangeReply(tuple(events))]
        for process in self.processes["trader"]:
            process.told(events if self.scenario.parted else at_once)
        booked = [event for event in events if isinstance(event, AccountChanged | InstrumentChanged)]
        if booked:
            for process in self.processes["portfolio"]:
                process.told(booked)
        self.feed("coordinator", *(event for event in events if isinstance(event, InstrumentChanged)))

    def feed(self, role: str, *given: Input) -> None:
        """Give a role what its runtime gives it, and gives it again after a crash."""
        self.feeds[role].extend(given)
        for process in self.processes[role]:
            process.awake()

    def rest(self) -> None:
        """Let everybody work until nothing is under way: heads show what was lost on the way."""
        while self.scheduler.work_until_idle() or self.carriers.heads():
            pass

    def _deadlines_until(self, last: Time, observe: Observe) -> None:
        while (when := self._next_deadline()) is not None and when <= last:
            self.now = self.due_until = max(when, self.now)
            self._bring_to_rest(observe)
            self.due_until = None

    def _next_deadline(self) -> Time | None:
        return min((w for kept in self.database.kept.values() for w in kept.deadlines.values()), default=None)

    def _fills(self, instant: Instant) -> list[ExchangeEvent]:
        """Let the exchange match what rested, then stand on the next opens."""
        events: list[ExchangeEvent] = []
        for candle in instant.closed:
            if isinstance(candle, Candle):
                events.extend(self.venue.candle_closed(candle, instant.at))
        for candle in instant.opening:
            events.extend(self.venue.candle_opens(candle, instant.at))
        return events

    def _candles(self, instant: Instant, observe: Observe) -> None:
        """Feed the gateway; when its candles have come to rest everywhere, complete the instant."""
        for candle in instant.closed:
            if isinstance(candle, Candle):
                self.closes[candle.symbol] = candle.close
                self.feed("gateway", CandleObserved(candle))
            else:
                self.feed("gateway", candle)
        complete = InstantComplete(instant.at, dict(self.closes))

        def last() -> None:
            if instant.at % self.scenario.decision_step == 0:
                for role in ("coordinator", "portfolio"):
                    self.feed(role, complete)

        self._bring_to_rest(observe, last)

    def _take(self, given: Given) -> None:
        """Give a person's command, or the day's weights, to whom a session gives it."""
        match given:
            case ControlChanged():
                cycles = self.database.journal("coordinator", OPEN_CYCLES).values()
                command = aimed(given, {cycle.symbol: cycle.id for cycle in cycles})
                self.commands.append(command)
                for role in ("coordinator", "trader"):
                    self.feed(role, command)
            case AccountAdjusted():
                self.told(self.venue.exchange.deposit(*deposited(given), self.now))
                for role in ("coordinator", "portfolio"):
                    self.feed(role, given)
            case WeightsSet():
                self.feed("signal_aggregator", given)

    def _bring_to_rest(self, observe: Observe, last: Callable[[], None] | None = None) -> None:
        self.rest()
        if last is not None:
            last()
            self.rest()
        rounds = 0
        while self.door.held:
            rounds += 1
            if rounds > MOST_ROUNDS:
                raise RuntimeError(f"no rest at {self.now} after {rounds} rounds: {self.door.held}")
            for reply in self.door.execute_held(self.now):
                self.told(reply)
            self.rest()
        observe(self)
