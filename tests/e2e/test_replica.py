"""A copy of the database that follows it: who only looks reads there, and from the database when it is gone."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.adapters.store.postgres.reading import read_from_copy, seconds_behind
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import POSTGRES_REPLICA_URL, POSTGRES_URL
from roottrading.operations.local_servers import PostgresServer, finding
from roottrading.operations.local_servers.accounts import own_folder, unprivileged
from roottrading.operations.local_servers.commands import run
from tests.e2e.conftest import Runner


@pytest.fixture
def following(own_postgres: PostgresServer, server_folder: Path) -> Iterator[PostgresServer]:
    """A streaming copy of this test's PostgreSQL."""
    program = finding.postgres() / "pg_basebackup"
    if not program.exists():
        pytest.skip(f"no {program}: this PostgreSQL came without what copies it")
    folder, account = server_folder / "copy", unprivileged()
    home = own_folder(folder / "home", account)
    where = ("--host", "127.0.0.1", "--port", str(own_postgres.port), "--username", "roottrading")
    how = ("--pgdata", home / "data", "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast")
    run([program, *where, *how, "--no-sync"], 60, folder=home, account=account)
    server = PostgresServer(folder, durable=False)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.wipe()


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
