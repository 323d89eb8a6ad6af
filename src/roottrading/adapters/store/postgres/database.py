"""A process's way to the database: a few connections that its units share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import asyncpg

from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, committing, reaching, shown
from roottrading.adapters.store.postgres.pool import Pool
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.domain.time import SECOND

# A message in the log of changes that nobody reads: it touches no table, and is written through like any commit.
_NOTHING: Final = "SELECT pg_logical_emit_message(true, 'roottrading', '')"


class Database:
    """A pool of connections to one address; `where` is the address as it may be shown."""

    @classmethod
    async def open(cls, url: str, settings: PostgresSettings, *, writes: bool = True) -> Self:
        """Connect. Raises Unreachable where nobody answers, StoreError where we are not let in."""
        pool = Pool(lambda: connect(url, settings, writes=writes), settings.connections)
        pool.release(await pool.acquire(settings.connect_timeout / SECOND), whole=True)
        return cls(url, settings, pool)

    def __init__(self, url: str, settings: PostgresSettings, pool: Pool) -> None:
        self.url = url
        self.where = shown(url)
        self.settings = settings
        self._pool = pool

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """Lend a connection. Raises Unreachable where none can be had in time, before anything was asked for."""
        with reaching(self.where):
            connection = await self._pool.acquire(self.settings.connect_timeout / SECOND)
        try:
            yield connection
        except BaseException as error:
            self._pool.release(connection, whole=_is_whole(connection, error))
            raise
        self._pool.release(connection, whole=True)

    async def commit(self, where: str, sql: str, parameters: Sequence[Any]) -> Any:
        """Return the value of one statement that is a transaction of its own, for `where`.

        Raises Unreachable before anything was asked for, then CommitUnknown, or what the database refuses. Every order
        waits for some of these: contexts for lending and for errors took a tenth of a millisecond of each.
        """
        connection = self._pool.take()
        if connection is None:
            with reaching(self.where):
                connection = await self._pool.acquire(self.settings.connect_timeout / SECOND)
        try:
            found = await connection.fetchval(sql, *parameters)
        except BaseException as error:
            self._pool.release(connection, whole=_is_whole(connection, error))
            with committing(where):
                raise
        self._pool.release(connection, whole=True)
        return found

    async def rouse(self) -> None:
        """Commit nothing, to the disk: the next commit finds a connection, a server and a disk that are awake.

        Raises Unreachable or StoreError.
        """
        async with self.connection() as connection:
            with asking(self.where):
                await connection.execute(_NOTHING)

    @property
    def in_use(self) -> int:
        """How many connections are lent at the moment."""
        return self._pool.in_use

    async def close(self) -> None:
        """Close all connections; what is under way is cut."""
        self._pool.terminate()


def _is_whole(connection: "asyncpg.Connection[Any]", error: BaseException) -> bool:
    """Say whether a connection is as good as before: the database refused what was asked, and that was all."""
    refused = isinstance(error, asyncpg.PostgresError | StoreError) and isinstance(
        error.__cause__ or error, asyncpg.PostgresError
    )
    return refused and not connection.is_in_transaction()
