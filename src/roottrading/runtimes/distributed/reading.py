"""What stands on Kafka, by partition: where each is read on, and to which unit goes what comes there."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from roottrading.adapters.bus.port import Delivery, Partition, Unreadable
from roottrading.messages.envelope import Envelope
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.served import Served
from roottrading.runtimes.distributed.sharding import places_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.distributed.verdict_barrier import VerdictBarrier

_LOG: Final = logging.getLogger(__name__)


class Reading:
    """The partitions that a process reads, for units that come and go."""

    def __init__(
        self,
        role: Role,
        actors: Mapping[int, Actor],
        barrier: VerdictBarrier | None,
        withheld: Collection[Partition] = (),
    ) -> None:
        """Of what comes in partitions that are `withheld` at that moment no unit notes where to read on."""
        self._role = role
        self.actors = actors
        self._withheld = withheld
        self.barrier = barrier
        self.topics = [channel.name for channel in (*role.consumes, *role.timed_by) if channel.carrier == "kafka"]
        self._timing = frozenset(channel.name for channel in role.timed_by)
        self.offsets: dict[Partition, int] = {}  # where to read on
        self.unread: dict[Partition, str] = {}  # partitions that are read no further, and why

    def take(self, unit: Served) -> None:
        """Read for this unit, too, from where it was."""
        for place in places_of(self._role, self.topics, unit.shard):
            self.offsets[place] = unit.offsets.get(place, 0)

    def leave(self, shards: Collection[int]) -> None:
        """Read no more for the units of these shards."""
        for shard in shards:
            for place in places_of(self._role, self.topics, shard):
                self.offsets.pop(place, None)
                self.unread.pop(place, None)

    def keep(self, topics: Collection[str]) -> None:
        """Read only these from now on."""
        self.offsets = {place: at for place, at in self.offsets.items() if place[0] in topics}

    def hear(self, batch: Sequence[Delivery]) -> None:
        """Hand messages to whoever is to have them."""
        for delivery in batch:
            place = (delivery.channel, delivery.partition)
            if place not in self.offsets:
                continue  # its shard is another instance's from now on
            after = self.offsets[place] = delivery.offset + 1
            if self.times(place):
                self.arrive(place, delivery.envelope, after)
                continue
            own = delivery.envelope.source == self._role.name
            places = {} if place in self._withheld else {place: after}
            self.actor_of(place).give([Given(None if own else delivery.envelope, places)])

    def arrive(self, place: Partition, envelope: Envelope, after: int | None = None) -> None:
        """Hand in what completes instants; what did not come from its partition has no place `after` it."""
        assert self.barrier is not None
        self.actor_of(place).give(self.barrier.arrive(envelope, None if after is None else (place, after)))

    def times(self, place: Partition) -> bool:
        """Say whether what comes there completes instants."""
        return self.barrier is not None and place[0] in self._timing

    def actor_of(self, place: Partition) -> Actor:
        """Return whose a partition is."""
        return self.actors[0 if self._role.sharding == "one active" else place[1]]

    def stop(self, place: Partition, why: Unreadable) -> None:
        """Read a partition no further."""
        self.offsets.pop(place, None)  # early copies of what comes there are of no use either
        self.unread[place] = str(why)
        _LOG.error("%s; it is read no further: upgrade this service", why)

    def behind(self, ends: Mapping[Partition, int]) -> dict[str, int]:
        """Return by topic how many messages stand there that no unit was handed, where partitions end at `ends`."""
        found = dict.fromkeys(self.topics, 0)
        for place, end in ends.items():
            if place in self.offsets:
                found[place[0]] += max(0, end - self.offsets[place])
        return found
