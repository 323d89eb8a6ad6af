"""One instance of a service leads, the others wait: a lock that lives as long as the leader's session.

A killed leader's session ends with its process; one that is stopped, or cut off, says nothing, and the server ends its
session after `leader_silence`. That two may believe to lead for a moment is no harm: the fence lets only one count.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

import asyncpg

from roottrading.adapters.store.port import StoreError, Unreachable
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import LOST, asking, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.domain.time import MILLISECOND, SECOND

_ROUND: Final = 5.0  # seconds of waiting in one request: a server that vanished is noticed after it
_BEATS: Final = 5  # in the time after which silence ends a session
_BACK_OFF: Final = (0.1, 0.2, 0.5, 1.0, 2.0)


Question = tuple[str, tuple[object, ...]]  # SQL and its parameters


class Session:
    """A connection that is kept alive by beats, and whose end is an event: what it locked is free from then on.

    The server counts a session as silent only between requests. A statement's first use is two requests in one, and
    who is stopped between them would keep his locks for good: so what is asked while locks are held is in `first`,
    harmless questions that use each such statement once before there are any.
    """

    def __init__(self, url: str, settings: PostgresSettings, first: Sequence[Question] = ()) -> None:
        self._url = url
        self._settings = settings
        self._first = first
        self._connection: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()  # one request at a time on a connection
        self._beating: asyncio.Task[None] | None = None
        self.silence = settings.leader_silence / SECOND
        self.lost = asyncio.Event()
        self.lost.set()

    @property
    def where(self) -> str:
        """The address as it may be shown."""
        return shown(self._url)

    async def open(self) -> None:
        """Connect, however long it takes. Raises StoreError where we are not let in."""
        tries = 0
        while True:
            try:
                connection = await self._connect()
            except Unreachable:
                await asyncio.sleep(_BACK_OFF[min(tries, len(_BACK_OFF) - 1)])
                tries += 1
                continue
            break
        self.lost = asyncio.Event()
        self._connection = connection
        connection.add_termination_listener(lambda _, lost=self.lost: lost.set())
        self._beating = asyncio.create_task(self._beat(connection, self.lost))

    async def _connect(self) -> "asyncpg.Connection[Any]":
        connection = await connect(
            self._url,
            self._settings,
            idle_session_timeout=str(self._settings.leader_silence // MILLISECOND),
            statement_timeout="0",
            lock_timeout=f"{_ROUND:g}s",
        )
        try:
            with asking(self.where):
                for sql, parameters in self._first:
                    await connection.fetch(sql, *parameters)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def ask(self, sql: str, *parameters: object) -> list[Any]:
        """Ask something in this session. Raises Unreachable where it has ended, StoreError where it is refused."""
        if self._connection is None or self.lost.is_set():
            raise Unreachable(f"{self.where}: the session has ended")
        async with self._turn:
            with asking(self.where):
                found: list[Any] = await self._connection.fetch(sql, *parameters)
                return found

    async def close(self) -> None:
        """End the session, and with it its locks."""
        self.lost.set()
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.terminate()

    async def _beat(self, connection: "asyncpg.Connection[Any]", lost: asyncio.Event) -> None:
        """Say something before the server takes silence for death; what fails or comes too late is the end."""
        while not lost.is_set():
            await asyncio.sleep(self.silence / _BEATS)
            if self._turn.locked():
                continue  # a request is under way: that is no silence
            try:
                async with self._turn:
                    await connection.execute("SELECT 1", timeout=self.silence)
            except (asyncpg.PostgresError, *LOST):
                lost.set()
                connection.terminate()


class Leadership:
    """The lead of `name`; `lost` is set while this process does not have it."""

    def __init__(self, url: str, settings: PostgresSettings, name: str) -> None:
        self._session = Session(url, settings)
        self._key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)

    @property
    def lost(self) -> asyncio.Event:
        """Set as soon as the lead is not, or no longer, ours."""
        return self._session.lost

    async def acquire(self) -> None:
        """Wait until nobody else leads, through restarts of the server. Raises StoreError where we are not let in."""
        while True:
            await self._session.open()
            try:
                await self._wait()
            except Unreachable:
                await self._session.close()
                continue
            return

    async def release(self) -> None:
        """Let the next one lead."""
        await self._session.close()

    async def _wait(self) -> None:
        while True:
            try:
                await self._session.ask("SELECT pg_advisory_lock($1)", self._key)
            except StoreError as error:
                if not isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                    raise
                continue
            return
