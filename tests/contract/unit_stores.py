"""Units of a shared database behind the words of a store that nobody awaits, for the tests of all stores."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Commit, Control, Loaded, UnitStore
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.control import poll_control, post_control
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.journal_columns import JournalColumns
from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnits
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


class AwaitedStore:
    """A unit behind the words of a store that nobody awaits; taken over when it is opened."""

    def __init__(self, runner: asyncio.Runner, unit: UnitStore) -> None:
        self.run = runner.run
        self._unit = unit
        self.run(unit.load())

    def load(self) -> Loaded:
        return self.run(self._unit.load())

    def commit(self, commit: Commit) -> None:
        self.run(self._unit.commit(commit))

    def close(self) -> None:
        self.run(self._unit.close())


class PostgresStore(AwaitedStore):
    """A unit in PostgreSQL."""

    def __init__(self, process: PostgresProcess, name: str) -> None:
        self._database = process.database
        super().__init__(process.runner, PostgresUnits(process.database, process.tables).unit(name))

    def journal(self, table: Table) -> list[Struct]:
        async def read() -> list[Any]:
            return [record async for record in PostgresArchive(self._database).journal(table)]

        return self.run(read())

    def post_control(self, control: Control) -> int:
        return self.run(post_control(self._database, control))

    def poll_control(self, after: int) -> tuple[Control, ...]:
        return self.run(poll_control(self._database, after))


class MemoryUnitStore(AwaitedStore):
    """A unit in memory."""

    def __init__(self, runner: asyncio.Runner, units: MemoryUnits, name: str) -> None:
        super().__init__(runner, units.unit(name))
        self._kept = units.store(name)

    def journal(self, table: Table) -> Iterable[Struct]:
        return self._kept.journal(table)

    def post_control(self, control: Control) -> int:
        return self._kept.post_control(control)

    def poll_control(self, after: int) -> tuple[Control, ...]:
        return self._kept.poll_control(after)
