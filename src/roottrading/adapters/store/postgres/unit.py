"""A unit's state in PostgreSQL: taken over by a load, changed by one statement a commit, refused to the outlived."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from roottrading.adapters.store.envelopes import body_of
from roottrading.adapters.store.port import (
    AdjustmentAnswered,
    Commit,
    CommitUnknown,
    Fenced,
    Loaded,
    OutboxEntry,
    StoreCorrupt,
    StoreError,
    UnitState,
    tables_by_name,
)
from roottrading.adapters.store.postgres.candle_months import CandleMonths
from roottrading.adapters.store.postgres.changes import Changes, Columns, key_of
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.schema import CANDLES
from roottrading.adapters.store.postgres.statements import Part, commit_sql
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import Row, Table

_TAKE = """
INSERT INTO units (service, shard, fence, loaded_at) VALUES ($1, $2, 1, now())
ON CONFLICT (service, shard) DO UPDATE SET fence = units.fence + 1, loaded_at = now() RETURNING *"""
_ROWS = "SELECT table_name, key, value FROM unit_rows WHERE service = $1 AND shard = $2 ORDER BY number"
_PLACES = "SELECT kind, source, stream, sequence FROM unit_places WHERE service = $1 AND shard = $2"
_DEADLINES = "SELECT key, due_at FROM unit_deadlines WHERE service = $1 AND shard = $2 ORDER BY due_at, key"
_OUTBOX = """
SELECT number, channel, source, stream, sequence, follows, at, cause, body FROM outbox
WHERE service = $1 AND shard = $2 AND number > $3 ORDER BY number"""

_ANSWER = "SELECT answer_control($1, $2, $3, $4, $5, $6)"


class PostgresUnits:
    """A process's way to units, by their names ("trader/17"); `tables` are all that their rows are for."""

    def __init__(self, database: Database, tables: Iterable[Table]) -> None:
        self._database = database
        self._tables = tables_by_name(tables)

    def unit(self, name: str) -> "PostgresUnit":
        """Return a way to a unit; who loads it last owns it. Raises StoreError for what is no unit's name."""
        return PostgresUnit(self._database, name, self._tables)


class PostgresUnit:
    """The UnitStore of one unit, by its name: service/shard."""

    def __init__(self, database: Database, name: str, tables: Mapping[str, Table]) -> None:
        service, _, shard = name.rpartition("/")
        if not service or not shard.isdecimal():
            raise StoreError(f"{name!r} is no unit's name: it reads service/shard, such as trader/17")
        self.name = name
        self.service = service
        self.shard = int(shard)
        self._database = database
        self._tables = tables
        self._changes = Changes(name, service, tables)
        self._months = CandleMonths(database)
        self._where = f"{database.where}, unit {name}"
        self._fence: int | None = None
        self._statements: dict[tuple[str, ...], str] = {}

    async def load(self) -> Loaded:
        """Take the unit over and return what was committed.

        Raising the fence waits for a commit under way. What is read once it is raised is all that there is, since
        whoever had the unit before is refused from then on; no lock is held meanwhile that one who is stopped would
        keep. Raises Unreachable, StoreCorrupt or StoreError.
        """
        self._fence = None
        own = (self.service, self.shard)
        async with self._database.connection() as connection:
            with asking(self._where):
                unit = await connection.fetchrow(_TAKE, *own)
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    rows = await connection.fetch(_ROWS, *own)
                    places = await connection.fetch(_PLACES, *own)
                    deadlines = await connection.fetch(_DEADLINES, *own)
                    outbox = await connection.fetch(_OUTBOX, *own, unit["published"])
        position = None if unit["position_at"] is None else (unit["position_at"], unit["position_phase"])
        loaded = Loaded(
            self._rows(rows),
            self._units(places),
            tuple((self.service, key, due_at) for key, due_at in deadlines),
            position,
            unit["control"],
            unit["fence"],
            tuple(_entry(*found) for found in outbox),
            unit["outbox_number"],
            {(topic, int(partition)): following for kind, topic, partition, following in places if kind == "read"},
        )
        self._changes.row_number, self._changes.outbox_number = unit["row_number"], unit["outbox_number"]
        self._fence = loaded.fence
        return loaded

    async def commit(self, commit: Commit) -> None:
        """Keep all of it, or nothing.

        Raises Fenced or CommitUnknown, after which the unit must be loaded again; Unreachable, ControlWaiting,
        StoreFull and other StoreErrors where nothing was kept for sure.
        """
        if self._fence is None:
            raise Fenced(f"{self._where} was lost: load it again before the next commit")
        parts = self._changes.of(commit)
        row_number = self._changes.row_number + len(commit.rows)
        outbox_number = self._changes.outbox_number + len(commit.outbox)
        at, phase = commit.position or (None, None)
        parameters: list[Any] = [self.service, self.shard, self._fence, commit.control, commit.published]
        parameters += [outbox_number, row_number, at, phase, commit.heeds_control]
        alone = []
        for part, columns in parts.items():
            if len(columns[0]) == 1:
                alone.append(part.name)
                parameters += [column[0] for column in columns]
            else:
                parameters += columns
        candles = [row.values for row in commit.rows if row.table == CANDLES and row.values is not None]
        if candles:
            await self._months.make_for(candle.open_time for candle in candles)
        try:
            self._fence = await self._database.commit(self._where, self._sql(parts, alone), parameters)
        except (Fenced, CommitUnknown):
            self._fence = None
            raise
        self._changes.row_number, self._changes.outbox_number = row_number, outbox_number

    async def answer(self, answered: AdjustmentAnswered) -> None:
        """Leave the first answer to a person's request among the commands, under the unit's fence.

        Where there is one already, that one counts. Raises Fenced, Unreachable or StoreError; after the last two it may
        stand: look, or leave it again.
        """
        body = msgspec.json.encode(answered).decode()
        async with self._database.connection() as connection:
            with asking(self._where):
                name = type(answered).__name__
                own = (self.service, self.shard, self._fence)
                await connection.execute(_ANSWER, *own, answered.request, name, body)

    async def close(self) -> None:
        """Let go of the unit; the connections are the database's."""
        self._fence = None

    def _sql(self, parts: dict[Part, Columns], alone: Sequence[str]) -> str:
        shape = (*(part.name for part in parts), "", *alone)
        sql = self._statements.get(shape)
        if sql is None:
            sql = self._statements[shape] = commit_sql(list(parts), alone)
        return sql

    def _rows(self, found: Iterable[tuple[str, str, str]]) -> dict[str, tuple[Row, ...]]:
        rows: dict[str, list[Row]] = {name: [] for name, table in self._tables.items() if table.kept == "state"}
        for table, key, value in found:
            if table not in rows:
                raise StoreError(f"{self._where} has rows of table {table!r}, which this version does not know")
            try:
                rows[table].append(Row(table, key_of(key), _decoder(self._tables[table].record).decode(value)))
            except msgspec.DecodeError as error:
                raise StoreCorrupt(f"{self._where}: a row of {table} cannot be read: {error}") from error
        return {name: tuple(kept) for name, kept in rows.items()}

    def _units(self, places: Iterable[tuple[str, str, str, int]]) -> dict[str, UnitState]:
        seen: dict[tuple[str, str], int] = {}
        sent: dict[str, int] = {}
        for kind, source, stream, sequence in places:
            if kind == "seen":
                seen[source, stream] = sequence
            elif kind == "sent":
                sent[stream] = sequence
        return {self.name: UnitState(seen, sent)} if seen or sent else {}


@cache
def _decoder(record: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(record)


def _entry(
    number: int, channel: str, source: str, stream: str, sequence: int, follows: int, at: int, cause: str, body: str
) -> OutboxEntry:
    return OutboxEntry(number, channel, Envelope(source, stream, sequence, follows, at, cause, body_of(body)))
