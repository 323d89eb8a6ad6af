"""Connections: to the host that can be written to, with our types and our patience."""

from typing import Any, Final

import asyncpg

from roottrading.adapters.store.postgres.errors import reaching, shown
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.domain.time import MILLISECOND, SECOND

_EPOCH: Final = 946_684_800 * SECOND  # PostgreSQL counts microseconds from 2000
_SHAPES: Final = 256  # statements that a connection keeps prepared; a unit uses a few dozen

# A snapshot per statement is what taking a unit over rests on. Plans are made once: none of ours needs its values.
_SESSION: Final = {
    "application_name": "roottrading",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "timezone": "UTC",
}


def options(url: str, settings: PostgresSettings, *, writes: bool = True) -> dict[str, Any]:
    """Return how to connect: for writes only to a host that takes them."""
    statement = {"statement_timeout": str(settings.statement_timeout // MILLISECOND)}
    found: dict[str, Any] = {
        "dsn": url,
        "timeout": settings.connect_timeout / SECOND,
        "command_timeout": settings.answer_timeout / SECOND,
        "statement_cache_size": _SHAPES,
        "max_cached_statement_lifetime": 0,
        "server_settings": _SESSION | statement,
    }
    if writes and "target_session_attrs" not in url:
        found["target_session_attrs"] = "read-write"
    return found


async def teach_types(connection: "asyncpg.Connection[Any]") -> None:
    """Have times come and go as integer microseconds, UUIDs as text."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=lambda time: (time - _EPOCH,),
        decoder=lambda found: found[0] + _EPOCH,
        format="tuple",
    )
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")


async def connect(
    url: str, settings: PostgresSettings, *, writes: bool = True, **session: str
) -> "asyncpg.Connection[Any]":
    """Open one connection; `session` are the server's settings for it. Raises Unreachable, StoreError."""
    how = options(url, settings, writes=writes)
    how["server_settings"] = how["server_settings"] | session
    with reaching(shown(url)):
        connection = await asyncpg.connect(**how)
        try:
            await teach_types(connection)
        except BaseException:  # nobody else could end it
            connection.terminate()
            raise
        return connection
