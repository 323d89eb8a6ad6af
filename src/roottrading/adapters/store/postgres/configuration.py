"""Changes of `config:symbols` and `config:strategies`, kept for ever: the keys in Redis are a view of them.

Consistency-rules 6.2: a valid edit is recorded with the T from which it counts on all instances.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.migrations.revisions import require_head
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.domain.time import Time

_READ: Final = """
SELECT number, kind, name, value, effective_at, who FROM configuration WHERE number > $1 ORDER BY number"""


class Configured(Struct, frozen=True):
    """A symbol or strategy that was set (`value`, JSON text) or taken out (None), from the T `effective_at` on."""

    number: int
    kind: Literal["symbol", "strategy"]
    name: str
    value: str | None
    effective_at: Time
    who: str


async def configure(database: Database, changes: Sequence[Configured]) -> int:
    """Record changes together, numbered on (their own numbers do not count); returns the last number.

    Raises Unreachable or StoreError; after either they may stand: read before sending them again.
    """
    columns = [[getattr(change, name) for change in changes] for name in Configured.__struct_fields__[1:]]
    async with database.connection() as connection:
        with asking(database.where):
            last: int = await connection.fetchval("SELECT configure($1, $2, $3, $4, $5)", *columns)
            return last


async def configured_at(url: str, settings: PostgresSettings) -> tuple[Configured, ...]:
    """Return all changes of a database that nobody has opened yet. Raises Unreachable or StoreError."""
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            await require_head(connection, shown(url))
            return tuple(Configured(*row) for row in await connection.fetch(_READ, 0))
    finally:
        connection.terminate()


async def configuration(database: Database, after: int = 0) -> tuple[Configured, ...]:
    """Return the changes above a number, in order; later ones of a name go before earlier ones."""
    async with database.connection() as connection:
        with asking(database.where):
            found = await connection.fetch(_READ, after)
    return tuple(Configured(*row) for row in found)
