"""Units that decide for long take turns, and the loop goes on between them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from roottrading.runtimes.distributed.unit.turns import HELD, Turns

STEPS = 6


class Passes:
    """Counts the passes of the loop, and lets a test fail that waits for ever."""

    def __init__(self) -> None:
        self.count = 0

    def begin(self) -> None:
        self.count += 1
        asyncio.get_running_loop().call_soon(self.begin)


def played(test: Callable[[Turns, Passes, list[str]], Coroutine[Any, Any, None]]) -> list[str]:
    decided: list[str] = []

    async def whole() -> None:
        passes = Passes()
        passes.begin()
        async with asyncio.timeout(5):
            await test(Turns(), passes, decided)

    asyncio.run(whole())
    return decided


async def decide(turns: Turns, name: str, decided: list[str], took: int, steps: int = STEPS) -> None:
    for _ in range(steps):
        await turns.mine()
        decided.append(name)
        turns.spent(took)


def test_nobody_waits_while_little_is_decided() -> None:
    async def test(turns: Turns, passes: Passes, decided: list[str]) -> None:
        before = passes.count
        await decide(turns, "a", decided, HELD // STEPS - 1)
        assert passes.count == before

    assert played(test) == ["a"] * STEPS


def test_long_decisions_alternate_and_the_loop_goes_on_between_any_two() -> None:
    async def test(turns: Turns, passes: Passes, decided: list[str]) -> None:
        before = passes.count
        await asyncio.gather(*[decide(turns, name, decided, HELD) for name in "abc"])
        assert passes.count - before >= 3 * STEPS - 1

    assert "".join(played(test)) == "a" + "abc" * 5 + "bc"


def test_whoever_has_its_turn_decides_all_that_fits_into_it() -> None:
    async def test(turns: Turns, passes: Passes, decided: list[str]) -> None:
        await asyncio.gather(*[decide(turns, name, decided, HELD // 2) for name in "ab"])

    assert "".join(played(test)) == "aa" + "aabb" + "aabb" + "bb"


@pytest.mark.parametrize("early", [True, False])
def test_whoever_ends_while_it_waits_keeps_nobody_else(early: bool) -> None:
    async def test(turns: Turns, passes: Passes, decided: list[str]) -> None:
        leaving = asyncio.create_task(decide(turns, "a", decided, HELD))
        staying = asyncio.create_task(decide(turns, "b", decided, HELD))
        loop = asyncio.get_running_loop()
        if early:
            loop.call_soon(leaving.cancel)  # else when it was given its turn
        turns.spent(HELD)
        loop.call_soon(leaving.cancel)
        await staying
        with suppress(asyncio.CancelledError):
            await leaving

    assert played(test) == ["b"] * STEPS


def test_a_turn_that_is_not_used_goes_by() -> None:
    async def test(turns: Turns, passes: Passes, decided: list[str]) -> None:
        async def idle() -> None:
            await turns.mine()

        turns.spent(HELD)
        await asyncio.gather(idle(), decide(turns, "b", decided, HELD), idle())

    assert played(test) == ["b"] * STEPS
