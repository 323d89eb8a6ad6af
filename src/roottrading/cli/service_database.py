"""The services' database as commands of a person see it."""

import asyncio
from functools import partial

from msgspec import Struct

from roottrading.adapters.store.inspection import Inspection
from roottrading.adapters.store.port import Control
from roottrading.adapters.store.postgres.control import post_control
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import shown
from roottrading.adapters.store.postgres.inspection import inspect_service
from roottrading.adapters.store.postgres.reading import read_from_copy, seconds_behind
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.messages.service import Table


class Looked(Struct, frozen=True):
    """What was found, and where: by the address as it may be shown, with how far that is behind."""

    where: str
    behind: float
    seen: Inspection


class ServiceDatabase(Struct, frozen=True):
    """A database by its address, and that of a copy to read from; as text without its password."""

    url: str
    settings: PostgresSettings
    copy: str | None = None

    def __str__(self) -> str:
        return shown(self.url)

    __repr__ = __str__

    def post(self, control: Control, keep_state: bool) -> int:
        """Leave a command for all services; returns its number."""
        return asyncio.run(self._post(control, keep_state))

    def inspect(self, tables: tuple[Table, ...]) -> Inspection:
        """Read the coordinator's state as it is."""
        return asyncio.run(read_from_copy(self.url, None, self.settings, partial(_inspect, tables=tables))).seen

    def look(self, tables: tuple[Table, ...]) -> Looked:
        """Read the coordinator's state, from the copy where there is one."""
        return asyncio.run(read_from_copy(self.url, self.copy, self.settings, partial(_inspect, tables=tables)))

    async def _post(self, control: Control, keep_state: bool) -> int:
        async with await Database.open(self.url, self.settings) as database:
            return await post_control(database, control, keep_state)


async def _inspect(database: Database, tables: tuple[Table, ...]) -> Looked:
    behind = await seconds_behind(database)
    return Looked(database.where, behind, await inspect_service(database, "coordinator", tables))
