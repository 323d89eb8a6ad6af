"""Which units hear what on Pub/Sub, and how far each source says that its streams are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from roottrading.adapters.bus.port import Delivery, Heads
from roottrading.runtimes.distributed.room import Room
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given, HeadHeard


class Hearers:
    """The units of a process by the streams that they hear; they come and go."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._actors: dict[str, list[Actor]] = defaultdict(list)
        self._sources: dict[str, str] = {}
        self._heads: dict[tuple[str, str], int] = {}

    def __bool__(self) -> bool:
        return bool(self._actors)

    @property
    def keys(self) -> list[str]:
        """The ends of the streams' names: symbol[/timeframe]."""
        return [stream.partition("/")[2] for stream in self._actors]

    def add(self, actor: Actor, streams: Iterable[tuple[str, str]]) -> None:
        """Have a unit hear streams, (source, stream)."""
        for source, stream in streams:
            self._actors[stream].append(actor)
            self._sources[stream] = source

    def remove(self, shards: Iterable[int]) -> None:
        """Have the units of these shards hear nothing more."""
        gone = frozenset(shards)
        for stream, actors in tuple(self._actors.items()):
            left = [actor for actor in actors if actor.unit.shard not in gone]
            if left:
                self._actors[stream] = left
            else:
                del self._actors[stream]
                self._heads.pop((self._sources.pop(stream), stream), None)

    def clear(self) -> None:
        """Have nobody hear anything more."""
        self._actors.clear()

    def hear(self, batch: Sequence[Delivery]) -> None:
        """Hand messages to whoever hears them."""
        self._room.take(len(batch))
        for delivery in batch:
            for actor in self._actors.get(delivery.envelope.stream, ()):
                actor.give([Given(delivery.envelope)])

    def hear_heads(self, heads: Heads) -> None:
        """Have fetched what was said and not heard."""
        for stream, last in heads.last.items():
            if stream in self._actors:
                self._heads[heads.source, stream] = last
            for actor in self._actors.get(stream, ()):
                if actor.seen.get((heads.source, stream), 0) < last:
                    actor.inbox.give_once(HeadHeard(heads.source, stream, last))

    def listening(self) -> None:
        """Have fetched whatever was said until now."""
        for stream, actors in self._actors.items():
            for actor in actors:
                actor.inbox.give_once(HeadHeard(self._sources[stream], stream))

    def has_room(self) -> bool:
        """Say whether more can be handed on: what Redis gives up then is fetched later."""
        return self._room.is_there()

    def behind(self, seen: Mapping[str, Mapping[str, int]]) -> int:
        """Return how many streams' sources have said more than was taken: `seen` is by source and stream."""
        return sum(seen.get(source, {}).get(stream, 0) < last for (source, stream), last in self._heads.items())
