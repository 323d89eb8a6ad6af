"""How far a service has come, as its units committed it: for who must not judge before it has heard all of that."""

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking

_SENT: Final = """
SELECT stream, max(sequence) FROM unit_places
WHERE service = $1 AND shard = ANY ($2) AND kind = 'sent' GROUP BY stream"""
_TAKEN: Final = "SELECT min(control), count(*) FROM units WHERE service = $1 AND shard = ANY ($2)"


class Progress(Struct, frozen=True):
    """What some units of a service have said, by stream the last sequence, and the command that all of them took."""

    said: Mapping[str, int]
    taken: int


async def progress_of(database: Database, service: str, shards: Collection[int]) -> Progress:
    """Look; a unit that never was has taken nothing. Raises Unreachable or StoreError."""
    wanted = sorted(shards)
    async with database.connection() as connection:
        with asking(database.where):
            taken, units = await connection.fetchrow(_TAKEN, service, wanted)
            said = await connection.fetch(_SENT, service, wanted)
    return Progress(dict(said), taken if units == len(wanted) else 0)
