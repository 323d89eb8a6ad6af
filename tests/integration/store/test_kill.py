"""kill -9 of PostgreSQL in the middle of commits: what was acknowledged stands, and everybody goes on."""

import asyncio

from roottrading.adapters.store.port import CommitUnknown, StoreError, Unreachable
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.operations.local_servers import PostgresServer
from tests.integration.store.samples import SETTINGS, TRADER, step

UNITS = 4


class Worker:
    """A unit that commits step after step; thrown away and loaded again where an outcome is unknown."""

    def __init__(self, database: Database, shard: int) -> None:
        self.unit = PostgresUnits(database, TRADER).unit(f"trader/{shard}")
        self.shard = shard
        self.acknowledged = 0
        self.interrupted = 0

    async def run(self, until: int) -> None:
        number = await self.load()
        while number < until:
            try:
                await self.unit.commit(step(number + 1, self.shard))
                number += 1
                self.acknowledged = number
            except Unreachable:
                self.interrupted += 1
                await asyncio.sleep(0.02)
            except CommitUnknown:
                self.interrupted += 1
                stood = await self.load()
                assert stood in {number, number + 1}
                number = stood

    async def load(self) -> int:
        while True:
            try:
                loaded = await self.unit.load()
            except Unreachable:
                await asyncio.sleep(0.02)
                continue
            numbers = [entry.envelope.sequence for entry in loaded.outbox]
            assert numbers == list(range(1, loaded.outbox_number + 1))
            assert loaded.outbox_number >= self.acknowledged
            if numbers:
                sent = loaded.units[f"trader/{self.shard}"].sent
                assert sent == {f"trade.events/S{self.shard}": numbers[-1]}
            return loaded.outbox_number


def test_what_was_acknowledged_stands(own_postgres: PostgresServer) -> None:
    async def main() -> None:
        await upgrade(own_postgres.url, SETTINGS)
        async with await Database.open(own_postgres.url, SETTINGS) as database:
            workers = [Worker(database, shard) for shard in range(UNITS)]
            running = [asyncio.create_task(worker.run(120)) for worker in workers]
            while min(worker.acknowledged for worker in workers) < 30:
                await asyncio.sleep(0.005)
            await asyncio.to_thread(own_postgres.kill)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(own_postgres.start)
            await asyncio.wait_for(asyncio.gather(*running), 60)
            for worker in workers:
                assert worker.interrupted > 0
                assert await worker.load() == 120

    asyncio.run(main())


def test_who_comes_while_it_is_away_is_told_so(own_postgres: PostgresServer) -> None:
    async def main() -> str:
        assert own_postgres.socket_url is not None
        async with await Database.open(own_postgres.socket_url, SETTINGS) as database:
            assert database.where == "postgresql://roottrading@/roottrading"
        own_postgres.kill()
        try:
            await Database.open(own_postgres.url, SETTINGS)
        except StoreError as error:
            return f"{type(error).__name__}: {error}"
        return "let in"

    said = asyncio.run(main())
    assert said.startswith(f"Unreachable: {own_postgres.url} cannot be reached: ")
