"""Carriers in memory: the same ports for services that share one process."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from roottrading.adapters.bus.port import (
    BusError,
    Delivery,
    Ear,
    Heads,
    HearMany,
    HearPassedOver,
    HearStopped,
    Partition,
    Sent,
)
from roottrading.messages.envelope import Envelope

_MOST: Final = 500  # messages that are delivered together, as Redis' and Kafka's readers do
_LOOKS: Final = 0.005  # seconds between two looks whether there is room again


class _Listener(Struct, eq=False):
    channels: frozenset[str]
    keys: frozenset[str] | None
    queue: asyncio.Queue[Delivery | Heads]


def key_of(envelope: Envelope) -> str:
    """Return symbol[/timeframe], the end of the stream's name."""
    return envelope.stream.partition("/")[2]


class MemoryPubSub:
    """Whoever listens now hears."""

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []
        self._noticing: list[tuple[frozenset[str], Callable[[], None]]] = []

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
            for channels, noticed in self._noticing:
                if channel in channels:
                    noticed()

    async def tell_heads(self, heads: Heads) -> None:
        """Tell all who listen."""
        for listener in tuple(self._listeners):
            if heads.channel in listener.channels:
                listener.queue.put_nowait(heads)

    async def listen(self, channels: Iterable[str], keys: Iterable[str] | None, ear: Ear) -> None:
        """Deliver until cancelled."""
        listener = _Listener(frozenset(channels), None if keys is None else frozenset(keys), asyncio.Queue())
        self._listeners.append(listener)
        ear.listening()
        try:
            while True:
                found = [await listener.queue.get()]
                while not ear.has_room():
                    await asyncio.sleep(_LOOKS)
                while len(found) < _MOST and not listener.queue.empty():
                    found.append(listener.queue.get_nowait())
                batch: list[Delivery] = []
                for each in found:
                    if isinstance(each, Delivery):
                        batch.append(each)
                        continue
                    if batch:  # what was said before them is not missed
                        ear.hear(batch)
                        batch = []
                    ear.hear_heads(each)
                if batch:
                    ear.hear(batch)
        finally:
            self._listeners.remove(listener)

    async def notice(self, channels: Iterable[str], noticed: Callable[[], None]) -> None:
        """Tell until cancelled."""
        noticing = (frozenset(channels), noticed)
        self._noticing.append(noticing)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._noticing.remove(noticing)


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
