"""Requests for capital and coins are answered once, by who owns the judging unit; and how far other units have come."""

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.adapters.store.port import AdjustmentAnswered, Commit, Fenced
from roottrading.adapters.store.postgres.control import poll_control, post_control, unanswered
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.progress import Progress, progress_of
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.messages.service import AccountAdjusted, ControlChanged
from tests.integration.store.samples import SETTINGS, TRADER, step

MORE = AccountAdjusted(0, "capital", "", Decimal("12.50"), None, 0)
COINS = AccountAdjusted(0, "adopt", "LTCUSDT", Decimal(3), Decimal(250), 0)
HALT = ControlChanged(0, "state", "halted", "", "", "anna", "news")


def test_the_first_answer_counts_and_only_who_owns_the_unit_gives_one(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            for command in (MORE, HALT, COINS):
                await post_control(database, command)
            assert await unanswered(database) == (replace(MORE, number=1), replace(COINS, number=3))
            units = PostgresUnits(database, TRADER)
            former, heir = units.unit("portfolio/0"), units.unit("portfolio/0")
            await former.load()
            await heir.load()
            yes = AdjustmentAnswered(0, 3, replace(COINS, number=3, effective_at=7))
            with pytest.raises(Fenced, match="another process has taken portfolio/0 over"):
                await former.answer(yes)
            assert len(await poll_control(database, 3)) == 0
            await heir.answer(yes)
            await heir.answer(replace(yes, refused="too late"))
            assert await poll_control(database, 3) == (replace(yes, number=4),)
            assert await unanswered(database) == (replace(MORE, number=1),)
            await heir.commit(Commit(control=4))  # an answer does not raise the fence
            await heir.answer(AdjustmentAnswered(0, 1, MORE, "no"))
            assert await unanswered(database) == ()
            (refused,) = await poll_control(database, 4)
            assert isinstance(refused, AdjustmentAnswered)
            assert (refused.number, refused.request, refused.refused) == (5, 1, "no")

    asyncio.run(main())


def test_how_far_units_have_come(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            units = PostgresUnits(database, TRADER)
            for shard, last in ((0, 3), (4, 2)):
                unit = units.unit(f"trader/{shard}")
                await unit.load()
                for number in range(1, last + 1):
                    await unit.commit(replace(step(number, shard), control=number))
            found = await progress_of(database, "trader", {0, 4})
            assert found == Progress({"trade.events/S0": 3, "trade.events/S4": 2}, 2)
            assert await progress_of(database, "trader", {0}) == Progress({"trade.events/S0": 3}, 3)
            assert (await progress_of(database, "trader", {0, 5})).taken == 0  # that one never was

    asyncio.run(main())
