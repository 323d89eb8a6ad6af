"""The way of messages out of a process: each to its channel's carrier, by the map."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from roottrading.adapters.bus.port import Log, PubSub, Sent
from roottrading.pipeline import CHANNELS, ROLES, Role

_CARRIER: Final = {channel.name: channel.carrier for channel in CHANNELS}
_SAID_EARLY: Final = frozenset(channel.name for role in ROLES for channel in role.early if channel.carrier == "kafka")


class Carriers:
    """Where messages go: by the map, each on its channel's carrier."""

    def __init__(self, pubsub: PubSub, log: Log, prepare: Callable[[Sequence[Sent]], None] = lambda sent: None) -> None:
        """`prepare` does what of publishing can be done before: nothing leaves by it."""
        self.pubsub = pubsub
        self.log = log
        self.prepare = prepare

    def reach(self, role: Role) -> None:
        """Connect in the background what a service says early copies on, that the first one is not lost by that."""
        if any(channel.name in _SAID_EARLY for channel in role.produces):
            self.pubsub.say(())

    def publish(self, sent: Sequence[Sent]) -> Awaitable[None]:
        """Await that the carriers have all of them; of some that a topic keeps, copies are said on Pub/Sub.

        What goes by Pub/Sub is on its way when this returns.
        """
        live = [each for each in sent if _CARRIER[each[0]] == "redis"]
        kept = [each for each in sent if _CARRIER[each[0]] == "kafka"]
        published = self.pubsub.publish(live) if live else None
        if early := [each for each in kept if each[0] in _SAID_EARLY]:
            self.pubsub.say(early)
        return self._published(published, kept)

    async def _published(self, live: Awaitable[None] | None, kept: Sequence[Sent]) -> None:
        if live is not None:
            await live
        if kept:
            await self.log.publish(kept)
