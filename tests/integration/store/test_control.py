import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.adapters.store.port import StoreError, WrongIdentity
from roottrading.adapters.store.postgres.configuration import Configured, configuration, configure
from roottrading.adapters.store.postgres.control import control_woken, poll_control, post_control
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.identity import claim
from roottrading.messages.service import AccountAdjusted, ControlChanged
from tests.integration.cutting import wire_to
from tests.integration.store.samples import SETTINGS
from tests.integration.store.test_units import opened, port_of

HALT = ControlChanged(0, "state", "halted", "", "", "anna", "news")
MORE = AccountAdjusted(0, "capital", "", Decimal("12.50"), None, 7)


def test_whoever_reads_while_many_post_passes_nothing_over(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            posting = asyncio.gather(*[post_control(database, HALT if n % 2 else MORE) for n in range(40)])
            read: list[int] = []
            while len(read) < 40:
                read += [control.number for control in await poll_control(database, len(read))]
            assert read == list(range(1, 41))
            assert sorted(await posting) == read
            (last,) = await poll_control(database, 39)
            assert last in {replace(HALT, number=40), replace(MORE, number=40)}

    asyncio.run(main())


def test_the_state_that_was_asked_for_last_can_be_kept(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            pause = ControlChanged(0, "pause", "halted", "BTCUSDT", "", "anna", "")
            await post_control(database, pause, keep_state=True)
            await post_control(database, HALT)
            await post_control(database, MORE)
            await post_control(database, ControlChanged(0, "pause", "trading", "X", "", "anna", ""), keep_state=True)
            found = await poll_control(database, 0)
            assert [control.state for control in found if isinstance(control, ControlChanged)] == [
                "trading",
                "halted",
                "halted",
            ]

    asyncio.run(main())


def test_who_waits_is_woken_by_a_command_also_after_a_cut(store_url: str) -> None:
    async def main() -> None:
        async with (
            wire_to(port_of(store_url)) as (wire, port),
            await opened(store_url, port) as listening,
            await Database.open(store_url, SETTINGS) as posting,
        ):
            waking = control_woken(listening)
            await anext(waking)
            coming = asyncio.ensure_future(anext(waking))
            await asyncio.sleep(0.05)
            await post_control(posting, HALT)
            await asyncio.wait_for(coming, 5)
            wire.trouble = "nobody is let in"
            wire.cut()
            await post_control(posting, MORE)
            for _ in range(2):  # the cut wakes as well, and patience ends
                await asyncio.wait_for(anext(waking), 10)
            wire.trouble = ""
            await asyncio.wait_for(anext(waking), 10)
            assert [control.number for control in await poll_control(listening, 0)] == [1, 2]
            await waking.aclose()

    asyncio.run(main())


def test_configuration_is_numbered_and_kept_whole(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            first = [Configured(0, "symbol", name, "{}", 5, "anna") for name in ("BTCUSDT", "ETHUSDT")]
            assert await configure(database, first) == 2
            gone = Configured(0, "symbol", "BTCUSDT", None, 9, "bob")
            assert await configure(database, [gone]) == 3
            found = await configuration(database)
            assert [(each.number, each.name, each.value) for each in found] == [
                (1, "BTCUSDT", "{}"),
                (2, "ETHUSDT", "{}"),
                (3, "BTCUSDT", None),
            ]
            assert await configuration(database, 2) == (Configured(3, "symbol", "BTCUSDT", None, 9, "bob"),)

    asyncio.run(main())


def test_a_database_is_one_deployments(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            await asyncio.gather(*[claim(database, {"deployment": "sim", "quote_asset": "USDT"}) for _ in range(4)])
            with pytest.raises(WrongIdentity, match="deployment is sim there and b here") as refused:
                await claim(database, {"deployment": "b", "quote_asset": "USDT"})
            assert str(refused.value).startswith(f"{store_url} belongs to another deployment: ")
            await claim(database, {"deployment": "sim", "quote_asset": "USDT"})

    asyncio.run(main())


def test_a_database_that_was_not_upgraded_is_not_begun_with(postgres_url: str) -> None:
    async def main() -> None:
        async with await Database.open(postgres_url, SETTINGS) as database:
            with pytest.raises(StoreError, match="is at revision none, 0004 is needed: `roottrading db upgrade`"):
                await claim(database, {"deployment": "sim"})

    asyncio.run(main())
