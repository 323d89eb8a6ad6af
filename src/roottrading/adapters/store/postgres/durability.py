"""Whether a server keeps what it said it keeps, also when its machine fails, and another one takes over."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings

_NEEDED: Final = ("fsync", "full_page_writes", "synchronous_commit")
_OFF: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[]) AND setting = 'off' ORDER BY name"

_STANDBYS: Final = """
SELECT current_setting('synchronous_standby_names') <> ''
        AND current_setting('synchronous_commit') NOT IN ('local', 'off'),
    count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), count(*) FILTER (WHERE sync_state IS NULL)
FROM pg_stat_replication"""


class Standbys(Struct, frozen=True):
    """What follows a server: whether commits wait for it, how many follow synchronously, and how many are not shown."""

    waited_for: bool
    synchronous: int
    hidden: int


def names_several(url: str) -> bool:
    """Say whether an address names several hosts, one of which may take over from another."""
    parts = urlsplit(url)
    return any("," in hosts for hosts in (parts.netloc.rpartition("@")[2], *parse_qs(parts.query).get("host", ())))


async def standbys(url: str, settings: PostgresSettings) -> Standbys:
    """Look at what follows the server that is written to. Raises Unreachable or StoreError.

    A user without the role pg_monitor sees that somebody follows, and not how (PostgreSQL, pg_stat_replication).
    """
    (found,) = await _read(url, settings, _STANDBYS)
    return Standbys(*found)


async def switched_off(url: str, settings: PostgresSettings) -> Sequence[str]:
    """Return the server's settings that are off and make it forget. Raises Unreachable or StoreError."""
    return [name for name, _ in await _read(url, settings, _OFF, list(_NEEDED))]


async def _read(url: str, settings: PostgresSettings, sql: str, *parameters: Any) -> Sequence[Sequence[Any]]:
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            found: Sequence[Sequence[Any]] = await connection.fetch(sql, *parameters)
            return found
    finally:
        connection.terminate()
