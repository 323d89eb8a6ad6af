"""The shards that this instance holds, as its share of them changes: those that come are taken, those that go are left.

Nothing is done for a shard before it is held and loaded; what is under way is finished before it is given up. Who only
believed to hold it does no harm: its unit's fence lets only one count (consistency-rules 3.3).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from roottrading.adapters.store.postgres.shard_locks import Shift
from roottrading.runtimes.together import first_of


class LostShards(Exception):
    """Other instances may hold them by now: begin again, beside those."""


class Shares(Protocol):
    """Who holds what, among the live instances of a service (`adapters.store.postgres.shard_locks`)."""

    def shifts(self, shards: Sequence[int], members: int) -> AsyncGenerator[Shift, None]:
        """Yield every change of what this instance holds of these; nothing before there are so many instances."""

    @property
    def is_settled(self) -> bool:
        """Whether this instance holds its share, as far as it knows."""

    async def close(self) -> None:
        """Give everything up."""


Act = Callable[[Sequence[int]], Awaitable[None]]


class Holding:
    """Follows the shifts: `take` loads and serves shards, `leave` finishes what they have and serves them no longer."""

    def __init__(self, shifts: AsyncGenerator[Shift, None], take: Act, leave: Act) -> None:
        self._shifts = shifts
        self._take = take
        self._leave = leave
        self._wanted: set[int] = set()
        self._held: set[int] = set()
        self._taking: tuple[set[int], asyncio.Task[None]] | None = None
        self._news = asyncio.Event()
        self._leaving = False
        self._finishing = False

    @property
    def is_idle(self) -> bool:
        """Whether everything that this instance holds is served, and nothing else."""
        return self._wanted == self._held and not self._leaving

    async def run(self) -> None:
        """Follow until cancelled. Raises LostShards where this instance holds nothing any more."""
        await first_of(self._follow(), self._keep_taking())

    def finish(self) -> None:
        """Take nothing any more, whatever this instance holds."""
        self._finishing = True
        if self._taking is not None:
            self._taking[1].cancel()

    # ---- inside

    async def _follow(self) -> None:
        async with aclosing(self._shifts) as shifts:
            async for shift in shifts:
                if shift.lost:
                    raise LostShards("the session with PostgreSQL that held its shards has ended")
                self._wanted.update(shift.taken)
                self._news.set()
                if shift.leaving:
                    await self._give_up(set(shift.leaving))

    async def _give_up(self, leaving: set[int]) -> None:
        self._leaving = True
        self._wanted -= leaving
        if self._taking is not None and self._taking[0] & leaving:
            await _cancelled(self._taking[1])
        if held := sorted(leaving & self._held):
            await self._leave(held)
            self._held.difference_update(held)
        self._leaving = False

    async def _keep_taking(self) -> None:
        while True:
            missing = sorted(self._wanted - self._held)
            if not missing or self._finishing:
                self._news.clear()
                await self._news.wait()
                continue
            task = asyncio.create_task(self._take_now(missing))
            self._taking = (set(missing), task)
            try:
                await asyncio.wait([task])
            finally:
                self._taking = None
                await _cancelled(task)
            if not task.cancelled():
                task.result()

    async def _take_now(self, shards: Sequence[int]) -> None:
        await self._take(shards)
        self._held.update(shards)


async def _cancelled(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
