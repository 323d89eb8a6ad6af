"""A process's way to the database: a few connections that its units share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import asyncpg

from roottrading.adapters.store.postgres.connecting import options, teach_types
from roottrading.adapters.store.postgres.errors import reaching, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.domain.time import SECOND


class Database:
    """A pool of connections to one address; `where` is the address as it may be shown."""

    @classmethod
    async def open(cls, url: str, settings: PostgresSettings, *, writes: bool = True) -> Self:
        """Connect. Raises Unreachable where nobody answers, StoreError where we are not let in."""
        with reaching(shown(url)):
            pool = await asyncpg.create_pool(
                min_size=1,
                max_size=settings.connections,
                max_inactive_connection_lifetime=0,
                init=teach_types,
                reset=_nothing_to_reset,
                **options(url, settings, writes=writes),
            )
        return cls(url, settings, pool)

    def __init__(self, url: str, settings: PostgresSettings, pool: "asyncpg.Pool[Any]") -> None:
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
            connection = await self._pool.acquire(timeout=self.settings.connect_timeout / SECOND)
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    @property
    def in_use(self) -> int:
        """How many connections are lent at the moment."""
        size: int = self._pool.get_size()
        idle: int = self._pool.get_idle_size()
        return size - idle

    async def close(self) -> None:
        """Close all connections; what is under way is cut."""
        self._pool.terminate()


async def _nothing_to_reset(connection: object) -> None:
    """Spare the round trip of a reset: what is lent here takes no locks, listens to nothing and sets nothing."""
