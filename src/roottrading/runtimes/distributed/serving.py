"""A service's process between two loads: its units, what they hear, and their ways out.

It ends with an error, or by being told to stop; whoever runs it makes a new one, which loads what stands. Units may
come and go meanwhile, as other instances of the service end and begin.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from roottrading.adapters.bus.port import Delivery, Heads, Partition
from roottrading.domain.time import Time
from roottrading.pipeline import BRIDGES, Role
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.early_copies import EarlyCopies
from roottrading.runtimes.distributed.forgeries import Forgeries
from roottrading.runtimes.distributed.hearers import Hearers
from roottrading.runtimes.distributed.reading import Reading
from roottrading.runtimes.distributed.room import Room
from roottrading.runtimes.distributed.served import Served
from roottrading.runtimes.distributed.sharding import shard_of, symbol_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import DeadlinesDue, Given
from roottrading.runtimes.distributed.verdict_barrier import VerdictBarrier
from roottrading.runtimes.together import Together, first_of

HEADS_SECONDS: Final = 1.0  # between two repetitions of a stream's last sequence (consistency-rules 2.5)
TICK: Final = 0.02  # seconds between two looks at the clock
_BRIDGED: Final = {bridge.origin.name: bridge.destination.name for bridge in BRIDGES}
_LOOKS: Final = 0.005  # seconds between two looks whether there is room again

Work = Callable[[], Awaitable[None]]


class Serving:
    """One incarnation: units that come and go, until something ends it.

    `works` go on beside it: a market, a link. `actors` are those that are served, by shard.
    """

    def __init__(
        self,
        role: Role,
        carriers: Carriers,
        now: Callable[[], Time],
        barrier: VerdictBarrier | None = None,
        works: Sequence[Work] = (),
        forgeries: Forgeries | None = None,
    ) -> None:
        """Without `forgeries` a forged message ends it."""
        self.role = role
        self.actors: dict[int, Actor] = {}
        self._carriers = carriers
        self._now = now
        self._barrier = barrier
        self._works = works
        self._together = Together()
        self._running: dict[int, asyncio.Future[Any]] = {}
        self._forgeries = forgeries
        self._reading = Reading(role, self.actors, barrier, () if forgeries is None else forgeries.unasked)
        self._room = Room(lambda: self.waiting)
        self._hearers = Hearers(self._room)
        self._more = asyncio.Event()  # there is more to hear
        self._finishing = False
        self._live = [channel.name for channel in role.consumes if channel.carrier == "redis"]
        self._early = {channel.name: _BRIDGED.get(channel.name, channel.name) for channel in role.early}
        self._tells = [channel.name for channel in role.produces if channel.carrier == "redis"]

    # ---- its life

    def take(self, units: Iterable[Served]) -> None:
        """Serve these, too."""
        for unit in units:
            self.actors[unit.shard] = unit.actor
            self._running[unit.shard] = self._together.begin(unit.actor.run())
            self._reading.take(unit)
            self._hearers.add(unit.actor, unit.streams)
        self._more.set()

    def deafen(self, shards: Collection[int]) -> None:
        """Have the units of these shards hear nothing more from carriers: they finish what they have."""
        self._reading.leave(shards)
        self._hearers.remove(shards)

    async def leave(self, shards: Iterable[int]) -> None:
        """Serve these no longer, whatever they have."""
        for shard in shards:
            if self.actors.pop(shard, None) is not None:
                await self._together.end(self._running.pop(shard))

    def finish(self, channels: Collection[str]) -> None:
        """Hear only these channels from now on; no deadline comes, and no instant is complete any more."""
        self._reading.keep(channels)
        self._hearers.clear()
        self._finishing = True

    async def run(self, watch_time: bool = True) -> None:
        """Work until cancelled; what any part of it raises ends all of it. Time may be watched by somebody else."""
        self._carriers.reach(self.role)
        for work in self._works:
            self._together.begin(work())
        if self._live or self._reading.topics:
            self._together.begin(self._keep_hearing())
        if self._forgeries is not None:
            self._together.begin(self._forgeries.run(self._reading, self._complete))
        if self._tells:
            self._together.begin(self._tell_heads())
        if watch_time:
            self._together.begin(self._watch_time())
        await self._together.run()

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
    def unread(self) -> Mapping[Partition, str]:
        """The partitions that are read no further, and why."""
        return self._reading.unread

    @property
    def waiting(self) -> int:
        """How many inputs wait at all units together."""
        return sum(len(actor.inbox) for actor in self.actors.values())

    def streams_behind(self) -> int:
        """Return how many streams' sources have said more than was taken."""
        return self._hearers.behind(self.seen)

    def kafka_behind(self) -> dict[str, int]:
        """Return by topic how many messages stand there that no unit was handed, as far as the carrier knows."""
        return self._reading.behind(self._carriers.log.known_ends())

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
            if at is not None and at <= now and not self._finishing:
                actor.inbox.give_once(DeadlinesDue(now))
        self._complete()

    # ---- inside

    async def _keep_hearing(self) -> None:
        """Listen and read until cancelled; anew where there is more to hear, from where each was."""
        pubsub, heard = self._carriers.pubsub, self._hearers
        while True:
            self._more.clear()
            works: list[Awaitable[object]] = [self._more.wait()]
            if self._live and heard:
                works.append(pubsub.listen(self._live, heard.keys, heard))
            reading = self._reading
            if self._early and reading.offsets:
                works.append(pubsub.listen(self._early, None, EarlyCopies(self._hear_early, self._room)))
            if reading.offsets:
                forged = None if self._forgeries is None else self._forgeries.hear
                works.append(self._carriers.log.read(dict(reading.offsets), self._read, reading.stop, forged))
            await first_of(*works)

    def _hear_early(self, batch: Sequence[Delivery]) -> None:
        """Give what a topic that is read will bring, too."""
        for delivery in batch:
            envelope = delivery.envelope
            shard = shard_of(symbol_of(envelope.stream))
            place = (self._early[delivery.channel], shard)
            if place in self._reading.offsets:
                if self._barrier is None:
                    self._reading.actor_of(place).give([Given(envelope)])
                else:
                    self._reading.arrive(place, envelope)
        self._complete()

    async def _read(self, batch: Sequence[Delivery]) -> None:
        self._reading.hear(batch)
        self._complete()
        self._room.take(len(batch))
        while not self._room.is_there():  # Kafka is read later; nothing else waits here
            await asyncio.sleep(_LOOKS)

    def _complete(self) -> None:
        if self._barrier is not None and self.actors and not self._finishing:
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
