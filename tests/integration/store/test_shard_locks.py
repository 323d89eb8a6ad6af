"""Shards are spread evenly over the instances that are there, each held by one at a time, none by nobody for long."""

import asyncio
from collections.abc import Callable
from typing import Final

from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.shard_locks import ShardLocks

SHARDS: Final = 48
SETTINGS = PostgresSettings(leader_silence=10_000_000)


class Instance:
    """One instance, and what it has been told."""

    def __init__(self, url: str, service: str = "analyzer") -> None:
        self.locks = ShardLocks(url, SETTINGS, service)
        self.known: set[int] = set()  # by what it was told
        self.lost: set[int] = set()
        self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for shift in self.locks.shifts(range(SHARDS)):
            self.known |= set(shift.taken)
            if shift.leaving:
                await asyncio.sleep(0.05)  # what it takes to finish them
            self.known -= {*shift.leaving, *shift.lost}
            self.lost |= set(shift.lost)

    async def end(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


async def until(instances: list[Instance], held: Callable[[list[int]], bool]) -> None:
    """Wait until the counts are as wanted; at no moment may two know of the same shard."""
    async with asyncio.timeout(20):
        while True:
            together = [shard for each in instances for shard in each.known]
            assert len(together) == len(set(together))
            if held(sorted(len(each.known) for each in instances)):
                return
            await asyncio.sleep(0.01)


def test_they_are_spread_evenly_as_instances_come_and_go(postgres_url: str) -> None:
    async def main() -> None:
        first = Instance(postgres_url)
        await until([first], lambda held: held == [48])
        second, third = Instance(postgres_url), Instance(postgres_url)
        stranger = Instance(postgres_url, "signal_aggregator")
        await until([first, second, third], lambda held: held == [16, 16, 16])
        assert first.known | second.known | third.known == set(range(SHARDS))
        await until([stranger], lambda held: held == [48])
        more = [Instance(postgres_url) for _ in range(2)]
        await until([first, second, third, *more], lambda held: held == [9, 9, 10, 10, 10])
        for each in (first, *more):
            await each.end()
        await until([second, third], lambda held: held == [24, 24])
        for each in (second, third, stranger):
            await each.end()

    asyncio.run(main())


def test_an_instance_whose_session_ended_is_told_and_comes_again(postgres_url: str) -> None:
    async def main() -> None:
        first, second = Instance(postgres_url), Instance(postgres_url)
        await until([first, second], lambda held: held == [24, 24])
        before = set(first.known)
        await first.locks._session.ask("SELECT pg_notify('x', '')")  # it has a session
        connection = first.locks._session._connection
        assert connection is not None
        connection.terminate()
        async with asyncio.timeout(10):
            while first.lost != before:
                await asyncio.sleep(0.01)
        await until([first, second], lambda held: held == [24, 24])
        for each in (first, second):
            await each.end()

    asyncio.run(main())
