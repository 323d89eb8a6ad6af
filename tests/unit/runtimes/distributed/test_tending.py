"""A database is tended at once and each day, and a fault of it ends nothing."""

import asyncio

import pytest

from roottrading.adapters.store.port import Unreachable
from roottrading.adapters.store.postgres.maintenance import Maintained
from roottrading.domain.time import Time
from roottrading.runtimes.distributed.tending import keep_tended


def test_a_fault_is_said_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    asked: list[Time] = []

    async def tend(at: Time) -> Maintained:
        asked.append(at)
        if len(asked) == 1:
            raise Unreachable("nobody is there")
        return Maintained(((2024, 1),), (), 7, busy=len(asked) == 3)

    async def play() -> None:
        tending = asyncio.create_task(keep_tended(tend, lambda: 100 + len(asked), every=0.001, again=0.001))
        async with asyncio.timeout(10):
            while len(asked) < 4:
                await asyncio.sleep(0.001)
        tending.cancel()
        await asyncio.wait([tending])

    asyncio.run(play())
    assert asked[:4] == [100, 101, 102, 103]
    assert caplog.messages[:3] == [
        "the database was not tended: nobody is there; it is tried again in 0.001 s",
        "the database is tended: 1 months of candles made, 0 dropped, 7 messages forgotten",
        "the database is tended: 1 months of candles made, 0 dropped, 7 messages forgotten",
    ]
