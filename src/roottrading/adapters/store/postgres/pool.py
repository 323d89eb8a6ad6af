"""A few connections that are lent and given back; of those that are there the oldest is lent: it is in use and warm.

Who is lent in turn is warm nowhere: each connection is a process of the server's, with plans and caches of its own.

asyncpg's own pool wraps a connection at every loan, which takes a fifth of a commit's time; nothing here needs that.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any]"


class Pool:
    """At most `most` connections, each made when it is first needed."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], most: int) -> None:
        self._connect = connect
        self._most = most
        self._all: dict[Connection, int] = {}  # each with its number
        self._made = 0
        self._making = 0
        self._idle: list[tuple[int, Connection]] = []  # a heap
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def in_use(self) -> int:
        """How many are lent, or being made to be."""
        return len(self._all) - len(self._idle) + self._making

    def take(self) -> "Connection | None":
        """Lend one that is there now, if any."""
        while self._idle:
            _, connection = heappop(self._idle)
            if not connection.is_closed():
                return connection
            del self._all[connection]
        return None

    async def acquire(self, patience: float) -> Connection:
        """Lend one. Raises TimeoutError where none came back in `patience` seconds, and whatever connecting raises."""
        while True:
            if (connection := self.take()) is not None:
                return connection
            if len(self._all) + self._making < self._most:
                return await self._make()
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                async with asyncio.timeout(patience):
                    await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._wake()  # it was ours to take
                raise

    def release(self, connection: Connection, *, whole: bool) -> None:
        """Take one back; where something went wrong in it (`whole` is not true) it is ended."""
        if whole and connection in self._all and not connection.is_closed():
            heappush(self._idle, (self._all[connection], connection))
        else:
            self._all.pop(connection, None)
            connection.terminate()
        self._wake()

    def terminate(self) -> None:
        """End all; what is under way is cut."""
        for connection in self._all:
            connection.terminate()
        self._all.clear()
        self._idle.clear()

    async def _make(self) -> Connection:
        self._making += 1
        try:
            connection = await self._connect()
        except BaseException:
            self._wake()
            raise
        finally:
            self._making -= 1
        self._made += 1
        self._all[connection] = self._made
        return connection

    def _wake(self) -> None:
        """Have one who waits look again."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
