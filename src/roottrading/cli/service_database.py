"""The services' database as commands of a person see it."""

import asyncio

from msgspec import Struct

from roottrading.adapters.store.inspection import Inspection
from roottrading.adapters.store.port import Control
from roottrading.adapters.store.postgres.control import post_control
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import shown
from roottrading.adapters.store.postgres.inspection import inspect_service
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.messages.service import Table


class ServiceDatabase(Struct, frozen=True):
    """A database by its address; as text without its password."""

    url: str
    settings: PostgresSettings

    def __str__(self) -> str:
        return shown(self.url)

    __repr__ = __str__

    def post(self, control: Control, keep_state: bool) -> int:
        """Leave a command for all services; returns its number."""
        return asyncio.run(self._post(control, keep_state))

    def inspect(self, tables: tuple[Table, ...]) -> Inspection:
        """Read the coordinator's state."""
        return asyncio.run(inspect_service(self.url, self.settings, "coordinator", tables))

    async def _post(self, control: Control, keep_state: bool) -> int:
        async with await Database.open(self.url, self.settings) as database:
            return await post_control(database, control, keep_state)
