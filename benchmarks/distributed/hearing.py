"""Ends of the carriers: what is said on a channel is counted, and waited for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic, perf_counter
from typing import Final

from benchmarks.listening import Listener
from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.port import Delivery
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.messages.envelope import Message
from roottrading.operations.latency.scratch import CannotMeasure
from roottrading.runtimes.distributed.sharding import partitions

_PATIENCE: Final = 300.0  # seconds without anything said


def anything(_: Message) -> bool:
    """Count every message."""
    return True


class Ear(Listener):
    """Counts what is said and `fits`, each sequence of a stream once; in `others` is what else was said."""

    def __init__(self, fits: Callable[[Message], bool] = anything) -> None:
        super().__init__()
        self._fits = fits
        self._heard: set[tuple[str, int]] = set()
        self._news = asyncio.Event()
        self.last = 0.0  # when the newest was heard, by `perf_counter`
        self.others: Counter[str] = Counter()

    def hear(self, batch: Sequence[Delivery]) -> None:
        """Count a batch."""
        for each in batch:
            body = each.envelope.body
            if self._fits(body):
                self._heard.add((each.envelope.stream, each.envelope.sequence))
                self.last = perf_counter()
            else:
                self.others[f"{type(body).__name__} {getattr(body, 'reason', '')}"] += 1
        self._news.set()

    @property
    def count(self) -> int:
        """How many were heard."""
        return len(self._heard)

    async def until(self, count: int) -> None:
        """Wait for so many in all. Raises CannotMeasure where nothing comes any more."""
        heard, since = self.count, monotonic()
        while self.count < count:
            self._news.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self._news.wait()
            except TimeoutError:
                pass
            if self.count > heard:
                heard, since = self.count, monotonic()
            if monotonic() - since > _PATIENCE:
                raise CannotMeasure(f"{self.count} of {count} messages were heard; also {dict(self.others)}")


@asynccontextmanager
async def heard_on_redis(carrier: RedisPubSub, channel: str, ear: Ear) -> AsyncIterator[None]:
    """Have an ear on a channel of Pub/Sub."""
    task = asyncio.create_task(carrier.listen([channel], None, ear))
    try:
        await ear.listens.wait()
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def heard_on_kafka(log: KafkaLog, topic: str, ear: Ear) -> AsyncIterator[None]:
    """Have an ear on a topic that nothing was said on yet."""
    starts = {(topic, number): 0 for number in range(partitions(topic))}
    task = asyncio.create_task(log.read(starts, ear.read))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
