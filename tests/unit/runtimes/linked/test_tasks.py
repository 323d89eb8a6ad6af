"""Whoever ends first ends all, and what went wrong is never lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from roottrading.runtimes.linked.tasks import side_by_side, unless_stopped


class Log:
    """What parts did."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def forever(self) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            self.said.append("ended")

    async def fail(self) -> None:
        raise ValueError("broken")

    async def at_once(self) -> None:
        self.said.append("done")


def run(work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(5):
            return await work

    return asyncio.run(bounded())


def test_a_part_that_ends_ends_the_others() -> None:
    log = Log()
    run(side_by_side(asyncio.Event(), log.forever(), log.at_once(), log.forever()))
    assert sorted(log.said) == ["done", "ended", "ended"]


def test_what_a_part_raises_is_raised_when_all_have_ended() -> None:
    log = Log()
    with pytest.raises(ValueError, match="broken"):
        run(side_by_side(asyncio.Event(), log.forever(), log.fail()))
    assert log.said == ["ended"]


def test_a_person_ends_all() -> None:
    log, stop = Log(), asyncio.Event()
    stop.set()
    run(side_by_side(stop, log.forever()))
    assert run(unless_stopped(stop, log.forever())) is None


def test_work_that_is_done_is_given_and_what_it_raises_is_raised() -> None:
    async def answer() -> int:
        return 42

    assert run(unless_stopped(asyncio.Event(), answer())) == 42
    with pytest.raises(ValueError, match="broken"):
        run(unless_stopped(asyncio.Event(), Log().fail()))
