"""What strategies said, and when what they said it of began: read by whoever learns from it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from roottrading.adapters.store.columns import quoted
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.domain.time import Time
from roottrading.messages.service import Table

_FIRST_SAID = "SELECT min(sequence) FROM outbox WHERE source = $1 AND stream = $2"
_UNSAID = """
SELECT wanted.stream FROM unnest($2::text[], $3::bigint[]) AS wanted (stream, last) WHERE NOT EXISTS (
SELECT FROM outbox WHERE source = $1 AND stream = wanted.stream AND sequence >= wanted.last) ORDER BY wanted.stream"""
_SET_ASIDE = """
SELECT DISTINCT symbol FROM quarantine WHERE split_part(unit, '/', 1) = ANY ($1) AND error <> '' ORDER BY symbol"""
_STATE = "SELECT value FROM unit_rows WHERE service = $1 AND table_name = $2 ORDER BY shard, number"


class PostgresOpinions:
    """Opinions' changes as they are journaled, and the histories that their service's units keep."""

    def __init__(
        self, database: Database, service: str, signals: Table, histories: Table, before: Sequence[str] = ()
    ) -> None:
        """Read `signals` (a journal with strategy, symbol and timestamp) and the units' state table `histories`.

        Opinions are a `service`'s, which depends on those `before` it.
        """
        self._database = database
        self._service = service
        self._before = [*before, service]
        self._histories = histories.name
        self._decode = msgspec.json.Decoder(histories.record).decode
        self._signals = JournalColumns(signals)
        said = f"SELECT * FROM {quoted(signals.name)} WHERE symbol = said.symbol AND strategy = said.strategy"
        columns = ", ".join(f"found.{quoted(column.name)}" for column in self._signals.columns)
        self._changes = (  # one after the other, so that each finds its index
            f"SELECT {columns} FROM unnest($1::text[], $2::text[]) AS said (strategy, symbol) CROSS JOIN LATERAL ("
            f"({said} AND timestamp <= $3 ORDER BY timestamp DESC LIMIT 1) UNION ALL "
            f"({said} AND timestamp > $3 AND timestamp <= $4)) AS found ORDER BY found.timestamp"
        )

    async def changes(self, said: Sequence[tuple[str, str]], since: Time, until: Time) -> Sequence[Any]:
        """Return the changes with since < T <= until of opinions by (strategy, symbol), in order of T.

        The one by which each stood at `since` comes before them.
        """
        strategies, symbols = [strategy for strategy, _ in said], [symbol for _, symbol in said]
        found = await self._fetch(self._changes, strategies, symbols, since, until)
        return [self._signals.record(values) for values in found]

    async def histories(self) -> Sequence[Any]:
        """Return when the histories of all streams begin, as the units keep it."""
        return [self._decode(value) for (value,) in await self._fetch(_STATE, self._service, self._histories)]

    async def first_said(self, source: str, stream: str) -> int | None:
        """Return the sequence of the first message of a stream that is kept, None where there is none."""
        return (await self._fetch(_FIRST_SAID, source, stream))[0][0]  # type: ignore[no-any-return]

    async def unsaid(self, source: str, last: Mapping[str, int]) -> Sequence[str]:
        """Return those streams on which nothing was said yet up to the sequence that is named, in order."""
        return [stream for (stream,) in await self._fetch(_UNSAID, source, list(last), list(last.values()))]

    async def set_aside(self) -> Sequence[str]:
        """Return the symbols that stand in the quarantine of a unit which comes before opinions, in order."""
        return [symbol for (symbol,) in await self._fetch(_SET_ASIDE, self._before)]

    async def _fetch(self, sql: str, *parameters: object) -> list[Any]:
        async with self._database.connection() as connection:
            with asking(self._database.where):
                found: list[Any] = await connection.fetch(sql, *parameters)
                return found
