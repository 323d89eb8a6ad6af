"""A unit in PostgreSQL behind the words of a store that nobody awaits, for the tests of all stores."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from roottrading.adapters.store.port import Commit, Control, Loaded
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.control import poll_control, post_control
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnit
from roottrading.messages.service import Table

SETTINGS = PostgresSettings(connections=2)


class PostgresProcess:
    """What a process has open, on a loop of its own: a migrated database with the tables that only a test has."""

    def __init__(self, url: str, tables: Sequence[Table]) -> None:
        self.runner = asyncio.Runner()
        self.tables = tables
        self.runner.run(_migrate(url, tables))
        self.database = self.runner.run(Database.open(url, SETTINGS))

    def close(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()


async def _migrate(url: str, tables: Iterable[Table]) -> None:
    await upgrade(url, SETTINGS)
    connection = await connect(url, SETTINGS)
    for table in tables:
        if table.kept == "journal":
            await connection.execute(JournalColumns(table).create_sql())
    await connection.close()


class PostgresStore:
    """A unit, taken over when it is opened."""

    def __init__(self, process: PostgresProcess, service: str) -> None:
        self._run = process.runner.run
        self._database = process.database
        self._unit = PostgresUnit(process.database, service, 0, process.tables)
        self._run(self._unit.load())

    def load(self) -> Loaded:
        return self._run(self._unit.load())

    def commit(self, commit: Commit) -> None:
        self._run(self._unit.commit(commit))

    def journal(self, table: Table) -> list[Struct]:
        async def read() -> list[Any]:
            return [record async for record in PostgresArchive(self._database).journal(table)]

        return self._run(read())

    def post_control(self, control: Control) -> int:
        return self._run(post_control(self._database, control))

    def poll_control(self, after: int) -> tuple[Control, ...]:
        return self._run(poll_control(self._database, after))

    def close(self) -> None:
        self._run(self._unit.close())
