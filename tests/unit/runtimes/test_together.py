"""Works that live and end together, of which some come later and some are ended before the others."""

import asyncio

import pytest

from roottrading.runtimes.together import Together, first_of, unless_stopped


class Work:
    """Runs until told how to end."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.error: Exception | None = None
        self.cancelled = False

    async def run(self) -> None:
        try:
            await self.told.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error is not None:
            raise self.error

    def end(self, error: Exception | None = None) -> None:
        self.error = error
        self.told.set()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_first_that_ends_ends_all() -> None:
    async def play() -> None:
        first, second = Work(), Work()
        running = asyncio.create_task(first_of(first.run(), second.run()))
        await turns()
        assert not running.done()
        first.end()
        await running
        assert second.cancelled

    asyncio.run(play())


def test_one_that_came_later_counts_as_well() -> None:
    async def play() -> None:
        together, first, later = Together(), Work(), Work()
        together.begin(first.run())
        running = asyncio.create_task(together.run())
        await turns()
        together.begin(later.run())
        await turns()
        later.end(ValueError("broken"))
        with pytest.raises(ValueError, match="broken"):
            await running
        assert first.cancelled

    asyncio.run(play())


def test_one_that_is_ended_ends_nobody_else() -> None:
    async def play() -> None:
        together, first, left = Together(), Work(), Work()
        together.begin(first.run())
        leaving = together.begin(left.run())
        running = asyncio.create_task(together.run())
        await turns()
        await together.end(leaving)
        await turns()
        assert left.cancelled
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])
        assert first.cancelled

    asyncio.run(play())


def test_what_one_raised_before_it_was_ended_is_not_swallowed() -> None:
    async def play() -> None:
        together, broken = Together(), Work()
        leaving = together.begin(broken.run())
        broken.end(ValueError("broken"))
        await turns()
        with pytest.raises(ValueError, match="broken"):
            await together.end(leaving)

    asyncio.run(play())


def test_work_is_done_unless_it_is_stopped_before() -> None:
    async def answer() -> int:
        return 42

    stop, broken, endless = asyncio.Event(), Work(), Work()

    async def never() -> int:
        await endless.run()
        return 1

    async def play() -> None:
        assert await unless_stopped(stop, answer()) == 42
        broken.end(ValueError("broken"))
        with pytest.raises(ValueError, match="broken"):
            await unless_stopped(stop, broken.run())
        stop.set()
        assert await unless_stopped(stop, never()) is None
        assert endless.cancelled

    asyncio.run(play())
