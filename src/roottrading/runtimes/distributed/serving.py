"""A service's process between two loads: its units, what they hear, and their ways out.

It ends with an error, or by being told to stop; whoever runs it makes a new one, which loads what stands.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from roottrading.adapters.bus.port import Delivery, Heads, Log, Partition, PubSub, Sent
from roottrading.domain.time import Time
from roottrading.pipeline import CHANNELS, Role
from roottrading.runtimes.distributed.actor import Actor
from roottrading.runtimes.distributed.inbox import DeadlinesDue, Given, HeadHeard
from roottrading.runtimes.distributed.sharding import partitions
from roottrading.runtimes.distributed.together import first_of
from roottrading.runtimes.distributed.verdict_barrier import VerdictBarrier

HEADS_SECONDS: Final = 1.0  # between two repetitions of a stream's last sequence (consistency-rules 2.5)
TICK: Final = 0.02  # seconds between two looks at the clock
FULL: Final = 5_000  # inputs that wait at all units together: the carriers keep what comes then
_LOOKS: Final = 0.005  # seconds between two looks whether there is room again

_CARRIER: Final = {channel.name: channel.carrier for channel in CHANNELS}
Work = Callable[[], Awaitable[None]]


class Carriers:
    """Where messages go: by the map, each on its channel's carrier."""

    def __init__(self, pubsub: PubSub, log: Log) -> None:
        self.pubsub = pubsub
        self.log = log

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Return when the carriers have all of them."""
        live = [each for each in sent if _CARRIER[each[0]] == "redis"]
        kept = [each for each in sent if _CARRIER[each[0]] == "kafka"]
        if live:
            await self.pubsub.publish(live)
        if kept:
            await self.log.publish(kept)


class Serving:
    """One incarnation: fixed units, until something ends it.

    `streams` are those that each unit hears on Pub/Sub, (source, stream). `works` go on beside it: a market, a link.
    """

    def __init__(
        self,
        role: Role,
        actors: Mapping[int, Actor],
        offsets: Mapping[int, Mapping[Partition, int]],
        streams: Mapping[int, Iterable[tuple[str, str]]],
        carriers: Carriers,
        now: Callable[[], Time],
        barrier: VerdictBarrier | None = None,
        works: Sequence[Work] = (),
    ) -> None:
        self.role = role
        self.actors = actors
        self._offsets = offsets
        self._carriers = carriers
        self._now = now
        self._barrier = barrier
        self._works = works
        self._hearers: dict[str, list[Actor]] = defaultdict(list)
        self._sources: dict[str, str] = {}
        self._heads: dict[tuple[str, str], int] = {}
        for shard, heard in streams.items():
            for source, stream in heard:
                self._hearers[stream].append(actors[shard])
                self._sources[stream] = source
        self._live = [channel.name for channel in role.consumes if channel.carrier == "redis"]
        self._kept = [channel.name for channel in (*role.consumes, *role.timed_by) if channel.carrier == "kafka"]
        self._timing = frozenset(channel.name for channel in role.timed_by)
        self._tells = [channel.name for channel in role.produces if channel.carrier == "redis"]

    # ---- its life

    async def run(self, watch_time: bool = True) -> None:
        """Work until cancelled; what any part of it raises ends all of it. Time may be watched by somebody else."""
        works: list[Awaitable[None]] = [actor.run() for actor in self.actors.values()]
        works += [work() for work in self._works]
        if self._live:
            keys = [stream.partition("/")[2] for stream in self._hearers]
            works.append(self._carriers.pubsub.listen(self._live, keys, self._hear, self._hear_heads, self._catch_up))
        if self._kept:
            works.append(self._carriers.log.read(self._starts(), self._read))
        if self._tells:
            works.append(self._tell_heads())
        if watch_time:
            works.append(self._watch_time())
        await first_of(*works)

    # ---- as whoever moves the clock sees it

    @property
    def is_idle(self) -> bool:
        """Whether everything that reached it has been decided, kept and published."""
        return all(actor.is_idle for actor in self.actors.values())

    @property
    def sent(self) -> dict[str, int]:
        """The last sequence published, by stream."""
        return {stream: last for actor in self.actors.values() for stream, last in actor.said.items()}

    @property
    def seen(self) -> dict[str, dict[str, int]]:
        """The last sequence taken, by source and stream."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        heard = [actor.seen for actor in self.actors.values()]
        for places in (*heard, {} if self._barrier is None else self._barrier.seen):
            for (source, stream), last in places.items():
                found[source][stream] = max(last, found[source].get(stream, 0))
        return dict(found)

    @property
    def waiting(self) -> int:
        """How many inputs wait at all units together."""
        return sum(len(actor.inbox) for actor in self.actors.values())

    def streams_behind(self) -> int:
        """Return how many streams' sources have said more than was taken."""
        seen = self.seen
        return sum(seen.get(source, {}).get(stream, 0) < last for (source, stream), last in self._heads.items())

    def next_deadline(self) -> Time | None:
        """Return the next moment at which something is to be done."""
        times = [actor.deadlines.next() for actor in self.actors.values()]
        if self._barrier is not None and self._barrier.waits:
            times.append(self._barrier.due_at(self._now()))
        return min((at for at in times if at is not None), default=None)

    def due(self) -> None:
        """Give the deadlines that have come, and complete a T that was waited for long enough."""
        now = self._now()
        for actor in self.actors.values():
            at = actor.deadlines.next()
            if at is not None and at <= now:
                actor.inbox.give_once(DeadlinesDue(now))
        self._complete()

    # ---- inside

    def _starts(self) -> dict[Partition, int]:
        starts: dict[Partition, int] = {}
        for shard in self.actors:
            for topic in self._kept:
                numbers = range(partitions(topic)) if self.role.sharding == "one active" else (shard,)
                for number in numbers:
                    starts[topic, number] = self._offsets[shard].get((topic, number), 0)
        return starts

    def _of(self, partition: int) -> Actor:
        return self.actors[0] if self.role.sharding == "one active" else self.actors[partition]

    async def _hear(self, batch: Sequence[Delivery]) -> None:
        for delivery in batch:
            for actor in self._hearers.get(delivery.envelope.stream, ()):
                actor.give([Given(delivery.envelope)])
        await self._have_room()

    def _hear_heads(self, heads: Heads) -> None:
        for stream, last in heads.last.items():
            if stream in self._hearers:
                self._heads[heads.source, stream] = last
            for actor in self._hearers.get(stream, ()):
                if actor.seen.get((heads.source, stream), 0) < last:
                    actor.inbox.give_once(HeadHeard(heads.source, stream, last))

    def _catch_up(self) -> None:
        for stream, actors in self._hearers.items():
            for actor in actors:
                actor.inbox.give_once(HeadHeard(self._sources[stream], stream))

    async def _read(self, batch: Sequence[Delivery]) -> None:
        for delivery in batch:
            actor = self._of(delivery.partition)
            if self._barrier is not None and delivery.channel in self._timing:
                actor.give(self._barrier.arrive(delivery))
                continue
            own = delivery.envelope.source == self.role.name
            place = {(delivery.channel, delivery.partition): delivery.offset + 1}
            actor.give([Given(None if own else delivery.envelope, place)])
        self._complete()
        await self._have_room()

    async def _have_room(self) -> None:
        """Wait while too much waits: Kafka is read later, and what Redis gives up meanwhile is fetched as a gap.

        Deadlines, commands and the exchange's words go past this; actors wait for nobody who waits here.
        """
        while self.waiting >= FULL:
            await asyncio.sleep(_LOOKS)

    def _complete(self) -> None:
        if self._barrier is not None:
            self.actors[0].give(self._barrier.complete(self._now()))

    async def _tell_heads(self) -> None:
        while True:
            await asyncio.sleep(HEADS_SECONDS)
            for channel in self._tells:
                last = {stream: at for stream, at in self.sent.items() if stream.partition("/")[0] == channel}
                if last:
                    await self._carriers.pubsub.tell_heads(Heads(self.role.name, channel, last))

    async def _watch_time(self) -> None:
        while True:
            self.due()
            await asyncio.sleep(TICK)
