"""A flood before a slow database: no more than so much waits in memory, and nothing of it is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import pytest

from roottrading.adapters.bus.memory import MemoryLog, MemoryPubSub
from roottrading.adapters.bus.port import Heads, Sent
from roottrading.adapters.store.memory_units import MemoryUnit, MemoryUnits
from roottrading.adapters.store.port import Commit, Loaded
from roottrading.messages.channels import MARKET, TRADE_EVENTS
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.exchange import Request
from roottrading.messages.service import NOTHING, DeadlineDue, Decision, Input, Row
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.room import FULL
from roottrading.runtimes.distributed.served import Served
from roottrading.runtimes.distributed.serving import Serving
from roottrading.runtimes.distributed.sharding import ROLE, partition_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.distributed.unit.ways import Ways
from roottrading.runtimes.step import Unit
from tests.unit.runtimes.distributed.unit.test_actor import COUNTS, Count

MANY = 20_000
HEARD = 500  # messages that a carrier delivers together
STREAM = f"{MARKET}/A/1m"


class Counting:
    """Counts messages, and notes deadlines."""

    def __init__(self) -> None:
        self.count = 0
        self.deadlines: list[int] = []

    def restore(self, rows: Iterable[Row]) -> None:
        """Nothing is kept from before."""

    def decide(self, given: Input, now: int) -> Decision:
        if isinstance(given, DeadlineDue):
            self.deadlines.append(self.count)
            return NOTHING
        if not isinstance(given, Envelope):
            return Decision(deadlines=(("soon", 1),))
        assert given.sequence == self.count + 1, "in order, none left out"
        self.count += 1
        return Decision(rows=(Row(COUNTS.name, ("all",), Count("all", self.count)),))


class SlowUnit(MemoryUnit):
    """Takes its time, and looks meanwhile how much waits."""

    serving: Serving
    service: Counting
    most = 0

    def __init__(self, units: MemoryUnits, name: str) -> None:
        super().__init__(units, name)
        self.counts: list[int] = []
        self.behind: list[int] = []

    async def commit(self, commit: Commit) -> None:
        self.counts.append(self.service.count)
        self.behind.append(sum(self.serving.kafka_behind().values()))
        self.most = max(self.most, self.serving.waiting)
        await asyncio.sleep(0.002)
        await super().commit(commit)


class Forgetful(MemoryPubSub):
    """Cuts off whoever lets too much wait, as Redis does: what was said to him is gone."""

    dropped = 0

    async def publish(self, sent: Sequence[Sent]) -> None:
        for listener in self._listeners:
            if listener.queue.qsize() > 2 * HEARD:
                self.dropped += len(sent)
                return
        await super().publish(sent)


class Bench:
    """A service of one unit between memory carriers."""

    def __init__(self, role: str) -> None:
        self.units = MemoryUnits((COUNTS,))
        self.service = Counting()
        self.pubsub, self.log = Forgetful(), MemoryLog(partition_of)
        self.store = SlowUnit(self.units, f"{role}/0")
        self.clock = 0
        self.sent: list[Request] = []
        loaded = Loaded({}, {}, (), None, 0, 1)
        ways = Ways(self._publish, self.units.said, lambda: self.clock, self.sent.extend, lambda envelope: ())
        self.actor = Actor(Unit(role, 0, self.service), self.store, loaded, ways)
        self.streams = [("gateway", STREAM)] if role == "analyzer" else []
        self.serving = Serving(ROLE[role], Carriers(self.pubsub, self.log), lambda: self.clock)
        self.store.serving = self.serving
        self.store.service = self.service

    async def run(self, flood: Callable[[], Awaitable[None]], many: int = MANY) -> None:
        """Work until all of the flood is counted."""
        await self.store.load()
        self.serving.take([Served(self.actor, {}, self.streams)])
        running = asyncio.create_task(self.serving.run())
        await asyncio.sleep(0)
        await flood()
        async with asyncio.timeout(30):
            while self.service.count < many or not self.actor.is_idle:
                await asyncio.sleep(0.005)
                if running.done():
                    running.result()
        running.cancel()
        await asyncio.wait([running])

    async def _publish(self, sent: Sequence[Sent]) -> None:
        assert not sent


def said(stream: str, number: int) -> Envelope:
    body = AlertRaised("info", "said", "", "A", number)
    return Envelope("gateway", stream, number, number - 1, number, "cause", body)


def test_a_log_is_read_no_faster_than_it_is_worked_off_and_deadlines_come_in_between() -> None:
    async def play() -> Bench:
        bench = Bench("coordinator")

        async def flood() -> None:
            for first in range(1, MANY, HEARD):
                stream = f"{TRADE_EVENTS}/A"
                await bench.log.publish([(TRADE_EVENTS, said(stream, first + place)) for place in range(HEARD)])
                if first > MANY // 2:
                    bench.clock = 1
                await asyncio.sleep(0)

        await bench.run(flood)
        return bench

    bench = asyncio.run(play())
    assert max(bench.store.behind) > MANY // 4
    assert bench.serving.kafka_behind() == {"signals.aggregated": 0, TRADE_EVENTS: 0, "portfolio.updates": 0}
    assert FULL - 2 * HEARD < bench.store.most < FULL + HEARD + 10
    (at,) = bench.service.deadlines
    assert 0 < at < MANY, "a deadline does not wait for the flood's end"


def test_what_pubsub_drops_while_a_unit_is_behind_is_fetched() -> None:
    async def play() -> Bench:
        bench = Bench("analyzer")
        author = bench.units.unit("gateway/0")
        await author.load()

        async def flood() -> None:
            for first in range(1, MANY, HEARD):
                sent = [(MARKET, said(STREAM, first + place)) for place in range(HEARD)]
                await author.commit(Commit(outbox=sent))
                await bench.pubsub.publish(sent)
                for _ in range(3):  # heads are said again and again
                    await bench.pubsub.tell_heads(Heads("gateway", MARKET, {STREAM: first + HEARD - 1}))
                await asyncio.sleep(0)

        await bench.run(flood)
        return bench

    bench = asyncio.run(play())
    assert bench.pubsub.dropped > 0
    assert bench.store.most < FULL + HEARD + 10
    loaded = bench.units.store("analyzer/0").load()
    assert [row.values for row in loaded.rows[COUNTS.name]] == [Count("all", MANY)]


def test_what_takes_long_is_committed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = iter(range(0, 10**15, 100_000_000))  # every look at the clock is 0.1 s later
    monkeypatch.setattr("roottrading.runtimes.distributed.unit.actor.clock", lambda: next(moment))

    async def play() -> list[int]:
        bench = Bench("analyzer")
        author = bench.units.unit("gateway/0")
        await author.load()
        await author.commit(Commit(outbox=[(MARKET, said(STREAM, number)) for number in range(1, 21)]))

        async def flood() -> None:
            bench.actor.give([Given(said(STREAM, number)) for number in (20, 21, 22)])

        await bench.run(flood, 22)
        return bench.store.counts

    parts = asyncio.run(play())
    assert parts == sorted(set(parts)), "nothing is committed twice"
    assert len(parts) > 5
    assert parts[-1] == 22
