"""What services left in the database, as a store that reports read like any other."""

from typing import Final

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Commit
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.distributed.installation import TABLES
from roottrading.runtimes.distributed.sharding import unit_name

_OWNERS_OF_STATE: Final = ("coordinator", "portfolio")  # whose state rows reports want
_MARKET_DATA: Final = "market_data"


async def collect(url: str, settings: PostgresSettings) -> MemoryStore:
    """Read every journal, and the state of who keeps money. The services have ended: their units are taken over."""
    store = MemoryStore(ALL_TABLES)
    async with await Database.open(url, settings) as database:
        archive, units = PostgresArchive(database), PostgresUnits(database, TABLES)
        for table in ALL_TABLES:
            if table.kept == "journal" and table.name != _MARKET_DATA:
                records = [record async for record in archive.journal(table)]
                store.commit(Commit([Row(table.name, (number,), record) for number, record in enumerate(records)]))
        for role in _OWNERS_OF_STATE:
            loaded = await units.unit(unit_name(role, 0)).load()
            known = {table.name for table in ALL_TABLES}
            store.commit(Commit([row for name, rows in loaded.rows.items() if name in known for row in rows]))
    return store
