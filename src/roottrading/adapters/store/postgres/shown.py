"""What Redis shows, as the database has it: the account as it was last told, active records, recent candles."""

from typing import Final

import msgspec
from msgspec import Struct

from roottrading.adapters.store.columns import quoted
from roottrading.adapters.store.envelopes import body_of
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.adapters.store.postgres.schema import CANDLES
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.channels import MARKET, PORTFOLIO_UPDATES
from roottrading.messages.events import PortfolioUpdated
from roottrading.messages.service import Table

_LAST_UPDATE: Final = """
SELECT body FROM outbox WHERE service = 'portfolio' AND shard = 0 AND channel = $1 ORDER BY number DESC LIMIT 1"""
_ROWS: Final = "SELECT value FROM unit_rows WHERE service = $1 AND shard = 0 AND table_name = $2 ORDER BY number"
_STREAMS: Final = """
SELECT DISTINCT split_part(stream, '/', 2), split_part(stream, '/', 3) FROM unit_places
WHERE service = 'gateway' AND kind = 'sent' AND stream LIKE $1 ORDER BY 1, 2"""


class PostgresShown:
    """Reads from a database, or from a copy of it that is behind a little."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._candles = JournalColumns(Table(CANDLES, ("symbol", "timeframe", "open_time"), Candle, "journal"))
        columns = ", ".join(quoted(column.name) for column in self._candles.columns)
        self._newest = (
            f"SELECT {columns} FROM {CANDLES} WHERE symbol = $1 AND timeframe = $2 AND open_time > $3 "
            "ORDER BY open_time DESC LIMIT $4"
        )

    async def account(self) -> PortfolioUpdated | None:
        """Return what the portfolio said last; None where it never said anything."""
        async with self._database.connection() as connection:
            with asking(self._database.where):
                body = await connection.fetchval(_LAST_UPDATE, PORTFOLIO_UPDATES)
        found = None if body is None else body_of(body)
        assert found is None or isinstance(found, PortfolioUpdated)
        return found

    async def records(self, service: str, table: Table) -> tuple[Struct, ...]:
        """Return the records of a state table of a service that has one unit."""
        async with self._database.connection() as connection:
            with asking(self._database.where):
                found = await connection.fetch(_ROWS, service, table.name)
        decode = msgspec.json.Decoder(table.record).decode
        return tuple(decode(value) for (value,) in found)

    async def candle_streams(self) -> tuple[tuple[str, str], ...]:
        """Return the symbols and timeframes whose candles the gateway told so far."""
        async with self._database.connection() as connection:
            with asking(self._database.where):
                found = await connection.fetch(_STREAMS, f"{MARKET}/%")
        return tuple((symbol, timeframe) for symbol, timeframe in found)

    async def newest_candles(self, symbol: str, timeframe: str, after: Time, most: int) -> list[Candle]:
        """Return the newest candles that opened after a time, oldest first."""
        async with self._database.connection() as connection:
            with asking(self._database.where):
                found = await connection.fetch(self._newest, symbol, timeframe, after, most)
        return [self._candles.record(values) for values in reversed(found)]
