"""Measure the bus: from publishing to hearing one message, and messages a second.

    python -m benchmarks.bus [--redis URL] [--kafka HOST:PORT] [--messages 50000] [--paced 400]

Servers that are not named are started and removed again. Each is measured without and with signatures: one message
every 20 ms, its publication confirmed before the next, and then a backlog in batches of 500, confirmed batch by batch.
Sender and hearer share one process and its core.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

from benchmarks.listening import Listener
from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.port import Delivery, Partition, Sent
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.adapters.bus.signing import Grant, Seal, Signed, derive
from roottrading.messages.channels import SIGNALS_AGGREGATED, TRADE_EVENTS
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import EntryRefused
from roottrading.messages.signals import AggregatedSignal, Opinion, Vote
from roottrading.operations.local_servers import KafkaServer, RedisServer
from roottrading.operations.local_servers.addresses import bootstrap_servers

Publish = Callable[[Sequence[Sent]], Awaitable[None]]
PACE: Final = 0.02
WARM: Final = 300
BATCH: Final = 500
TOPICS: Final[Mapping[str, int]] = {TRADE_EVENTS: 48}
READ: Final[Mapping[Partition, int]] = {(TRADE_EVENTS, number): 0 for number in range(48)}


def verdict(sequence: int) -> Sent:
    """Return a verdict of four votes, as it goes over Redis."""
    opinion = Opinion("ema_rsi_cross", Decimal("0.412345"), 8123456789012345678, stop_distance=Decimal("310.5"))
    votes = (Vote("5m", Decimal("0.25"), opinion, Decimal("155.2")),) * 4
    price = Decimal("85010.00")
    body = AggregatedSignal("BTCUSDT", "5m", sequence, Decimal("0.4"), True, price, price, price, votes, 0, sequence)
    return SIGNALS_AGGREGATED, Envelope(
        "bench", "signals:aggregated/BTCUSDT", sequence, sequence - 1, sequence, "c", body
    )


def event(sequence: int) -> Sent:
    """Return a small event, as it goes over Kafka."""
    body = EntryRefused("BTCUSDT", f"verdict-{sequence}", "cash", {"wanted": "100.00", "free": "12.5"}, sequence)
    return TRADE_EVENTS, Envelope("bench", "trade.events/BTCUSDT", sequence, sequence - 1, sequence, "c", body)


class Ear(Listener):
    """Who notes when each message was heard."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[int, float] = {}

    def hear(self, batch: Sequence[Delivery]) -> None:
        """Note a batch."""
        now = perf_counter()
        for each in batch:
            self.at[each.envelope.sequence] = now

    async def until(self, sequence: int) -> None:
        """Wait for a message."""
        while sequence not in self.at:
            await asyncio.sleep(0.001)


async def measure(name: str, make: Callable[[int], Sent], publish: Publish, ear: Ear, paced: int, backlog: int) -> None:
    """Measure one carrier and print a line."""
    began: dict[int, float] = {}
    confirmed: list[float] = []
    for number in range(1, WARM + paced + 1):
        if number == WARM + 1:
            await ear.until(WARM)  # a reader takes half a second to begin
        message = [make(number)]
        began[number] = perf_counter()
        await publish(message)
        confirmed.append(perf_counter() - began[number])
        await asyncio.sleep(PACE if number > WARM else 0)
    last = WARM + paced
    await ear.until(last)
    hops = sorted(ear.at[number] - began[number] for number in range(WARM + 1, last + 1))
    taken = sorted(confirmed[WARM:])
    messages = [make(last + number) for number in range(1, backlog + 1)]
    start, cpu = perf_counter(), process_time()
    for first in range(0, backlog, BATCH):
        await publish(messages[first : first + BATCH])
    await ear.until(last + backlog)
    wall, cpu = perf_counter() - start, process_time() - cpu
    print(
        f"{name:<14} publish to hear p50 {_ms(hops, 50)} p99 {_ms(hops, 99)} ms, "
        f"confirmed p50 {_ms(taken, 50)} p99 {_ms(taken, 99)} ms; "
        f"backlog {backlog / wall:,.0f}/s, {cpu / backlog * 1e6:.0f} us CPU each"
    )


def _ms(values: Sequence[float], percent: int) -> str:
    return f"{values[min(len(values) - 1, len(values) * percent // 100)] * 1e3:.2f}"


def _seal() -> Seal:
    grants = [Grant("bench", channel, frozenset({"bench"})) for channel in (SIGNALS_AGGREGATED, TRADE_EVENTS)]
    return Signed("bench", "bench", derive(["a secret of the benchmark's"], "bench", grants))


async def redis(url: str, seal: Seal | None, paced: int, backlog: int) -> None:
    """Measure Redis."""
    async with AsyncExitStack() as stack:
        carrier, ear = RedisPubSub(url, seal), Ear()
        await carrier.open()
        stack.push_async_callback(carrier.close)
        work = carrier.listen([SIGNALS_AGGREGATED], None, ear)
        task = asyncio.ensure_future(work)
        stack.callback(task.cancel)
        await ear.listens.wait()
        name = "Redis signed" if seal else "Redis"
        await measure(name, verdict, carrier.publish, ear, paced, backlog)


async def kafka(servers: str, prefix: str, seal: Seal | None, paced: int, backlog: int) -> None:
    """Measure Kafka."""
    carrier, ear = KafkaLog(servers, TOPICS, lambda channel, envelope: 7, prefix, seal), Ear()
    await carrier.open()
    task = asyncio.ensure_future(carrier.read(READ, ear.read))
    try:
        name = "Kafka signed" if seal else "Kafka"
        await measure(name, event, carrier.publish, ear, paced, backlog)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await carrier.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redis", help="redis://... or unix://...")
    parser.add_argument("--kafka", help="host:port; topics bench-... are left there")
    parser.add_argument("--messages", type=int, default=50_000, help="of the backlog")
    parser.add_argument("--paced", type=int, default=400, help="one every 20 ms")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = given.redis or stack.enter_context(RedisServer(folder / "redis", durable=False)).url
        kafka_url = None if given.kafka else stack.enter_context(KafkaServer(folder / "kafka")).url
        servers = given.kafka or bootstrap_servers(str(kafka_url))
        for number, seal in enumerate((None, _seal())):
            asyncio.run(redis(url, seal, given.paced, given.messages))
            asyncio.run(kafka(servers, f"bench-{folder.name}-{number}.", seal, given.paced, given.messages))


if __name__ == "__main__":
    main()
