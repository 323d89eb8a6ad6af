"""A unit as it comes to whoever serves it."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from roottrading.adapters.bus.port import Partition
from roottrading.runtimes.distributed.unit.actor import Actor


class Served(Struct, frozen=True):
    """A unit that is served: where it reads on, and the streams that it hears on Pub/Sub, (source, stream)."""

    actor: Actor
    offsets: Mapping[Partition, int]
    streams: Sequence[tuple[str, str]]

    @property
    def shard(self) -> int:
        """Whose unit it is."""
        return self.actor.unit.shard
