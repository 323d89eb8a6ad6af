"""Shards are spread evenly over the instances that are there, each held by one at a time, none by nobody for long."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.shard_locks import ShardLocks

SHARDS: Final = 48
SETTINGS = PostgresSettings(leader_silence=10_000_000)


class Instance:
    """One instance, and what it has been told."""

    def __init__(self, url: str, service: str = "analyzer", shards: Sequence[int] = range(SHARDS), of: int = 1) -> None:
        self.locks = ShardLocks(url, SETTINGS, service)
        self.shards = shards
        self.members = of
        self.known: set[int] = set()  # by what it was told
        self.lost: set[int] = set()
        self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for shift in self.locks.shifts(self.shards, self.members):
            self.known |= set(shift.taken)
            if shift.leaving:
                await asyncio.sleep(0.05)  # what it takes to finish them
            self.known -= {*shift.leaving, *shift.lost}
            self.lost |= set(shift.lost)

    async def end(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.locks.close()


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


def test_who_is_told_how_many_they_will_be_takes_nothing_before(postgres_url: str) -> None:
    async def main() -> None:
        shards = (7, 14, 28)
        first, second = (Instance(postgres_url, shards=shards, of=3) for _ in range(2))
        await asyncio.sleep(0.7)  # two looks
        assert not first.known
        assert not second.known
        assert not first.locks.is_settled
        third = Instance(postgres_url, shards=shards, of=3)
        await until([first, second, third], lambda held: held == [1, 1, 1])
        assert first.known | second.known | third.known == set(shards)
        assert all(each.locks.is_settled for each in (first, second, third))
        await third.end()
        await asyncio.sleep(0.7)
        assert [len(first.known), len(second.known)] == [1, 1]  # it will come again
        for each in (first, second):
            await each.end()

    asyncio.run(main())


def test_more_instances_than_shards_stand_by(postgres_url: str) -> None:
    async def main() -> None:
        instances = [Instance(postgres_url, shards=(3, 5)) for _ in range(3)]
        await until(instances, lambda held: held == [0, 1, 1])
        async with asyncio.timeout(5):
            while not all(each.locks.is_settled for each in instances):
                await asyncio.sleep(0.01)
        busy, idle = sorted(instances, key=lambda each: -len(each.known))[0::2]
        await busy.end()
        await until([each for each in instances if each is not busy], lambda held: held == [1, 1])
        assert len(idle.known) == 1
        for each in instances:
            await each.end()

    asyncio.run(main())


def test_who_listens_anew_holds_what_it_held(postgres_url: str) -> None:
    async def main() -> None:
        first, second = Instance(postgres_url), Instance(postgres_url)
        await until([first, second], lambda held: held == [24, 24])
        before = set(first.known)
        first.running.cancel()
        await asyncio.gather(first.running, return_exceptions=True)
        first.known.clear()
        await asyncio.sleep(0.7)  # two looks of the other
        assert len(second.known) == 24
        first.shards = sorted({*range(SHARDS), 100} - {min(before)})  # there is less to do, and more
        again = asyncio.create_task(first._run())
        await until([first, second], lambda held: held == [24, 24])
        assert first.known == before - {min(before)} | {100}
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
        for each in (first, second):
            await each.end()

    asyncio.run(main())
