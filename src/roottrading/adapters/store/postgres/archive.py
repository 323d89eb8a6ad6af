"""What was said, what the market did and what was written down: read by who missed it, and by reports."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from msgspec import Struct

from roottrading.adapters.store.columns import quoted
from roottrading.adapters.store.envelopes import body_of
from roottrading.adapters.store.port import SAID_AT_ONCE
from roottrading.adapters.store.postgres.candle_months import CandleMonths
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.adapters.store.postgres.schema import CANDLES
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import Row, Table

_SAID: Final = f"""
SELECT source, stream, sequence, follows, at, cause, body FROM outbox
WHERE source = $1 AND stream = $2 AND sequence > $3 AND sequence <= $4 ORDER BY sequence LIMIT {SAID_AT_ONCE}"""
_TABLE: Final = Table(CANDLES, ("symbol", "timeframe", "open_time"), Candle, "journal")
_PRICES: Final = ("open", "high", "low", "close", "volume", "close_time")
_PAGE: Final = 1_000  # records that `journal` fetches at once


class PostgresArchive:
    """The Archive in a database, or in a copy of it that is behind a little."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._candles = JournalColumns(_TABLE)
        self._names = [column.name for column in self._candles.columns]
        self._select = (
            f"{self._candles.select_sql} WHERE symbol = $1 AND timeframe = $2 AND open_time > $3 AND open_time <= $4 "
            "ORDER BY open_time"
        )
        columns = ", ".join(map(quoted, self._names))
        self._arriving = (  # takes what COPY brings, which could not be told what to do with a candle that is there
            f"CREATE TEMP TABLE arriving ON COMMIT DROP AS SELECT {columns} FROM market_data WITH NO DATA"
        )
        self._merge = (
            f"INSERT INTO market_data ({columns}) SELECT DISTINCT ON (symbol, timeframe, open_time) {columns} "
            "FROM arriving ON CONFLICT (symbol, timeframe, open_time) DO UPDATE SET "
            + ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in _PRICES)
            + f" WHERE ({_values('market_data')}) IS DISTINCT FROM ({_values('excluded')})"
        )

    async def said(self, source: str, stream: str, after: int, upto: int) -> tuple[Envelope, ...]:
        """Return the stream's envelopes with after < sequence <= upto, in order, `SAID_AT_ONCE` at most."""
        found = await self._fetch(_SAID, source, stream, after, upto)
        return tuple(
            Envelope(source, stream, sequence, follows, at, cause, body_of(body))
            for source, stream, sequence, follows, at, cause, body in found
        )

    async def candles(self, symbol: str, timeframe: str, after: Time, upto: Time) -> tuple[Candle, ...]:
        """Return the candles that closed at after < T <= upto, in order."""
        step = duration(timeframe)
        found = await self._fetch(self._select, symbol, timeframe, after - step, upto - step)
        return tuple(self._candles.record(values) for values in found)

    async def add_candles(self, candles: Iterable[Candle]) -> int:
        """Write closed candles in bulk and return how many were new or had other values.

        The same ones again change nothing, so that whoever is refused (Unreachable, StoreError) may write them again.
        """
        rows = [
            self._candles.values(Row(CANDLES, (candle.symbol, candle.timeframe, candle.open_time), candle))
            for candle in candles
        ]
        await CandleMonths(self._database).make_for({row[self._names.index("open_time")] for row in rows})
        async with self._database.connection() as connection:
            with asking(self._database.where):
                async with connection.transaction():
                    await connection.execute(self._arriving)
                    await connection.copy_records_to_table("arriving", records=rows, columns=self._names)
                    done: str = await connection.execute(self._merge)
        return int(done.rpartition(" ")[2])

    async def journal(self, table: Table) -> AsyncIterator[Struct]:
        """Yield a journal's records in the order in which their keys were first written."""
        journal = JournalColumns(table)
        number = quoted(journal.numbered_by)
        columns = ", ".join(quoted(column.name) for column in journal.columns)
        page = (
            f"SELECT {number}, {columns} FROM {quoted(table.name)} WHERE {number} > $1 ORDER BY {number} LIMIT {_PAGE}"
        )
        last = 0
        while found := await self._fetch(page, last):
            for _, *values in found:
                yield journal.record(values)
            last = found[-1][0]

    async def _fetch(self, sql: str, *parameters: object) -> list[Any]:
        async with self._database.connection() as connection:
            with asking(self._database.where):
                found: list[Any] = await connection.fetch(sql, *parameters)
                return found


def _values(table: str) -> str:
    return ", ".join(f"{table}.{quoted(name)}" for name in _PRICES)
