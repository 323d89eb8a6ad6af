"""Whether a server keeps what it said it keeps, also when its machine fails."""

from collections.abc import Sequence
from typing import Final

from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings

_NEEDED: Final = ("fsync", "full_page_writes", "synchronous_commit")
_READ: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[]) AND setting = 'off' ORDER BY name"


async def switched_off(url: str, settings: PostgresSettings) -> Sequence[str]:
    """Return the server's settings that are off and make it forget. Raises Unreachable or StoreError."""
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            return [name for name, _ in await connection.fetch(_READ, list(_NEEDED))]
    finally:
        connection.terminate()
