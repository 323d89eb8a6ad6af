"""An instance's shards: taken as they come, finished before they are given up, and never both."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from random import Random

import pytest

from roottrading.adapters.store.postgres.shard_locks import Shift
from roottrading.runtimes.distributed.holding import Holding, LostShards


class Instance:
    """Takes and leaves as slowly as it is told; shifts are put in, and those that are done with come out."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[Shift] = asyncio.Queue()
        self.served: set[int] = set()
        self.given_up: list[int] = []  # whose lock is another's from now on
        self.loading: set[int] = set()
        self.may_load = asyncio.Event()
        self.may_load.set()
        self.holding = Holding(self._shifts(), self._take, self._leave)

    async def _shifts(self) -> AsyncGenerator[Shift, None]:
        while True:
            shift = await self.coming.get()
            yield shift
            assert not self.served & set(shift.leaving)
            assert not self.loading & set(shift.leaving)
            self.given_up += shift.leaving

    async def _take(self, shards: Sequence[int]) -> None:
        self.loading = set(shards)
        try:
            await self.may_load.wait()
            await asyncio.sleep(0)
        finally:
            self.loading = set()
        assert not self.served & set(shards)
        self.served |= set(shards)

    async def _leave(self, shards: Sequence[int]) -> None:
        await asyncio.sleep(0)
        self.served -= set(shards)

    async def rest(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


def test_what_comes_is_taken_and_what_goes_is_left_before_it_is_given_up() -> None:
    async def play() -> None:
        instance = Instance()
        running = asyncio.create_task(instance.holding.run())
        assert instance.holding.is_idle
        instance.coming.put_nowait(Shift(taken=(1, 2, 3)))
        await instance.rest()
        assert instance.served == {1, 2, 3}
        assert instance.holding.is_idle
        instance.coming.put_nowait(Shift(leaving=(3,)))
        await instance.rest()
        assert (instance.served, instance.given_up) == ({1, 2}, [3])
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(play())


def test_a_load_that_waits_keeps_nobody_from_a_shard_that_is_given_up() -> None:
    async def play() -> None:
        instance = Instance()
        instance.may_load.clear()
        running = asyncio.create_task(instance.holding.run())
        instance.coming.put_nowait(Shift(taken=(1, 2)))
        await instance.rest()
        assert instance.loading == {1, 2}
        assert not instance.holding.is_idle
        instance.coming.put_nowait(Shift(leaving=(2,)))
        await instance.rest()
        assert instance.given_up == [2]
        assert instance.loading == {1}
        instance.may_load.set()
        await instance.rest()
        assert instance.served == {1}
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(play())


def test_who_finishes_takes_nothing_any_more() -> None:
    async def play() -> None:
        instance = Instance()
        running = asyncio.create_task(instance.holding.run())
        instance.coming.put_nowait(Shift(taken=(1,)))
        await instance.rest()
        instance.may_load.clear()
        instance.coming.put_nowait(Shift(taken=(2,)))  # of another that ends as well
        await instance.rest()
        instance.holding.finish()
        instance.may_load.set()
        instance.coming.put_nowait(Shift(taken=(3,)))
        await instance.rest()
        assert instance.served == {1}
        instance.coming.put_nowait(Shift(leaving=(1, 3)))
        await instance.rest()
        assert (instance.served, instance.given_up) == (set(), [1, 3])
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(play())


def test_who_lost_its_shards_ends() -> None:
    async def play() -> None:
        instance = Instance()
        instance.coming.put_nowait(Shift(taken=(1,)))
        instance.coming.put_nowait(Shift(lost=(1,)))
        with pytest.raises(LostShards):
            await instance.holding.run()

    asyncio.run(play())


def test_what_a_load_raises_ends_it() -> None:
    async def play() -> None:
        instance = Instance()
        instance.served = {1}  # so that it is taken twice
        instance.coming.put_nowait(Shift(taken=(1,)))
        with pytest.raises(AssertionError):
            await instance.holding.run()

    asyncio.run(play())


def test_whatever_the_order_of_shifts_it_serves_what_it_holds() -> None:
    async def play(seed: int) -> None:
        dice, instance = Random(seed), Instance()
        running = asyncio.create_task(instance.holding.run())
        held: set[int] = set()
        for _ in range(40):
            if held and dice.random() < 0.5:
                leaving = dice.sample(sorted(held), dice.randrange(1, len(held) + 1))
                held -= set(leaving)
                instance.coming.put_nowait(Shift(leaving=tuple(leaving)))
            elif free := sorted(set(range(8)) - held):
                taken = dice.sample(free, dice.randrange(1, len(free) + 1))
                held |= set(taken)
                instance.coming.put_nowait(Shift(taken=tuple(taken)))
            if dice.random() < 0.3:
                (instance.may_load.clear if instance.may_load.is_set() else instance.may_load.set)()
            for _ in range(dice.randrange(6)):
                await asyncio.sleep(0)
            assert not running.done()
        instance.may_load.set()
        async with asyncio.timeout(10):
            while not (instance.holding.is_idle and instance.coming.empty()):
                await asyncio.sleep(0)
        await instance.rest()
        assert instance.served == held
        running.cancel()
        await asyncio.wait([running])

    for seed in range(100):
        asyncio.run(play(seed))
