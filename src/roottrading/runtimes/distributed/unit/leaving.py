"""A unit's outbox on its way to the carriers: begun in its order, and counted as gone when they confirmed it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from roottrading.adapters.bus.port import Sent
from roottrading.adapters.store.port import Loaded
from roottrading.runtimes.distributed.unit.ways import Publish

_UNDER_WAY: Final = 8  # batches that carriers may not have confirmed while the next is decided


class Leaving:
    """Publishes what is in the outbox, and knows up to where it was confirmed."""

    def __init__(self, loaded: Loaded, publish: Publish, wake: Callable[[], None]) -> None:
        """Take the outbox of a unit that was restored from `loaded`; `wake` is called when something was confirmed."""
        self._left = loaded.outbox
        self._number = loaded.outbox_number  # of the last that was begun
        self._publish = publish
        self._wake = wake
        self._under_way: deque[tuple[int, asyncio.Future[None]]] = deque()  # the outbox' number after it, and its going
        self.confirmed_to: int | None = None  # the number, where the database does not know it yet

    def __bool__(self) -> bool:
        return bool(self._under_way)

    async def publish_left(self) -> None:
        """Publish what an earlier owner had not confirmed, and wait for it. Raises what publishing does."""
        if self._left:
            await self._publish([(entry.channel, entry.envelope) for entry in self._left])
            self.confirmed_to = self._number
            self._left = ()

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Begin to publish, after all that was begun before; what is decided next does not wait for confirmations."""
        self._number += len(sent)
        going = asyncio.ensure_future(self._publish(sent))
        going.add_done_callback(lambda _: self._wake())
        self._under_way.append((self._number, going))
        await asyncio.sleep(0)  # now it has begun
        await self.settle()

    def was_published(self, sent: Sequence[Sent]) -> None:
        """Count what had left before it was in the outbox."""
        self._number += len(sent)
        self.confirmed_to = self._number

    async def settle(self) -> None:
        """Note what carriers have; wait only where too much is on its way. Raises what publishing did."""
        while self._under_way and (len(self._under_way) > _UNDER_WAY or self._under_way[0][1].done()):
            number, going = self._under_way[0]
            await going
            self._under_way.popleft()
            self.confirmed_to = number

    def cancel(self) -> None:
        """Wait for nothing more: what was not confirmed is published by who loads the unit next."""
        for _, going in self._under_way:
            going.cancel()
