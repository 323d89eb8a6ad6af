"""Whether a database's schema is what this version writes: every column of every journal, every statement of a unit."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import asyncpg

from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.adapters.store.postgres.migrations.revisions import HEAD, current
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.statements import (
    DEADLINES,
    DEADLINES_GONE,
    OUTBOX,
    PLACES,
    ROWS,
    ROWS_GONE,
    commit_sql,
)
from roottrading.messages.service import Table

_COLUMNS: Final = """
SELECT attname, format_type(atttypid, NULL), NOT attnotnull, atthasdef OR attidentity <> ''
FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"""
_KEY: Final = """
SELECT array_agg(attname::text ORDER BY array_position(indkey::int2[], attnum))
FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
WHERE indrelid = to_regclass($1) AND indisprimary"""


async def differences(url: str, settings: PostgresSettings, tables: Iterable[Table]) -> list[str]:
    """Return what is not as this version writes it, in words; nothing where all is well.

    Raises Unreachable, or StoreError for a revision that this version does not know.
    """
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            revision = await current(connection, shown(url))
            if revision != HEAD:
                return [f"the schema is at revision {revision or 'none'}, not {HEAD}: `roottrading db upgrade`"]
            found: list[str] = []
            for table in tables:
                if table.kept == "journal":
                    found.extend(await _journal(connection, JournalColumns(table)))
            return found or await _statement(connection)
    finally:
        connection.terminate()


async def _journal(connection: "asyncpg.Connection[Any]", journal: JournalColumns) -> list[str]:
    name = journal.table.name
    there = {column: rest for column, *rest in await connection.fetch(_COLUMNS, name)}
    if not there:
        return [f"table {name} is missing"]
    return [f"table {name}: {text}" for text in _wrong(journal, there, await connection.fetchval(_KEY, name))]


def _wrong(journal: JournalColumns, there: dict[str, list[Any]], key: list[str] | None) -> Iterator[str]:
    for column in journal.columns:
        if column.name not in there:
            yield f"column {column.name} is missing"
            continue
        sql_type, nullable, _ = there[column.name]
        if sql_type != column.sql_type:
            yield f"column {column.name} is {sql_type}, not {column.sql_type}"
        elif column.nullable and not nullable:
            yield f"column {column.name} takes no NULL, which is written where a value is unknown"
    written = {column.name for column in journal.columns}
    for name, (_, nullable, filled) in there.items():
        if name not in written and not nullable and not filled:
            yield f"column {name} is written by nobody, takes no NULL and has no default"
    if journal.numbered_by not in there:
        yield f"column {journal.numbered_by} is missing, by which rows are told in order"
    if sorted(key or ()) != sorted(journal.table.key):
        yield f"its key is ({', '.join(key or ())}), not ({', '.join(journal.table.key)})"


async def _statement(connection: "asyncpg.Connection[Any]") -> list[str]:
    """Have the server read the statement that commits a step with every part of it, and do nothing."""
    parts = [ROWS, ROWS_GONE, PLACES, DEADLINES, DEADLINES_GONE, OUTBOX]
    transaction = connection.transaction()
    await transaction.start()  # ended below: what is only prepared would hold its locks
    try:
        await connection.prepare(commit_sql(parts))
    except asyncpg.SyntaxOrAccessError as error:
        return [f"a unit cannot be kept: {error}"]
    finally:
        await transaction.rollback()
    return []
