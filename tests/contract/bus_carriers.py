"""The carriers that the contract of the bus is held to, and what is said over them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final, Literal

from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.memory import MemoryLog, MemoryPubSub
from roottrading.adapters.bus.port import Delivery, Heads, Log, Partition, PubSub, Sent
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.adapters.bus.signing import Grant, Seal, Signed, derive
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE
from roottrading.messages.channels import MARKET, SIGNALS_RAW, TRADE_COMMANDS, TRADE_EVENTS
from roottrading.messages.commands import CancelEntry
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.market import CandleClosed
from roottrading.messages.signals import SignalBatch

Kind = Literal["memory", "real", "signed"]
SECRET: Final = "a secret of the contract's tests"
CHANNELS: Final = (MARKET, SIGNALS_RAW, TRADE_COMMANDS, TRADE_EVENTS)
TOPICS: Final[Mapping[str, int]] = {TRADE_COMMANDS: 4, TRADE_EVENTS: 1}
PATIENCE: Final = 60.0  # seconds after which a test has failed: nothing waits for them to pass


def seal(deployment: str = "test", sender: str = "author", authors: Iterable[str] = ("author",)) -> Seal:
    """Return the seal of a sender that hears `author`."""
    grants = [Grant(name, channel, frozenset(authors)) for name in {sender, "author"} for channel in CHANNELS]
    return Signed(deployment, sender, derive([SECRET], deployment, grants))


def partition_of(channel: str, envelope: Envelope) -> int:
    """Put AAA, BBB, CCC and so on into one partition after the other."""
    return (ord(envelope.stream.split("/")[1][0]) - ord("A")) % TOPICS[channel]


def said(channel: str, key: str, sequence: int) -> Sent:
    """Return the message of an author."""
    symbol, _, timeframe = key.partition("/")
    body: Message
    if channel == MARKET:
        price = Decimal(sequence).scaleb(-2)
        body = CandleClosed(Candle(symbol, timeframe, sequence * MINUTE, price, price, price, price, Decimal(1)))
    elif channel == SIGNALS_RAW:
        body = SignalBatch(symbol, timeframe, sequence, None, None, None, ())
    else:
        body = CancelEntry(f"cycle-{sequence}", symbol, "because")
    return channel, Envelope("author", f"{channel}/{key}", sequence, sequence - 1, sequence, f"cause-{sequence}", body)


class Ear:
    """Who keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Delivery] = []
        self.heads: list[Heads] = []
        self.order: list[int | str] = []
        self.began = 0
        self._news = asyncio.Condition()
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, batch: Sequence[Delivery]) -> None:
        """Keep a batch."""
        self.heard += batch
        self.order += [each.envelope.sequence for each in batch]
        self._later()

    async def read(self, batch: Sequence[Delivery]) -> None:
        """Keep a batch of a log's."""
        self.hear(batch)

    def hear_heads(self, heads: Heads) -> None:
        """Keep heads."""
        self.heads.append(heads)
        self.order.append("heads")
        self._later()

    def listening(self) -> None:
        """Count."""
        self.began += 1
        self._later()

    def has_room(self) -> bool:
        """Say that there always is."""
        return True

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(reached)

    def envelopes(self, stream: str | None = None) -> list[Envelope]:
        """Return what was heard, of a stream."""
        return [each.envelope for each in self.heard if stream is None or each.envelope.stream == stream]

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _later(self) -> None:
        task = self._loop.create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def pubsub(kind: Kind, url: str) -> AsyncIterator[PubSub]:
    """Open a carrier that forgets."""
    carrier = MemoryPubSub() if kind == "memory" else RedisPubSub(url, seal() if kind == "signed" else None)
    await carrier.open()
    try:
        yield carrier
    finally:
        await carrier.close()


@asynccontextmanager
async def log(kind: Kind, servers: str, prefix: str) -> AsyncIterator[Log]:
    """Open a carrier that keeps."""
    sealed = seal() if kind == "signed" else None
    carrier = MemoryLog(partition_of) if kind == "memory" else KafkaLog(servers, TOPICS, partition_of, prefix, sealed)
    await carrier.open()
    try:
        yield carrier
    finally:
        await carrier.close()


@asynccontextmanager
async def listener(
    carrier: PubSub, channels: Iterable[str], keys: Iterable[str] | None = None, ear: Ear | None = None
) -> AsyncIterator[Ear]:
    """Have somebody listen."""
    ear = Ear() if ear is None else ear
    async with going(carrier.listen(channels, keys, ear)):
        await ear.until(lambda: ear.began > 0)
        yield ear


@asynccontextmanager
async def reader(carrier: Log, starts: Mapping[Partition, int], ear: Ear | None = None) -> AsyncIterator[Ear]:
    """Have somebody read."""
    ear = Ear() if ear is None else ear
    async with going(carrier.read(starts, ear.read)):
        yield ear


@asynccontextmanager
async def going(work: Awaitable[None]) -> AsyncIterator["asyncio.Future[None]"]:
    """Have a work go on, and end it."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
