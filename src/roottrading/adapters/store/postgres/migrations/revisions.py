"""Which revision of the schema this version works with, and which one a database is at."""

from typing import Any, Final

import asyncpg

from roottrading.adapters.store.port import StoreError

HEAD: Final = "0004"
KNOWN: Final = ("0001", "0002", "0003", "0004")


async def current(connection: "asyncpg.Connection[Any]", where: str) -> str | None:
    """Return the database's revision, None where it has none of our tables. Raises StoreError for an unknown one."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found: str | None = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
    if found is not None and found not in KNOWN:
        raise StoreError(
            f"{where} is at revision {found}, this version knows {HEAD} as the newest: upgrade roottrading"
        )
    return found


async def require_head(connection: "asyncpg.Connection[Any]", where: str) -> None:
    """Raise StoreError where the schema is not the one that this version works with."""
    found = await current(connection, where)
    if found != HEAD:
        raise StoreError(
            f"{where} is at revision {found or 'none'}, {HEAD} is needed: `roottrading db upgrade` makes it so"
        )
