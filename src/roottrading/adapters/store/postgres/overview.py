"""A look at a database: which version it is, what is in it, and how far each service has come."""

from typing import Final

from msgspec import Struct

from roottrading.adapters.store.postgres.candle_months import Month, made
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.migrations.revisions import HEAD, current
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.domain.time import Time

_SERVER: Final = "SELECT current_setting('server_version'), pg_database_size(current_database())"
_UNITS: Final = """
SELECT service, count(*), sum(fence)::bigint, sum(outbox_number - published)::bigint, max(loaded_at)
FROM units GROUP BY service ORDER BY service"""


class ServiceSeen(Struct, frozen=True):
    """A service's units together; `commits` counts the times that a fence was raised."""

    service: str
    shards: int
    commits: int
    waiting: int
    loaded_at: Time


class Overview(Struct, frozen=True):
    """What stands in a database at a moment; only the first four where its revision is not this version's."""

    where: str
    version: str
    megabytes: int
    revision: str | None
    months: tuple[Month, ...] = ()
    commands: int = 0
    units: tuple[ServiceSeen, ...] = ()


async def overview(url: str, settings: PostgresSettings) -> Overview:
    """Look. Raises Unreachable or StoreError."""
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            version, size = await connection.fetchrow(_SERVER)
            revision = await current(connection, shown(url))
            server = (shown(url), version, size // 2**20, revision)
            if revision != HEAD:
                return Overview(*server)
            months = tuple(await made(connection))
            commands: int = await connection.fetchval("SELECT coalesce(max(number), 0) FROM control_requests")
            units = tuple(ServiceSeen(*found) for found in await connection.fetch(_UNITS))
            return Overview(*server, months, commands, units)
    finally:
        connection.terminate()
