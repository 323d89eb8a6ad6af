"""Carriers in memory: the same ports for services that share one process."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from roottrading.adapters.bus.port import (
    BusError,
    Delivery,
    Heads,
    HearHeads,
    HearMany,
    HearPassedOver,
    HearStopped,
    Partition,
    Sent,
)
from roottrading.messages.envelope import Envelope

_MOST: Final = 500  # messages that are delivered together, as Redis' and Kafka's readers do


class _Listener(Struct, eq=False):
    channels: frozenset[str]
    keys: frozenset[str] | None
    hear_heads: HearHeads
    queue: asyncio.Queue[Delivery | Heads]


def key_of(envelope: Envelope) -> str:
    """Return symbol[/timeframe], the end of the stream's name."""
    return envelope.stream.partition("/")[2]


class MemoryPubSub:
    """Whoever listens now hears."""

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []

    async def open(self) -> None:
        """Nothing has to be connected."""

    async def close(self) -> None:
        """Nothing is held."""

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Hand messages to all who listen."""
        self.say(sent)

    def say(self, sent: Sequence[Sent]) -> None:
        """Hand messages to all who listen."""
        for channel, envelope in sent:
            for listener in self._listeners:
                if channel in listener.channels and (listener.keys is None or key_of(envelope) in listener.keys):
                    listener.queue.put_nowait(Delivery(channel, envelope))

    async def tell_heads(self, heads: Heads) -> None:
        """Tell all who listen."""
        for listener in tuple(self._listeners):
            if heads.channel in listener.channels:
                listener.queue.put_nowait(heads)

    async def listen(
        self,
        channels: Iterable[str],
        keys: Iterable[str] | None,
        hear: HearMany,
        hear_heads: HearHeads,
        listening: Callable[[], None],
    ) -> None:
        """Deliver until cancelled."""
        wanted = None if keys is None else frozenset(keys)
        listener = _Listener(frozenset(channels), wanted, hear_heads, asyncio.Queue())
        self._listeners.append(listener)
        listening()
        try:
            while True:
                found = [await listener.queue.get()]
                while len(found) < _MOST and not listener.queue.empty():
                    found.append(listener.queue.get_nowait())
                batch: list[Delivery] = []
                for each in found:
                    if isinstance(each, Delivery):
                        batch.append(each)
                        continue
                    if batch:  # what was said before them is not missed
                        await hear(batch)
                        batch = []
                    hear_heads(each)
                if batch:
                    await hear(batch)
        finally:
            self._listeners.remove(listener)


class MemoryLog:
    """Lists by topic and partition; `partition_of` says where a channel's message goes."""

    def __init__(self, partition_of: Callable[[str, Envelope], int]) -> None:
        self._partition_of = partition_of
        self._kept: dict[Partition, list[Delivery]] = defaultdict(list)
        self._grown = asyncio.Condition()

    async def open(self) -> None:
        """Nothing has to be connected."""

    async def close(self) -> None:
        """Nothing is held."""

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Append."""
        async with self._grown:
            for channel, envelope in sent:
                number = self._partition_of(channel, envelope)
                kept = self._kept[channel, number]
                kept.append(Delivery(channel, envelope, number, len(kept)))
            self._grown.notify_all()

    async def ends(self, topics: Iterable[str]) -> Mapping[Partition, int]:
        """Return how much every partition that was ever written holds."""
        wanted = frozenset(topics)
        return {place: len(kept) for place, kept in self._kept.items() if place[0] in wanted}

    def known_ends(self) -> Mapping[Partition, int]:
        """Return how much every partition holds."""
        return {place: len(kept) for place, kept in self._kept.items()}

    async def read(
        self,
        starts: Mapping[Partition, int],
        hear: HearMany,
        stopped: HearStopped | None = None,
        passed_over: HearPassedOver | None = None,
    ) -> None:
        """Deliver until cancelled: all of it can be read. Raises BusError for an offset that was never written."""
        places = dict(starts)
        for place, offset in places.items():
            if not 0 <= offset <= len(self._kept[place]):
                raise BusError(f"{place[0]}, partition {place[1]}: there is no offset {offset}")
        while True:
            batch: list[Delivery] = []
            for place, offset in places.items():
                found = self._kept[place][offset : offset + _MOST - len(batch)]
                batch += found
                places[place] += len(found)
            if batch:
                await hear(batch)
                continue
            async with self._grown:
                if all(len(self._kept[place]) == offset for place, offset in places.items()):
                    await self._grown.wait()
