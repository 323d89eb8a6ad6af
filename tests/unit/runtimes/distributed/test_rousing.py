"""Who is needed next is roused: while it is idle, not too often, and at nobody's cost where that fails."""

import asyncio
from collections.abc import Callable

import pytest

from roottrading.adapters.bus.memory import MemoryPubSub
from roottrading.adapters.store.port import Unreachable
from roottrading.messages.channels import MARKET
from roottrading.pipeline import ROLES, Role
from roottrading.runtimes.distributed.rousing import Rousing
from roottrading.runtimes.distributed.sharding import ROLE
from tests.contract.bus_carriers import going, said


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():
            await asyncio.sleep(0.005)


def test_something_said_rouses_whoever_is_idle_once_for_a_while() -> None:
    async def main() -> None:
        roused, idle = 0, True

        async def rouse() -> None:
            nonlocal roused
            roused += 1

        pubsub = MemoryPubSub()
        rousing = Rousing(rouse, lambda: idle)
        async with going(rousing.run(pubsub, [MARKET])):
            await asyncio.sleep(0)
            await pubsub.publish([said(MARKET, "AUSDT/1m", number) for number in range(1, 10)])
            await until(lambda: roused == 1)
            await asyncio.sleep(0.03)
            assert roused == 1, "nine messages at once are one sign"
            idle = False
            await pubsub.publish([said(MARKET, "AUSDT/1m", 10)])
            await asyncio.sleep(0.03)
            assert roused == 1, "whoever works is awake"
            idle = True
            await pubsub.publish([said(MARKET, "AUSDT/1m", 11)])
            await until(lambda: roused == 2)

    asyncio.run(main())


def test_who_does_not_wake_is_not_roused_again_meanwhile() -> None:
    async def main() -> None:
        begun, awake = 0, asyncio.Event()

        async def rouse() -> None:
            nonlocal begun
            begun += 1
            await awake.wait()

        pubsub = MemoryPubSub()
        async with going(Rousing(rouse, lambda: True).run(pubsub, [MARKET])):
            for number in range(1, 4):
                await asyncio.sleep(0.03)
                await pubsub.publish([said(MARKET, "AUSDT/1m", number)])
            await until(lambda: begun == 1)
            await asyncio.sleep(0.03)
            assert begun == 1
            awake.set()
            await asyncio.sleep(0.03)
            await pubsub.publish([said(MARKET, "AUSDT/1m", 4)])
            await until(lambda: begun == 2)

    asyncio.run(main())


def test_a_database_that_cannot_be_roused_is_nobodys_fault() -> None:
    async def main() -> None:
        tried = 0

        async def rouse() -> None:
            nonlocal tried
            tried += 1
            raise Unreachable("asleep for good")

        pubsub = MemoryPubSub()
        async with going(Rousing(rouse, lambda: True).run(pubsub, [MARKET])) as running:
            for number in (1, 2):
                await asyncio.sleep(0.03)
                await pubsub.publish([said(MARKET, "AUSDT/1m", number)])
                await until(lambda: tried == number)  # noqa: B023 (it is awaited here)
            assert not running.done()

    asyncio.run(main())


@pytest.mark.parametrize("name", ["signal_aggregator", "coordinator", "trader"])
def test_the_sign_is_what_the_author_of_the_input_hears(name: str) -> None:
    role = ROLE[name]
    authors = [each for each in ROLES if live(role) & {channel.name for channel in each.produces} and each is not role]
    assert {channel.name for channel in role.forewarned} == frozenset[str]().union(*map(live, authors))
    assert role.forewarned


def live(role: Role) -> frozenset[str]:
    """Return what a service hears on Redis."""
    return frozenset(each.name for each in role.consumes if each.carrier == "redis") | {
        each.name for each in role.early
    }
