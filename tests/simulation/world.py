"""The world of one seed: processes, carriers that misbehave, an exchange behind its door, and a scheduler with dice."""

from collections.abc import Callable
from random import Random
from decimal import Decimal

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE, SECOND, Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeEvent
from roottrading.messages.service import CandleObserved, DeadlineDue, Input, InstantComplete, Row
from roottrading.pipeline import BRIDGES, CHANNELS, ROLES, Channel, Role
from roottrading.runtimes.replay import Instant
from roottrading.runtimes.step import Effects, Gap, Unit, step
from tests.simulation.database import Database
from tests.simulation.exchange_door import Door
from tests.simulation.process import Process
from tests.simulation.scenario import Scenario


class Chaos(Struct, frozen=True):
    """How often what goes wrong: shares of scheduling steps, messages and requests."""

    crash: float = 0.01
    heir: float = 0.004
    freeze: float = 0.3  # of the zombies that an heir leaves behind
    lose: float = 0.05
    duplicate: float = 0.05
    redeliver: float = 0.05
    timeouts: float = 0.0
    spared: frozenset[str] = frozenset()  # roles that neither die nor are replaced


CALM = Chaos(0, 0, 0, 0, 0, 0, 0)


class World:
    """All of it; `defects` are names of deliberate mistakes that the simulation must notice."""

    def __init__(
        self, seed: int, scenario: Scenario, door: Door, chaos: Chaos, defects: frozenset[str] = frozenset()
    ) -> None:
        self.random = Random(seed)
        self.scenario = scenario
        self.exchange = door.exchange
        self.door = door
        self.chaos = chaos
        self.defects = defects
        self.now: Time = 0
        self.roles = {role.name: role for role in ROLES}
        self.database = Database(list(self.roles), "no fence" not in defects)
        self.processes = {name: [Process(self, name, 0)] for name in self.roles}
        self.feeds: dict[str, list[Input]] = {name: [] for name in self.roles}
        self.log: dict[tuple[str, str, str], list[Envelope]] = {}
        self.due_until: Time | None = None
        self.closes: dict[str, Decimal] = {}
        self.committed: set[str] = set()
        self.sent: set[str] = set()
        self.crashes = self.lost_commits = self.refetched = self.heirs = 0

    # ---- what a process does to the world

    def load(self, role: str) -> Unit:
        """Load a unit: what is kept, and the candles that it had taken by then, as `market_data` would hold them."""
        kept = self.database.kept[role]
        rows: list[Row] = []
        if role == "gateway":
            taken = [given.candle for given in self.feeds[role][: kept.fed] if isinstance(given, CandleObserved)]
            rows = [Row("market_data", (c.symbol, c.timeframe, c.open_time), c) for c in taken]
        heard = {tuple(stream.split("/")[1:]): t for (_, stream), t in kept.seen.items()}
        return self.database.load(role, lambda: self.scenario.fresh(role, heard), self.scenario.state_tables, rows)

    def step(self, unit: Unit, given: Input, done: Effects) -> None:
        """Step, or step with the sequence check left out."""
        if "no sequence check" in self.defects and isinstance(given, Envelope):
            unit.seen[given.source, given.stream] = min(given.follows, unit.seen.get((given.source, given.stream), 0))
            if unit.seen[given.source, given.stream] == given.sequence:
                unit.seen[given.source, given.stream] = given.follows
            given_follows = given.follows
            unit.seen[given.source, given.stream] = given_follows
        step(unit, given, self.now, done)

    def commit(self, unit: Unit, done: Effects, fed: int, answered: list[str], taken: str | None) -> None:
        """Commit, and remember which requests were meant to be sent."""
        self.database.commit(unit, done, fed, answered, taken)
        self.committed.update(f"{type(r).__name__}/{r.client_order_id}" for r in done.requests)

    def refetch(self, gap: Gap) -> list[Envelope]:
        """Return the messages between the last one seen and the one that came, from their author's outbox."""
        self.refetched += 1
        source, stream = gap.position
        kept = self.database.kept[source].outbox.get(stream, [])
        return [e for _, e in kept if gap.last < e.sequence < gap.envelope.sequence]

    def publish(self, channel: str, envelope: Envelope) -> None:
        """Put a message on its carrier: Kafka keeps it, Pub/Sub gives it to whoever listens - or loses it."""
        carrier = next(c.carrier for c in CHANNELS if c.name == channel)
        if carrier == "kafka":
            log = self.log.setdefault((channel, envelope.source, envelope.stream), [])
            if not log or envelope.sequence > log[-1].sequence or self.random.random() < self.chaos.duplicate:
                log.append(envelope)
            return
        for role in self.roles.values():
            if any(c.name == channel for c in role.consumes):
                for process in self.processes[role.name]:
                    times = 1 + (self.random.random() < self.chaos.duplicate)
                    if self.random.random() < self.chaos.lose:
                        continue
                    process.mailbox.setdefault((envelope.source, envelope.stream), []).extend([envelope] * times)

    def send(self, process: Process, done: Effects) -> None:
        """Hand requests to the exchange's door, where they are held until rest."""
        self.sent.update(f"{type(r).__name__}/{r.client_order_id}" for r in done.requests)
        self.door.held.extend(done.requests)

    # ---- what a process may take up next

    def choose(self, process: Process) -> tuple[Input | None, int, str | None]:
        """Pick one of the inputs that lie ready for the process: (input, feed position after it, deadline taken)."""
        unit = process.unit
        assert unit is not None
        ready: list[Callable[[], tuple[Input, int, str | None]]] = []
        feed = self.feeds[process.role]
        if process.fed < len(feed):
            ready.append(lambda: (feed[process.fed], process.fed + 1, None))
        if process.events:
            ready.append(lambda: (process.events.pop(0), process.fed, None))
        for position, mail in process.mailbox.items():
            if mail:
                ready.append(lambda position=position: (process.mailbox[position].pop(0), process.fed, None))  # type: ignore[misc]
        for envelope in self._next_in_logs(unit):
            ready.append(lambda envelope=envelope: (envelope, process.fed, None))  # type: ignore[misc]
        if self.due_until is not None:
            due = sorted((w, k) for k, w in self.database.kept[process.role].deadlines.items() if w <= self.due_until)
            if due:
                key = due[0][1]
                ready.append(lambda: (DeadlineDue(key), process.fed, key))
        if not ready:
            return None, process.fed, None
        return self.random.choice(ready)()

    def _next_in_logs(self, unit: Unit) -> list[Envelope]:
        found = []
        consumed = {c.name for c in self.roles[unit.role].consumes if c.carrier == "kafka"}
        for (channel, source, stream), log in self.log.items():
            if channel not in consumed or source == unit.role:
                continue
            seen = unit.seen.get((source, stream), 0)
            following = next((e for e in log if e.sequence > seen), None)
            if following is not None:
                found.append(following)
                if self.random.random() < self.chaos.redeliver:
                    found.append(self.random.choice(log))
        return found

    # ---- the scheduler

    def rest(self) -> None:
        """Let everybody work, in an order and with accidents that the dice decide, until nothing is under way."""
        while True:
            if not self._work_until_idle() and not self._heads():
                return

    def _work_until_idle(self) -> bool:
        worked = False
        idle: set[Process] = set()
        while True:
            ready = [p for ps in self.processes.values() for p in ps if p not in idle and not self._frozen(p)]
            if not ready:
                return worked
            process = self.random.choice(ready)
            dice = 1.0 if process.role in self.chaos.spared else self.random.random()
            if dice < self.chaos.crash:
                self.crashes += 1
                process.die()
                idle.clear()
                continue
            if dice < self.chaos.crash + self.chaos.heir and len(self.processes[process.role]) == 1:
                self._heir(process)
                idle.clear()
                continue
            if process.work is None and not process.begin():
                idle.add(process)
                continue
            worked = True
            idle.clear()
            assert process.work is not None
            if next(process.work, None) is None:
                process.work = None
            self._bury(process)

    def _frozen(self, process: Process) -> bool:
        if process.frozen_until is not None and process.frozen_until <= self.now:
            process.frozen_until = None
        return process.frozen_until is not None

    def _heir(self, process: Process) -> None:
        """Begin a successor beside a process that does not know yet that it has been replaced."""
        self.heirs += 1
        if self.random.random() < self.chaos.freeze:
            process.frozen_until = self.now + self.random.choice((3 * SECOND + 1, MINUTE, 3 * MINUTE))
        self.processes[process.role].append(Process(self, process.role, process.number + 1))

    def _bury(self, process: Process) -> None:
        """Remove a zombie that has noticed: it lost its memory while a successor lives."""
        living = self.processes[process.role]
        if process.unit is None and process.work is None and len(living) > 1 and process is not living[-1]:
            living.remove(process)

    def _heads(self) -> bool:
        """Say every stream's last sequence again, so that the last message lost is missed (consistency-rules 2.5)."""
        if "no heads" in self.defects:
            return False
        mended = False
        for role in self.roles.values():
            for process in self.processes[role.name]:
                if process.unit is not None and not self._frozen(process):
                    mended |= self._mend(role, process, process.unit)
        return mended

    def _mend(self, role: Role, process: Process, unit: Unit) -> bool:
        mended = False
        heard = _sources(role)
        for source, kept in self.database.kept.items():
            for stream, outbox in kept.outbox.items():
                channel = stream.split("/", 1)[0]
                if source == role.name or channel not in heard:
                    continue
                seen = unit.seen.get((source, stream), 0)
                missing = [e for c, e in outbox if e.sequence > seen]
                if not missing:
                    continue
                mended = True
                if heard[channel].carrier == "kafka":
                    self._relay(heard[channel].name, source, stream, missing)
                else:
                    process.mailbox[source, stream] = missing
        return mended

    def _relay(self, channel: str, source: str, stream: str, missing: list[Envelope]) -> None:
        """Publish again what a dead author had committed and not published."""
        log = self.log.setdefault((channel, source, stream), [])
        last = max((e.sequence for e in log), default=0)
        log.extend(e for e in missing if e.sequence > last)

    # ---- the market

    def play(self, market: list[Instant], observe: Callable[["World"], None]) -> None:
        """Take the world through the instants, each phase to rest, as a session does."""
        for instant in market:
            while (when := self._next_deadline()) is not None and when < instant.at:
                self._deadlines(when, observe)
            self.now = instant.at
            self.told(self._fills(instant))
            self._bring_to_rest(observe)
            self._deadlines(instant.at, observe)
            self._candles(instant, observe)

    def told(self, events: list[ExchangeEvent]) -> None:
        """Give exchange events to every living trader."""
        for process in self.processes["trader"]:
            process.events.extend(events)

    def _next_deadline(self) -> Time | None:
        return min((w for kept in self.database.kept.values() for w in kept.deadlines.values()), default=None)

    def _deadlines(self, when: Time, observe: Callable[["World"], None]) -> None:
        self.now = self.due_until = when
        self._bring_to_rest(observe)
        self.due_until = None

    def _fills(self, instant: Instant) -> list[ExchangeEvent]:
        """Let the exchange match what rested, then stand on the next opens."""
        events: list[ExchangeEvent] = []
        for candle in instant.closed:
            if isinstance(candle, Candle):
                events.extend(self.exchange.candle_closed(candle, instant.at))
        for candle in instant.opening:
            events.extend(self.exchange.candle_opens(candle, instant.at))
        return events

    def _candles(self, instant: Instant, observe: Callable[["World"], None]) -> None:
        """Feed the gateway; when its candles have come to rest everywhere, complete the instant."""
        for candle in instant.closed:
            if isinstance(candle, Candle):
                self.closes[candle.symbol] = candle.close
                self.feeds["gateway"].append(CandleObserved(candle))
            else:
                self.feeds["gateway"].append(candle)
        complete = InstantComplete(instant.at, dict(self.closes))

        def last() -> None:
            if instant.at % self.scenario.decision_step == 0:
                for role in ("coordinator", "portfolio"):
                    self.feeds[role].append(complete)

        self._bring_to_rest(observe, last)

    def _bring_to_rest(self, observe: Callable[["World"], None], last: Callable[[], None] | None = None) -> None:
        self.rest()
        if last is not None:
            last()
            self.rest()
        while self.door.held:
            self.told(self.door.execute_held(self.now))
            self.rest()
        observe(self)


def _sources(role: Role) -> dict[str, Channel]:
    """Return the channels whose streams the role hears, a bridge's origin included."""
    heard = {c.name: c for c in role.consumes}
    for bridge in BRIDGES:
        if bridge.destination.name in heard:
            heard[bridge.origin.name] = bridge.destination
    return heard
