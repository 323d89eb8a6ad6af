"""Connections that are lent: no more than there may be, each whole, and nobody waits who need not."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest
from msgspec.structs import replace

from roottrading.adapters.store.port import Unreachable
from roottrading.adapters.store.postgres.database import Database
from roottrading.domain.time import SECOND
from roottrading.operations.local_servers import PostgresServer
from tests.integration.store.samples import SETTINGS

TWO = replace(SETTINGS, connections=2, connect_timeout=SECOND // 2)
PROCESS = "SELECT pg_backend_pid()"


async def process(database: Database) -> int:
    async with database.connection() as connection:
        found: int = await connection.fetchval(PROCESS)
    return found


def test_no_more_are_made_than_there_may_be_and_whoever_waits_gets_one(postgres_url: str) -> None:
    async def main() -> None:
        async with await Database.open(postgres_url, TWO) as database:

            async def work() -> int:
                async with database.connection() as connection:
                    assert database.in_use <= 2
                    await connection.execute("SELECT pg_sleep(0.01)")
                    found: int = await connection.fetchval(PROCESS)
                    return found

            assert len(set(await asyncio.gather(*[work() for _ in range(20)]))) == 2
            assert database.in_use == 0

    asyncio.run(main())


@pytest.mark.parametrize("first_back", ["oldest", "newest"])
def test_the_oldest_that_is_there_is_lent_whichever_came_back_first(postgres_url: str, first_back: str) -> None:
    async def main() -> None:
        one, other = AsyncExitStack(), AsyncExitStack()
        async with await Database.open(postgres_url, TWO) as database, one, other:
            oldest = await (await one.enter_async_context(database.connection())).fetchval(PROCESS)
            newest = await (await other.enter_async_context(database.connection())).fetchval(PROCESS)
            assert oldest != newest
            for lent in (one, other) if first_back == "oldest" else (other, one):
                await lent.aclose()
            assert [await process(database) for _ in range(3)] == [oldest] * 3

    asyncio.run(main())


def test_who_waits_too_long_is_told_and_takes_nobodys_turn(postgres_url: str) -> None:
    async def main() -> None:
        async with await Database.open(postgres_url, TWO) as database:
            async with database.connection():
                async with database.connection():
                    with pytest.raises(Unreachable):
                        await process(database)
                    waiting = asyncio.create_task(process(database))
                    await asyncio.sleep(0)
                    waiting.cancel()
                    after = asyncio.create_task(process(database))
                    await asyncio.sleep(0)
                assert await after > 0
            assert database.in_use == 0

    asyncio.run(main())


def test_a_refusal_leaves_a_connection_whole_and_a_cut_ends_it(postgres_url: str) -> None:
    async def main() -> None:
        async with await Database.open(postgres_url, TWO) as database:
            first = await process(database)
            with pytest.raises(asyncpg.PostgresError):
                async with database.connection() as connection:
                    await connection.execute("SELECT 1 / 0")
            assert await process(database) == first
            task = asyncio.create_task(_sleep(database))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert database.in_use == 0
            second = await process(database)
            assert second != first, "nobody knows what a statement left that was cut"
            async with database.connection() as connection:
                await connection.execute("BEGIN")
                with pytest.raises(asyncpg.PostgresError):
                    await connection.execute("SELECT 1 / 0")
                await connection.execute("ROLLBACK")
            async with await Database.open(postgres_url, TWO) as killer, killer.connection() as connection:
                await connection.execute("SELECT pg_terminate_backend($1)", second)
            await asyncio.sleep(0.1)
            assert await process(database) != second, "a connection that the server ended is not lent"

    asyncio.run(main())


async def _sleep(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("SELECT pg_sleep(30)")


def test_rousing_writes_to_the_log_of_changes_and_to_no_table(postgres_url: str) -> None:
    async def main() -> None:
        async with await Database.open(postgres_url, TWO) as database:
            before = await process(database)
            async with database.connection() as connection:
                begun = await connection.fetchval("SELECT pg_current_wal_flush_lsn()::text")
            await database.rouse()
            async with database.connection() as connection:
                flushed = await connection.fetchval("SELECT pg_current_wal_flush_lsn() > $1::text::pg_lsn", begun)
                written = await connection.fetchval("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            assert flushed
            assert not written
            assert await process(database) == before, "the connection that the next commit will take"

    asyncio.run(main())


def test_a_database_that_is_gone_cannot_be_roused(own_postgres: PostgresServer) -> None:
    async def main() -> None:
        async with await Database.open(own_postgres.url, TWO) as database:
            own_postgres.kill()
            with pytest.raises(Unreachable):
                await database.rouse()

    asyncio.run(main())
