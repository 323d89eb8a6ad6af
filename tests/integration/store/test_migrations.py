"""From one revision to the next nothing is lost, and `check` tells a schema that is not ours."""

import asyncio
from typing import Any

import asyncpg
import pytest

from roottrading.adapters.store.account_rows import TABLES as ACCOUNT_TABLES
from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.checking import differences
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.migrations.migrate import scripts, upgrade
from roottrading.adapters.store.postgres.migrations.revisions import HEAD, KNOWN
from roottrading.runtimes.assembly import ALL_TABLES
from tests.integration.store.samples import SETTINGS

TABLES = (*ALL_TABLES, *ACCOUNT_TABLES)
OLD = """
INSERT INTO market_data (symbol, open_time, close_time, open, high, low, close, volume, timeframe) VALUES
    ('BTCUSDT', '2023-12-31 23:00Z', '2023-12-31 23:59:59.999Z', 1.10, 2, 0.5, 1.50, 7, '1h'),
    ('BTCUSDT', '2023-12-31 23:00Z', '2023-12-31 23:59:59.999Z', 1.10, 2, 0.5, 1.75, 7, '1h'),
    ('BTCUSDT', '2024-01-01 00:00Z', '2024-01-01 00:59:59.999Z', 1.75, 2, 1.0, 1.80, 9, '1h'),
    ('ETHUSDT', '2021-04-10 00:00Z', '2021-04-10 00:00:59.999Z', 3, 3, 3, 3, 0, '1m');
INSERT INTO signals (symbol, strategy, signal_type, strength, price, timestamp, metadata) VALUES
    ('BTCUSDT', 'macd', 'BUY', 0.700000, 1.50, '2024-01-01Z', '{"stop_distance": "0.1"}');
INSERT INTO trade_cycles VALUES
    ('00000000-0000-8000-8000-000000000001', 'BTCUSDT', 'closed', 1, 1.50, 1.60, 10.0, 0.97,
     '2024-01-01Z', '2024-01-02Z');
INSERT INTO orders VALUES
    ('00000000-0000-8000-8000-000000000002', '00000000-0000-8000-8000-000000000001', 77, 'BTCUSDT', 'BUY', 'LIMIT',
     10.0, 1.50, 'FILLED', '2024-01-01Z', '2024-01-01Z'),
    ('00000000-0000-8000-8000-000000000003', NULL, 78, 'BTCUSDT', 'SELL', 'STOP_LOSS', 10.0, NULL, 'CANCELED',
     '2024-01-01Z', '2024-01-01Z');
"""


def run_there(url: str, sql: str) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(main())


def wrong(url: str) -> list[str]:
    return asyncio.run(differences(url, SETTINGS, TABLES))


def test_what_a_database_held_at_the_first_revision_is_there_at_the_newest(postgres_url: str) -> None:
    async def main() -> None:
        async with await Database.open(postgres_url, SETTINGS) as database:
            archive = PostgresArchive(database)
            found: dict[str, list[Any]] = {
                table.name: [each async for each in archive.journal(table)]
                for table in TABLES
                if table.name in {"market_data", "signals", "trade_cycles", "orders"}
            }
            assert [(c.symbol, c.timeframe, str(c.close)) for c in found["market_data"]] == [
                ("BTCUSDT", "1h", "1.75"),
                ("BTCUSDT", "1h", "1.80"),
                ("ETHUSDT", "1m", "3"),
            ]
            (signal,) = found["signals"]
            assert (str(signal.strength), signal.metadata, signal.timeframe) == (
                "0.700000",
                {"stop_distance": "0.1"},
                "",
            )
            (cycle,) = found["trade_cycles"]
            assert (str(cycle.pnl), cycle.fees, cycle.status) == ("0.97", None, "closed")
            bought, stop = found["orders"]
            assert (str(bought.executed_quantity), bought.cycle_id) == ("10.0", cycle.id)
            assert (str(stop.executed_quantity), stop.cycle_id, stop.price) == ("0", "", None)
            async with database.connection() as connection:
                ids = await connection.fetch("SELECT id FROM market_data ORDER BY id")
                following = await connection.fetchval("SELECT nextval('market_data_id_seq')")
            assert [number for (number,) in ids] == [2, 3, 4]
            assert following == 5

    assert asyncio.run(upgrade(postgres_url, SETTINGS, "0001")) == (None, "0001")
    run_there(postgres_url, OLD)
    assert asyncio.run(upgrade(postgres_url, SETTINGS)) == ("0001", HEAD)
    asyncio.run(main())
    assert wrong(postgres_url) == []


def test_two_who_upgrade_at_once_are_one_after_the_other(postgres_url: str) -> None:
    async def main() -> None:
        done = await asyncio.gather(*[upgrade(postgres_url, SETTINGS) for _ in range(3)])
        assert sorted(done, key=str) == [(HEAD, HEAD), (HEAD, HEAD), (None, HEAD)]

    asyncio.run(main())


def test_an_upgrade_that_fails_leaves_everything_as_it_was(postgres_url: str) -> None:
    asyncio.run(upgrade(postgres_url, SETTINGS, "0001"))
    run_there(postgres_url, OLD)
    run_there(postgres_url, "CREATE TABLE outbox (mine text)")
    with pytest.raises(StoreError, match='"outbox" already exists'):
        asyncio.run(upgrade(postgres_url, SETTINGS))
    run_there(postgres_url, "DROP TABLE outbox")
    assert asyncio.run(upgrade(postgres_url, SETTINGS)) == ("0001", HEAD)


def test_a_newer_schema_is_not_touched(store_url: str) -> None:
    run_there(store_url, "UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(StoreError, match="is at revision 0999, this version knows 0004 as the newest"):
        asyncio.run(upgrade(store_url, SETTINGS))


def test_an_empty_database_is_told_apart(postgres_url: str) -> None:
    assert wrong(postgres_url) == ["the schema is at revision none, not 0004: `roottrading db upgrade`"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE orders DROP stop_price", "table orders: column stop_price is missing"),
        ("ALTER TABLE orders ALTER quantity TYPE real", "table orders: column quantity is real, not numeric"),
        (
            "ALTER TABLE orders ALTER price SET NOT NULL",
            "table orders: column price takes no NULL, which is written where a value is unknown",
        ),
        (
            "ALTER TABLE fills ADD note text NOT NULL",
            "table fills: column note is written by nobody, takes no NULL and has no default",
        ),
        ("ALTER TABLE fills DROP CONSTRAINT fills_pkey", "table fills: its key is (), not (id)"),
        ("DROP TABLE equity", "table equity is missing"),
        (
            "ALTER TABLE unit_rows DROP number CASCADE",
            'a unit cannot be kept: column "number" of relation "unit_rows" does not',
        ),
        ("DROP FUNCTION check_unit", "a unit cannot be kept: function check_unit"),
    ],
)
def test_a_schema_that_is_not_what_is_written_is_told(store_url: str, change: str, told: str) -> None:
    assert wrong(store_url) == []
    run_there(store_url, change)
    (found,) = wrong(store_url)
    assert found.startswith(told)


def test_the_revisions_are_those_inside_the_package() -> None:
    assert scripts().get_heads() == [HEAD]
    assert tuple(sorted(each.revision for each in scripts().walk_revisions())) == KNOWN
