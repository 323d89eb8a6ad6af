"""A copy of the database that follows it: who only looks reads there, and from the database when it is gone."""

import asyncio
import time

import pytest

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.reading import read_from_copy, seconds_behind
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import POSTGRES_REPLICA_URL, POSTGRES_URL
from roottrading.operations.local_servers import PostgresServer
from tests.e2e.conftest import Runner


def test_who_looks_reads_from_the_copy_and_from_the_database_when_it_is_gone(
    own_postgres: PostgresServer,
    following: PostgresServer,
    roottrading: Runner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(POSTGRES_URL, own_postgres.url)
    monkeypatch.setenv(POSTGRES_REPLICA_URL, following.url)
    assert roottrading("db", "upgrade").code == 0
    assert roottrading("control", "halt", "--why", "a test").code == 0
    until = time.monotonic() + 30
    while "waiting   1 commands" not in (shown := roottrading("control", "status").out):
        assert time.monotonic() < until, shown
        time.sleep(0.05)
    assert shown.startswith(f"database  {following.url}")
    assert f"copy to read from: {following.url}, " in roottrading("db", "status").out
    assert not caplog.records

    following.kill()
    shown = roottrading("control", "status").out
    assert shown.startswith(f"database  {own_postgres.url}\n")
    assert "waiting   1 commands" in shown
    assert f"read from {own_postgres.url} instead" in caplog.text
    assert f"copy to read from: {following.url} cannot be reached" in roottrading("db", "status").out


def test_what_the_copy_refuses_is_read_from_the_database(postgres_url: str) -> None:
    """A copy that lacks what is read, say: it is of before an upgrade."""

    async def main() -> None:
        settings = PostgresSettings()
        other = postgres_url.rpartition("/")[0] + "/postgres"
        async with await Database.open(postgres_url, settings) as database, database.connection() as connection:
            await connection.execute("CREATE TABLE only_here AS SELECT 5 AS found")
            assert await seconds_behind(database) == 0

        async def read(database: Database) -> int:
            async with database.connection() as connection:
                with asking(database.where):
                    found: int = await connection.fetchval("SELECT found FROM only_here")
                    return found

        assert await read_from_copy(postgres_url, other, settings, read) == 5
        assert await read_from_copy(postgres_url, None, settings, read) == 5

    asyncio.run(main())
