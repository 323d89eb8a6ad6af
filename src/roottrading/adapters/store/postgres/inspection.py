"""Looking at a service's state from outside, without taking it over: for `control status`."""

from collections.abc import Iterable
from typing import Any

import msgspec

from roottrading.adapters.store.columns import quoted
from roottrading.adapters.store.inspection import Inspection
from roottrading.adapters.store.postgres.control import poll_control
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.messages.service import Table

_ROWS = "SELECT value FROM unit_rows WHERE service = $1 AND shard = 0 AND table_name = $2 ORDER BY number"
_NEWEST = 100
_COMMANDED = "SELECT control FROM units WHERE service = $1 AND shard = 0"


async def inspect_service(database: Database, service: str, tables: Iterable[Table]) -> Inspection:
    """Read state tables of a service that has one unit, and which commands it has not taken.

    Of journals, whoever writes them, the newest hundred records are read. Raises Unreachable or StoreError.
    """
    records: dict[str, tuple[Any, ...]] = {}
    async with database.connection() as connection:
        with asking(database.where):
            for table in tables:
                if table.kept == "journal":
                    journal = JournalColumns(table)
                    newest = f"{journal.select_sql} ORDER BY {quoted(journal.numbered_by)} DESC LIMIT {_NEWEST}"
                    lines = await connection.fetch(newest)
                    records[table.name] = tuple(journal.record(values) for values in reversed(lines))
                    continue
                found = await connection.fetch(_ROWS, service, table.name)
                decode = msgspec.json.Decoder(table.record).decode
                records[table.name] = tuple(decode(value) for (value,) in found)
            taken = await connection.fetchval(_COMMANDED, service)
    waiting = await poll_control(database, taken or 0)
    return Inspection(None, False, None, waiting, records)
