"""A service over a real Kafka on which strangers write, and on which true messages come damaged: it goes on, whole."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Final

from confluent_kafka import Producer

from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.memory import MemoryPubSub
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Commit
from roottrading.domain.time import MINUTE, Time
from roottrading.messages.channels import SIGNALS_AGGREGATED, TRADE_EVENTS, VERDICTS
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import NOTHING, Decision, Input, InstantComplete, Row
from roottrading.messages.signals import AggregatedSignal
from roottrading.operations.local_servers.addresses import bootstrap_servers
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.forgeries import Forgeries
from roottrading.runtimes.distributed.granting import seal_of
from roottrading.runtimes.distributed.installation import TABLES, TOPICS
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.served import Served
from roottrading.runtimes.distributed.serving import Serving
from roottrading.runtimes.distributed.sharding import ROLE, partition_of, shard_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.ways import Ways
from roottrading.runtimes.distributed.verdict_barrier import VerdictBarrier
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.step import Unit
from tests.contract.bus_carriers import going

SECRETS: Final = ["a secret of this very test"]
FIRST, SECOND, OTHER = "LTCUSDT", "XRPUSDT", "BTCUSDT"
T: Final = 29_000_000 * MINUTE
READER: Final = "portfolio"


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.heard: dict[str, list[int]] = defaultdict(list)
        self.complete: dict[Time, set[str]] = {}

    def restore(self, rows: Iterable[Row]) -> None:
        """Nothing is kept."""

    def decide(self, given: Input, now: Time) -> Decision:
        if isinstance(given, Envelope):
            self.heard[f"{given.source} of {given.stream}"].append(given.sequence)
        elif isinstance(given, InstantComplete):
            self.complete[given.at] = set(given.closes)
        return NOTHING


class Scene:
    """The books' process, authors with their outboxes, and a hand that writes on topics as it likes."""

    def __init__(self, servers: str, prefix: str) -> None:
        self.units = MemoryUnits(TABLES)
        self.observed = Observed()
        self.listener = Listener()
        self.stranger = Producer({"bootstrap.servers": servers, "log_level": 0})
        self.prefix = prefix
        self.seals = {name: seal_of(ROLE[name], "test", SECRETS) for name in ("trader", "dispatcher", READER)}
        self.logs = {name: KafkaLog(servers, TOPICS, partition_of, prefix, seal) for name, seal in self.seals.items()}
        self.now = T + 1  # it stands: no instant is given up for lateness

    async def commit(self, channel: str, envelope: Envelope) -> None:
        """Have an author keep what it says."""
        unit = self.units.unit(f"{envelope.source}/0")
        await unit.load()
        await unit.commit(Commit(outbox=[(channel, envelope)]))

    async def say(self, sender: str, channel: str, envelope: Envelope) -> None:
        await self.logs[sender].publish([(channel, envelope)])

    async def damage(self, sender: str, channel: str, envelope: Envelope) -> None:
        """Have a message come with a bit turned over."""
        data = self.seals[sender].pack(channel, envelope).replace(b'"cause":', b'"causd":')
        await self.write(channel, partition_of(channel, envelope), data)

    async def write(self, channel: str, partition: int, data: bytes, times: int = 1) -> None:
        for _ in range(times):
            self.stranger.produce(self.prefix + channel, data, partition=partition)
        assert await asyncio.to_thread(self.stranger.flush, 30) == 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Have the books read, from where they were."""
        log, role = self.logs[READER], ROLE[READER]
        store = self.units.unit(f"{READER}/0")
        loaded = await store.load()
        symbols = (FIRST, SECOND)
        place = loaded.units.get(f"{READER}/0")
        unit = Unit(READER, 0, self.listener, loaded.fence, {} if place is None else dict(place.seen))

        async def nothing_said(sent: object) -> None:
            raise AssertionError(sent)

        def clock() -> Time:
            return self.now

        ways = Ways(nothing_said, self.units.said, clock, lambda requests: None, lambda envelope: ())
        forgeries = Forgeries(role, symbols, self.units.said, self.observed, clock)
        barrier = VerdictBarrier(READER, symbols, MINUTE, hears_verdicts=False)
        serving = Serving(role, Carriers(MemoryPubSub(), log), clock, barrier, (), forgeries)
        serving.take([Served(Actor(unit, store, loaded, ways), loaded.offsets, ())])
        self.serving = serving
        async with going(serving.run()):
            yield

    def alerts(self) -> list[AlertRaised]:
        return [alert for alert in self.units.journal(ALERTS) if isinstance(alert, AlertRaised)]

    def place(self, symbol: str) -> int:
        """Return where the books would read on after a death."""
        return self.units.store(f"{READER}/0").load().offsets.get((TRADE_EVENTS, shard_of(symbol)), 0)


@asynccontextmanager
async def scene(kafka_url: str, prefix: str) -> AsyncIterator[Scene]:
    made = Scene(bootstrap_servers(kafka_url), prefix)
    async with AsyncExitStack() as stack:
        for log in made.logs.values():
            await log.open()
            stack.push_async_callback(log.close)
        yield made


def event(source: str, symbol: str, number: int) -> Envelope:
    body = AlertRaised("info", "said", "", symbol, number)
    return Envelope(source, f"{TRADE_EVENTS}/{symbol}", number, number - 1, number, "cause", body)


def verdict(symbol: str, at: Time) -> Envelope:
    price = Decimal(7)
    body = AggregatedSignal(symbol, "1m", at, Decimal(0), True, price, price, price, (), -1, at + MINUTE)
    return Envelope("signal_aggregator", f"{SIGNALS_AGGREGATED}/{symbol}", at, at - MINUTE, at, "", body)


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.01)


def test_a_true_message_that_came_damaged_is_fetched_even_the_last_one(kafka_url: str, topic_prefix: str) -> None:
    """And what strangers write in any number holds nothing up, and is told once in a minute."""

    async def main() -> None:
        async with scene(kafka_url, topic_prefix) as seen:
            trader, coordinator = f"trader of {TRADE_EVENTS}/{FIRST}", f"coordinator of {TRADE_EVENTS}/{FIRST}"
            for number in (1, 2, 3):
                await seen.commit(TRADE_EVENTS, event("trader", FIRST, number))
            await seen.commit(TRADE_EVENTS, event("coordinator", FIRST, 1))  # it never came to Kafka
            heard = seen.listener.heard
            async with seen.reading():
                await seen.say("trader", TRADE_EVENTS, event("trader", FIRST, 1))
                await until(lambda: heard[trader] == [1])
                await seen.damage("trader", TRADE_EVENTS, event("trader", FIRST, 2))
                await until(lambda: heard[trader] == [1, 2, 3] and heard[coordinator] == [1])
                await until(lambda: seen.place(FIRST) == 2)
                assert seen.observed.forged == {TRADE_EVENTS: 1}
                (alert,) = seen.alerts()
                assert (alert.severity, alert.subject) == ("critical", "forged")
                assert "is not signed by trader, whom it names" in alert.text

                await seen.write(TRADE_EVENTS, shard_of(OTHER), b"nonsense", 300)
                await seen.write(TRADE_EVENTS, shard_of(FIRST), b"nonsense", 300)
                await seen.commit(TRADE_EVENTS, event("trader", FIRST, 4))
                await seen.say("trader", TRADE_EVENTS, event("trader", FIRST, 4))
                await until(lambda: heard[trader] == [1, 2, 3, 4])
                await until(lambda: seen.observed.forged == {TRADE_EVENTS: 601})
                await until(lambda: seen.place(FIRST) == 303)
                assert len(seen.alerts()) == 1
                assert not seen.serving.unread
                assert sum(seen.serving.kafka_behind().values()) == 0

            seen.observed = Observed()
            async with seen.reading():  # nothing of it comes again
                await seen.commit(TRADE_EVENTS, event("trader", FIRST, 5))
                await seen.say("trader", TRADE_EVENTS, event("trader", FIRST, 5))
                await until(lambda: heard[trader] == [1, 2, 3, 4, 5])
            assert not seen.observed.forged

    asyncio.run(main())


def test_an_instant_does_not_wait_for_a_verdict_that_came_damaged(kafka_url: str, topic_prefix: str) -> None:
    async def main() -> None:
        async with scene(kafka_url, topic_prefix) as seen, seen.reading():
            for at in (T, T + MINUTE):
                for symbol in (FIRST, SECOND):
                    await seen.commit(SIGNALS_AGGREGATED, verdict(symbol, at))
            for symbol in (FIRST, SECOND):
                await seen.say("dispatcher", VERDICTS, verdict(symbol, T))
            await until(lambda: T in seen.listener.complete)
            seen.now = T + MINUTE
            await seen.say("dispatcher", VERDICTS, verdict(FIRST, T + MINUTE))
            await seen.damage("dispatcher", VERDICTS, verdict(SECOND, T + MINUTE))
            await until(lambda: T + MINUTE in seen.listener.complete)
            assert seen.listener.complete == {T: {FIRST, SECOND}, T + MINUTE: {FIRST, SECOND}}
            assert seen.observed.forged == {VERDICTS: 1}

    asyncio.run(main())
