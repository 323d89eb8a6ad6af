"""`roottrading db` on a real PostgreSQL."""

import asyncio

import asyncpg
import pytest

from roottrading.adapters.store.port import Commit, OutboxEntry
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnits
from tests.e2e.conftest import Runner
from tests.integration.store.samples import TRADER, step


@pytest.fixture
def named(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address, which the environment names."""
    monkeypatch.setenv("ROOTTRADING_POSTGRES_URL", postgres_url)
    return postgres_url


def test_from_an_empty_database_to_one_that_is_tended(roottrading: Runner, named: str) -> None:
    checked = roottrading("db", "check")
    assert (checked.code, checked.out) == (1, "the schema is at revision none, not 0004: `roottrading db upgrade`\n")
    assert "revision none, 0004 is this version's" in roottrading("db", "status").out
    upgraded = roottrading("db", "upgrade")
    assert (upgraded.code, upgraded.err) == (0, "")
    assert upgraded.out == f"{named} is at revision 0004 now (before: none)\n"
    assert roottrading("db", "upgrade").out == f"{named} is at revision 0004 already\n"
    assert roottrading("db", "check").out == f"{named}: the schema is what this version writes\n"
    tended = roottrading("db", "maintain")
    assert tended.code == 0
    assert tended.out.startswith("months made: 20")
    assert roottrading("db", "maintain").out == "months made: none; dropped: none; messages forgotten: 0\n"


def test_status_tells_how_far_the_services_have_come(roottrading: Runner, named: str) -> None:
    async def work() -> tuple[OutboxEntry, ...]:
        async with await Database.open(named, PostgresSettings()) as database:
            for shard in (0, 1):
                unit = PostgresUnits(database, TRADER).unit(f"trader/{shard}")
                await unit.load()
                await unit.commit(step(1, shard))
                await unit.commit(Commit(published=shard))
            return (await unit.load()).outbox

    roottrading("db", "upgrade")
    assert asyncio.run(work()) == ()
    lines = roottrading("db", "status").out.splitlines()
    assert lines[1] == "revision 0004"
    assert lines[2:4] == ["candles: none", "control: 0 commands"]
    assert lines[4].startswith("trader: 2 shards, 7 loads and commits, 1 messages not confirmed, last loaded 20")


def test_a_schema_that_was_changed_by_hand_is_told(roottrading: Runner, named: str) -> None:
    async def change() -> None:
        connection = await asyncpg.connect(named)
        await connection.execute("ALTER TABLE trade_cycles DROP pnl")
        await connection.close()

    roottrading("db", "upgrade")
    asyncio.run(change())
    checked = roottrading("db", "check")
    assert (checked.code, checked.out) == (1, "table trade_cycles: column pnl is missing\n")


def test_without_an_address_it_says_where_to_name_one(roottrading: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROOTTRADING_POSTGRES_URL", raising=False)
    refused = roottrading("db", "status")
    assert refused.code == 1
    assert refused.err == (
        "error: no address of a database: set ROOTTRADING_POSTGRES_URL, or postgres.url in the settings\n"
    )


def test_where_nobody_answers_that_is_said_without_the_password(
    roottrading: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOTTRADING_POSTGRES_URL", "postgresql://bot:geheim@127.0.0.1:1/trading")
    for command in ("upgrade", "check", "status", "maintain"):
        refused = roottrading("db", command, "--set", "postgres.connect_timeout=1000000")
        assert refused.code == 1
        assert refused.err.startswith("error: postgresql://bot@127.0.0.1:1/trading cannot be reached: ")
        assert "geheim" not in refused.err + refused.out
