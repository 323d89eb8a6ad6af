"""The way of messages out of a process: each to its channel's carrier, by the map."""

from collections.abc import Sequence
from typing import Final

from roottrading.adapters.bus.port import Log, PubSub, Sent
from roottrading.pipeline import CHANNELS

_CARRIER: Final = {channel.name: channel.carrier for channel in CHANNELS}


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
