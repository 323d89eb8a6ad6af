"""Candles lie in partitions by month: made before they are needed, dropped when nobody wants them any more."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.domain.time import DAY, SECOND, Time

_NAME: Final = re.compile(r"market_data_(\d{4})_(\d{2})")
_MADE: Final = """
SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'market_data'::regclass ORDER BY name"""

Month = tuple[int, int]  # year and month, UTC


class CandleMonths:
    """Knows which months this process has made sure of; one that another drops meanwhile is told by `forget`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[Month] = set()
        self._days: set[int] = set()

    async def make_for(self, open_times: Iterable[Time]) -> None:
        """Make the months of these candles where they are missing. Raises Unreachable or StoreError."""
        days = {time // DAY for time in open_times} - self._days
        if not days:
            return
        missing = {month_of(day * DAY) for day in days} - self._known
        if missing:
            async with self._database.connection() as connection:
                with asking(self._database.where):
                    for month in sorted(missing):
                        await make(connection, month)
        self._known |= missing
        self._days |= days


async def make(connection: "asyncpg.Connection[Any]", month: Month) -> None:
    """Make room for a month's candles, if there is none.

    One after the other: a partition is seen in the catalogue a moment before rows find their way into it, and only
    its maker's locks are held until they do.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('market_data'))")
        await connection.execute("SELECT make_candle_month($1)", start_of(month))


async def made(connection: "asyncpg.Connection[Any]") -> list[Month]:
    """Return the months there is room for, in order."""
    found = [_NAME.fullmatch(name) for (name,) in await connection.fetch(_MADE)]
    return sorted((int(match[1]), int(match[2])) for match in found if match)


async def drop(connection: "asyncpg.Connection[Any]", month: Month) -> None:
    """Drop a month with its candles; whoever reads or writes other months is not held up."""
    name = f"market_data_{month[0]:04}_{month[1]:02}"
    await connection.execute(f"ALTER TABLE market_data DETACH PARTITION {name} CONCURRENTLY")
    await connection.execute(f"DROP TABLE {name}")


def month_of(time: Time) -> Month:
    """Return the month in which an instant lies."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=time)
    return moment.year, moment.month


def start_of(month: Month) -> Time:
    """Return the month's first instant."""
    return int(datetime(*month, 1, tzinfo=UTC).timestamp()) * SECOND


def shifted(month: Month, by: int) -> Month:
    """Return the month that many months later."""
    count = month[0] * 12 + month[1] - 1 + by
    return count // 12, count % 12 + 1
