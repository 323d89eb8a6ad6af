import asyncio
from decimal import Decimal
from uuid import UUID

import pytest

from roottrading.adapters.store.account_rows import TABLES as ACCOUNT_TABLES
from roottrading.adapters.store.port import (
    Commit,
    CommitUnknown,
    ControlWaiting,
    Fenced,
    StoreError,
    UnitState,
    Unreachable,
)
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.control import post_control
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.domain.order import Order
from roottrading.messages.service import ControlChanged, Row
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.services.trader.state import SymbolLedger
from tests.integration.cutting import wire_to
from tests.integration.store.samples import SETTINGS, STREAM, TRADER, row, step

EVERY_TABLE = (*ALL_TABLES, *ACCOUNT_TABLES)


def through(url: str, port: int) -> str:
    """Return the address by way of another port."""
    head, _, tail = url.rpartition("@")
    return f"{head}@127.0.0.1:{port}/{tail.rpartition('/')[2]}"


async def opened(url: str, port: int) -> Database:
    return await Database.open(through(url, port), SETTINGS)


def port_of(url: str) -> int:
    return int(url.rpartition("@")[2].partition("/")[0].rpartition(":")[2])


def test_records_of_every_table_come_back_the_very_same(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, EVERY_TABLE).unit("any/0")
            await unit.load()
            await unit.commit(Commit([row(table, number) for table in EVERY_TABLE for number in (1, 2)]))
            await unit.commit(Commit([row(table, number) for number in (1, 3) for table in EVERY_TABLE]))
            await unit.commit(Commit([Row(table.name, row(table, 2).key, None) for table in EVERY_TABLE]))
            state = (await PostgresUnits(database, EVERY_TABLE).unit("any/0").load()).rows
            archive = PostgresArchive(database)
            for table in EVERY_TABLE:
                expected = [row(table, 1), row(table, 3)]
                if table.kept == "state":
                    assert list(state[table.name]) == expected
                else:
                    assert [each async for each in archive.journal(table)] == [each.values for each in expected]

    asyncio.run(main())


def test_a_value_that_is_unknown_is_null(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            await unit.load()
            order = Order(
                str(UUID(int=1)), "", "x-1", "BTCUSDT", "BUY", "MARKET", Decimal("0.10"), None, None, "NEW", 5, 6
            )
            await unit.commit(Commit([Row("orders", (order.id,), order)]))
            async with database.connection() as connection:
                found = await connection.fetchrow(
                    "SELECT cycle_id, price, quantity::text, created_at::text FROM orders"
                )
            assert tuple(found) == (None, None, "0.10", "1970-01-01 00:00:00.000005+00")
            assert [each async for each in PostgresArchive(database).journal(TRADER[7])] == [order]

    asyncio.run(main())


def test_whoever_was_taken_over_is_refused_whole(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            first, second = (PostgresUnits(database, TRADER).unit("trader/0") for _ in range(2))
            await first.load()
            await first.commit(step(1))
            loaded = await second.load()
            assert loaded.units["trader/0"].sent == {STREAM: 1}
            with pytest.raises(Fenced, match="another process has taken trader/0 over"):
                await first.commit(step(2))
            with pytest.raises(Fenced, match="load it again"):
                await first.commit(step(2))
            await second.commit(step(2))
            loaded = await first.load()
            assert [entry.number for entry in loaded.outbox] == [1, 2]
            assert loaded.rows["trader_symbols"][0].values.dust == Decimal(2)
            assert loaded.offsets == {("trade.commands", 3): 3}

    asyncio.run(main())


def test_of_many_who_fight_for_a_unit_one_counts_at_a_time(store_url: str) -> None:
    """Each of eight loads and commits until it is refused: what stands is one unbroken row of steps."""

    async def owner(database: Database, done: list[int]) -> None:
        for _ in range(6):
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            loaded = await unit.load()
            number = loaded.outbox_number
            try:
                for _ in range(4):
                    await unit.commit(step(number + 1))
                    number += 1
                    done.append(number)
            except Fenced:
                continue

    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            done: list[int] = []
            await asyncio.gather(*[owner(database, done) for _ in range(8)])
            loaded = await PostgresUnits(database, TRADER).unit("trader/0").load()
            assert sorted(done) == list(range(1, len(done) + 1))
            assert [entry.envelope.sequence for entry in loaded.outbox] == sorted(done)
            assert loaded.units["trader/0"].sent == {STREAM: len(done)}

    asyncio.run(main())


def test_eight_units_commit_beside_each_other(store_url: str) -> None:
    async def run(database: Database, shard: int) -> None:
        unit = PostgresUnits(database, TRADER).unit(f"trader/{shard}")
        await unit.load()
        for number in range(1, 26):
            await unit.commit(step(number, shard))

    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            await asyncio.gather(*[run(database, shard) for shard in range(8)])
            for shard in range(8):
                loaded = await PostgresUnits(database, TRADER).unit(f"trader/{shard}").load()
                assert loaded.units[f"trader/{shard}"].sent == {f"trade.events/S{shard}": 25}
                assert loaded.outbox_number == len(loaded.outbox) == 25
                assert loaded.fence == 27
            assert database.in_use == 0

    asyncio.run(main())


@pytest.mark.parametrize("trouble", ["requests are lost", "answers are lost"])
def test_a_commit_under_which_the_connection_is_cut_is_of_unknown_outcome(store_url: str, trouble: str) -> None:
    """Whether it stands or not, the unit goes on from what stands once it is loaded again."""

    async def main() -> None:
        async with wire_to(port_of(store_url)) as (wire, port), await opened(store_url, port) as database:
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            await unit.load()
            await unit.commit(step(1))
            wire.trouble = trouble  # type: ignore[assignment]
            cut = asyncio.get_running_loop().call_later(0.3, wire.cut)
            with pytest.raises(CommitUnknown, match="was lost under a commit"):
                await unit.commit(step(2))
            cut.cancel()
            with pytest.raises(Fenced):
                await unit.commit(step(2))
            wire.trouble = "nobody is let in"
            with pytest.raises(Unreachable):
                await unit.load()
            wire.trouble = ""
            loaded = await unit.load()
            stands = 2 if trouble == "answers are lost" else 1
            assert loaded.units["trader/0"].sent == {STREAM: stands}
            await unit.commit(step(stands + 1))

    asyncio.run(main())


def test_a_commit_that_reaches_nobody_may_be_tried_again(store_url: str) -> None:
    async def main() -> None:
        async with wire_to(port_of(store_url)) as (wire, port), await opened(store_url, port) as database:
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            await unit.load()
            wire.trouble = "nobody is let in"
            wire.cut()
            await asyncio.sleep(0.05)
            with pytest.raises(Unreachable, match="cannot be reached"):
                await unit.commit(step(1))
            wire.trouble = ""
            await unit.commit(step(1))
            assert (await unit.load()).outbox_number == 1

    asyncio.run(main())


@pytest.mark.parametrize("name", ["trader", "trader/x", "/1", ""])
def test_what_is_no_units_name_is_refused(store_url: str, name: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            with pytest.raises(StoreError, match="is no unit's name: it reads service/shard"):
                PostgresUnits(database, TRADER).unit(name)

    asyncio.run(main())


def test_a_row_that_cannot_be_kept_keeps_nothing_of_its_commit_and_the_unit_goes_on(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            await unit.load()
            await unit.commit(step(1))
            twice = Commit([Row("trader_symbols", ("X",), SymbolLedger("X"))], outbox=step(1).outbox)
            with pytest.raises(StoreError, match="duplicate key"):
                await unit.commit(twice)
            with pytest.raises(StoreError, match="holds places or deadlines of trader/1"):
                await unit.commit(Commit(units={"trader/1": UnitState()}))
            await unit.commit(step(2))
            loaded = await unit.load()
            assert [each.key for each in loaded.rows["trader_symbols"]] == [("BTCUSDT",)]
            assert loaded.outbox_number == 2

    asyncio.run(main())


def test_a_commit_that_heeds_control_is_refused_where_a_command_came(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            await unit.load()
            await post_control(database, ControlChanged(0, "state", "halted", "", "", "anna", "news"))
            with pytest.raises(ControlWaiting, match="command 1 waits, 0 was the last one taken"):
                await unit.commit(Commit(position=(1, "fills"), heeds_control=True))
            await unit.commit(Commit(control=1, heeds_control=True))
            assert (await unit.load()).control == 1

    asyncio.run(main())


def test_the_password_is_in_no_message() -> None:
    async def main() -> None:
        with pytest.raises(Unreachable) as refused:
            await Database.open("postgresql://bot:geheim@127.0.0.1:1/trading?sslmode=disable", SETTINGS)
        assert str(refused.value).startswith("postgresql://bot@127.0.0.1:1/trading cannot be reached")
        assert "geheim" not in str(refused.value)

    asyncio.run(main())


def test_of_several_hosts_the_one_that_answers_is_taken(store_url: str) -> None:
    async def main() -> None:
        url = store_url.replace("127.0.0.1", "127.0.0.1:1,127.0.0.1")
        async with await Database.open(url, SETTINGS) as database:
            await PostgresUnits(database, TRADER).unit("trader/0").load()

    asyncio.run(main())
