"""Bringing a database to a revision of the schema: Alembic's revisions, as SQL over our own connection.

The revisions are hand-written SQL, so that Alembic only has to say which come next: no second driver is needed. All of
an upgrade is one transaction, under a lock: two that begin at once are one after the other.
"""

import io
from typing import Any, Final

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.migrations.revisions import HEAD, current
from roottrading.adapters.store.postgres.settings import PostgresSettings

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('roottrading schema'))"


def scripts() -> ScriptDirectory:
    """Return the revisions inside the package."""
    config = Config()
    config.set_main_option("script_location", "roottrading.adapters.store.postgres:migrations")
    return ScriptDirectory.from_config(config)


def upgrade_sql(start: str | None, end: str = HEAD) -> str:
    """Return the SQL that leads from one revision (None: an empty database) to another."""
    found, text = scripts(), io.StringIO()

    def steps(revision: Any, context: Any) -> Any:
        return found._upgrade_revs(end, revision)

    with EnvironmentContext(
        Config(), found, fn=steps, as_sql=True, starting_rev=start, destination_rev=end
    ) as environment:
        environment.configure(
            dialect_name="postgresql",
            dialect_opts={"paramstyle": "named"},  # else percent signs are doubled
            output_buffer=text,
            transactional_ddl=False,
        )
        environment.run_migrations()
    return text.getvalue()


async def upgrade(url: str, settings: PostgresSettings, end: str = HEAD) -> tuple[str | None, str]:
    """Bring the database to a revision; returns the one it was at and the one it is at.

    Raises StoreError where it is at a revision that this version does not know, and what the database raises.
    """
    connection = await connect(url, settings, statement_timeout="0")
    try:
        with asking(shown(url)):
            async with connection.transaction():
                await connection.execute(_LOCK)
                before = await current(connection, shown(url))
                if before != end:
                    await _execute(connection, upgrade_sql(before, end))
                return before, end
    finally:
        connection.terminate()


async def _execute(connection: "asyncpg.Connection[Any]", sql: str) -> None:
    await connection.execute(sql, timeout=24 * 3_600)  # moving years of candles takes its time
