"""Waking what a step will need before it is needed: the step of whoever comes before has just begun (ADR 21).

After a pause of some milliseconds a commit takes two to three times as long as right after another one: this process,
the database's and the disk have all been asleep. What the author of our inputs hears is the sign that we have work.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final

from roottrading.adapters.bus.port import PubSub
from roottrading.adapters.store.port import StoreError
from roottrading.runtimes.distributed.observing import clock

_AFTER: Final = 0.0005  # seconds: whose turn it is now goes first
_AWAKE: Final = 20_000_000  # nanoseconds for which one rousing lasts


class Rousing:
    """Calls `rouse` when something is noticed while the process is idle."""

    def __init__(self, rouse: Callable[[], Awaitable[None]], is_idle: Callable[[], bool]) -> None:
        self._rouse = rouse
        self._is_idle = is_idle
        self._roused_at = -_AWAKE
        self._rousing: asyncio.Task[None] | None = None

    async def run(self, pubsub: PubSub, channels: Iterable[str]) -> None:
        """Notice what is said on these channels until cancelled."""
        try:
            await pubsub.notice(channels, self.noticed)
        finally:
            if self._rousing is not None:
                self._rousing.cancel()

    def noticed(self) -> None:
        """Rouse, unless nobody sleeps, or one is being roused: of a database that hangs no more is asked meanwhile."""
        now = clock()
        under_way = self._rousing is not None and not self._rousing.done()
        if now - self._roused_at >= _AWAKE and not under_way and self._is_idle():
            self._roused_at = now
            self._rousing = asyncio.create_task(self._try())

    async def _try(self) -> None:
        await asyncio.sleep(_AFTER)
        with suppress(StoreError):  # it was a favor: the step itself will say what is wrong
            await self._rouse()
