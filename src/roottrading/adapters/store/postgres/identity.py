"""Whose a database is: the services of one deployment, and of no other."""

from collections.abc import Mapping
from typing import Final

from roottrading.adapters.store.port import WrongIdentity
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.migrations.revisions import require_head
from roottrading.adapters.store.postgres.settings import PostgresSettings

# Whoever comes first writes it down; the others, also at the same moment, find it.
_CLAIM: Final = """
INSERT INTO identity (name, value) SELECT * FROM unnest($1::text[], $2::text[])
WHERE NOT EXISTS (SELECT FROM identity) ON CONFLICT (name) DO NOTHING"""
_READ: Final = "SELECT name, value FROM identity WHERE name NOT LIKE 'topic %' ORDER BY name"  # those: `topics`


async def claim(database: Database, identity: Mapping[str, str]) -> None:
    """Make the database this deployment's where it is nobody's yet: what a process does first.

    Raises WrongIdentity where it is another's, StoreError where its schema is not this version's. `identity` is
    what must never differ between processes that share it, such as the deployment and its quote asset.
    """
    async with database.connection() as connection:
        with asking(database.where):
            await require_head(connection, database.where)
            await connection.execute(_CLAIM, list(identity), list(identity.values()))
            found = dict(await connection.fetch(_READ))
    differences = [
        f"{name} is {found.get(name, 'not set')} there and {identity.get(name, 'not set')} here"
        for name in sorted(found.keys() | identity.keys())
        if found.get(name) != identity.get(name)
    ]
    if differences:
        raise WrongIdentity(
            f"{database.where} belongs to another deployment: {'; '.join(differences)}. Give each its own database"
        )


async def identity_of(url: str, settings: PostgresSettings) -> dict[str, str]:
    """Return whose a database is, nothing where it is nobody's yet. Raises Unreachable or StoreError."""
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            await require_head(connection, shown(url))
            return dict(await connection.fetch(_READ))
    finally:
        connection.terminate()
