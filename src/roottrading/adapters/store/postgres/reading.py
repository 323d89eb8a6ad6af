"""Reads that need not be the newest: from a copy where there is one, so that the database has its time for trading."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings

T = TypeVar("T")

# What was replayed last may be old where nothing was written since: then it is not behind.
_BEHIND: Final = """
SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float8"""

_LOG: Final = logging.getLogger(__name__)


async def read_from_copy(
    url: str, copy: str | None, settings: PostgresSettings, read: Callable[[Database], Awaitable[T]]
) -> T:
    """Read from the copy, or from the database itself where there is none or it fails.

    Raises Unreachable or StoreError where that fails, too.
    """
    if copy is not None:
        try:
            async with await Database.open(copy, settings, writes=False) as database:
                return await read(database)
        except StoreError as error:
            _LOG.warning("the copy is of no use now (%s): read from %s instead", error, shown(url))
    async with await Database.open(url, settings) as database:
        return await read(database)


async def seconds_behind(database: Database) -> float:
    """Return how far a copy is behind, 0 for what is none. Raises Unreachable or StoreError."""
    async with database.connection() as connection:
        with asking(database.where):
            found: float | None = await connection.fetchval(_BEHIND)
    return found or 0.0
