"""Shards of a service, spread evenly over its live instances by session locks (consistency-rules 3.3).

Each instance locks its own number, so that all can count how many there are and what their place among them is: from
that follows how many shards each may hold, the same sum for all. Who holds more gives some up, who holds fewer takes
free ones. A lock ends with its instance's session, as the lead does.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from roottrading.adapters.store.port import Unreachable
from roottrading.adapters.store.postgres.leadership import Question, Session
from roottrading.adapters.store.postgres.settings import PostgresSettings

_PAUSE: Final = 0.3  # seconds between two looks at who is there
_MEMBERS: Final = """
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::bigint = $1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1"""
# The locks are tried one by one until there are enough.
_TAKE: Final = "SELECT shard FROM unnest($2::integer[]) AS shard WHERE pg_try_advisory_lock($1, shard) LIMIT $3"

_GIVE: Final = "SELECT pg_advisory_unlock($1, $2)"


class Shift(Struct, frozen=True):
    """A change of what this instance holds.

    `taken` are ours from now on. `leaving` are given up as soon as the next change is asked for: finish them first.
    `lost` are no longer ours, whatever is under way there.
    """

    taken: tuple[int, ...] = ()
    leaving: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()


class ShardLocks:
    """The locks of one instance on shards of a service."""

    def __init__(self, url: str, settings: PostgresSettings, service: str) -> None:
        self._shards = _number(f"{service}/shards")
        self._members = _number(f"{service}/members")
        first: tuple[Question, ...] = ((_MEMBERS, (0,)), (_TAKE, (self._shards, [], 0)), (_GIVE, (self._shards, -1)))
        self._session = Session(url, settings, first)
        self._own = 0
        self.held: set[int] = set()
        self.is_settled = False  # whether we hold our share, as far as we know

    async def shifts(self, shards: Sequence[int], members: int = 1) -> AsyncGenerator[Shift, None]:
        """Yield every change of what is held of these `shards`, through restarts of the server.

        It begins with what is held already: locks stay until `close`. Nothing changes while there are fewer instances
        than `members`. All instances name the same shards. Raises StoreError where we are not let in.
        """
        if self._session.lost.is_set():
            self.held.clear()
        if held := tuple(sorted(self.held.intersection(shards))):
            yield Shift(taken=held)
        while True:
            try:
                if self._session.lost.is_set():
                    await self._join()
                await self._give_up(tuple(self.held.difference(shards)))  # that nobody has anything to do in now
                shift = await self._next(shards, members)
                if shift is not None:
                    yield shift
                    await self._give_up(shift.leaving)
                    continue
            except Unreachable:
                gone, self.held, self.is_settled = tuple(sorted(self.held)), set(), False
                await self._session.close()
                if gone:
                    yield Shift(lost=gone)
                continue
            await self._pause()

    async def close(self) -> None:
        """Give everything up."""
        self.held.clear()
        self.is_settled = False
        await self._session.close()

    async def _join(self) -> None:
        if self.held:
            raise Unreachable(f"{self._session.where}: the session has ended")
        await self._session.open()
        ((self._own,),) = await self._session.ask("SELECT pg_backend_pid()")
        await self._session.ask("SELECT pg_advisory_lock($1, $2)", self._members, self._own)

    async def _next(self, shards: Sequence[int], least: int) -> Shift | None:
        """Return how to come closer to our share, None where we have it or nothing is free."""
        members = [member for (member,) in await self._session.ask(_MEMBERS, self._members % 2**32)]
        self.is_settled = False
        if len(members) < least:
            return None
        place, count = members.index(self._own), len(shards)
        share = count // len(members) + (place < count % len(members))
        if len(self.held) > share:
            return Shift(leaving=tuple(sorted(self.held)[share:]))
        missing = share - len(self.held)
        begin = place * count // len(members)  # each looks first where the others do not
        free = [shard for shard in (*shards[begin:], *shards[:begin]) if shard not in self.held]
        found = await self._session.ask(_TAKE, self._shards, free, missing) if missing else []
        taken = tuple(sorted(shard for (shard,) in found))
        self.held.update(taken)
        self.is_settled = len(self.held) == share
        return Shift(taken=taken) if taken else None

    async def _give_up(self, leaving: tuple[int, ...]) -> None:
        for shard in leaving:
            await self._session.ask(_GIVE, self._shards, shard)
            self.held.discard(shard)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._session.lost.wait(), min(_PAUSE, self._session.silence / 2))
        except TimeoutError:
            return


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big", signed=True)
