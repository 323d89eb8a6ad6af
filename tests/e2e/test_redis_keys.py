"""`roottrading redis` beside a real Redis and PostgreSQL: what is shown, and all of it made anew."""

import asyncio
from decimal import Decimal

import msgspec
import pytest
import redis

from roottrading.adapters.store.port import Commit, UnitState
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.domain.balance import Balance
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import PortfolioUpdated, PositionValued
from roottrading.runtimes.distributed.installation import TABLES
from tests.e2e.conftest import Runner

ONE, TWO = Decimal(1), Decimal(2)
POSITION = PositionValued("LTCUSDT", "cycle", ONE, TWO, TWO, TWO, Decimal(0))
DUST = PositionValued("XRPUSDT", "", Decimal(0), None, TWO, TWO, TWO)
BALANCES = (Balance("LTC", ONE, TWO), Balance("USDT", TWO, ONE))


def update(number: int) -> Envelope:
    body = PortfolioUpdated(number, BALANCES[:number], TWO, TWO, TWO, TWO, TWO, positions=(POSITION, DUST)[:number])
    return Envelope("portfolio", "portfolio.updates/account", number, number - 1, number, "", body)


def candle(number: int) -> Candle:
    price = Decimal(number)
    return Candle("LTCUSDT", "1m", number * MINUTE, price, price, price, price, price)


async def fill(url: str) -> None:
    async with await Database.open(url, PostgresSettings()) as database:
        units = PostgresUnits(database, TABLES)
        portfolio, gateway = units.unit("portfolio/0"), units.unit("gateway/3")
        await portfolio.load()
        await portfolio.commit(Commit(outbox=[("portfolio.updates", update(number)) for number in (1, 2)]))
        await gateway.load()
        sent = {"market/LTCUSDT/1m": 601 * MINUTE, "market/LTCUSDT/5m": 600 * MINUTE}
        await gateway.commit(Commit(units={"gateway/3": UnitState(sent=sent)}))
        await PostgresArchive(database).add_candles([candle(number) for number in range(1, 601)])


def test_what_is_shown_is_compared_and_made_anew(
    roottrading: Runner, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOTTRADING_POSTGRES_URL", postgres_url)
    monkeypatch.setenv("ROOTTRADING_REDIS_URL", redis_url)
    assert roottrading("db", "upgrade").code == 0
    asyncio.run(fill(postgres_url))
    before = roottrading("redis", "status")
    assert before.code == 0, before.err
    assert before.out.splitlines()[0].startswith("Redis knows nothing of us")
    assert "balances:current   0  not as in PostgreSQL, which has 2" in before.out
    assert "candles:LTCUSDT:1m  none; PostgreSQL has that of 1970-01-01T10:00:00Z" in before.out

    done = roottrading("redis", "rebuild")
    assert done.code == 0, done.err
    assert [line.split() for line in done.out.splitlines()][:3] == [
        ["cycles:active", "0"],
        ["positions:active", "1"],
        ["balances:current", "2"],
    ]
    assert done.out.splitlines()[-2:] == ["candles:LTCUSDT:1m  500", "candles:LTCUSDT:5m  0"]
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        positions, balances = client.hgetall("positions:active"), client.hgetall("balances:current")
        candles = client.zrange("candles:LTCUSDT:1m", 0, -1)
        client.hset("balances:current", "BNB", "spoiled")
    assert {name: msgspec.json.decode(text, type=PositionValued) for name, text in positions.items()} == {
        "LTCUSDT": POSITION
    }
    assert [msgspec.json.decode(text, type=Balance) for text in balances.values()] == list(BALANCES)
    assert [msgspec.json.decode(text, type=Candle) for text in candles] == [candle(n) for n in range(101, 601)]

    spoiled = roottrading("redis", "status").out
    assert "balances:current   3  not as in PostgreSQL, which has 2" in spoiled
    assert "candles:LTCUSDT:1m  until that of 1970-01-01T10:00:00Z, as in PostgreSQL" in spoiled
    assert roottrading("redis", "rebuild").code == 0
    after = roottrading("redis", "status").out
    assert [line.partition("  ")[2] for line in after.splitlines() if "PostgreSQL, which" in line] == []
    assert "knows nothing" not in after


def test_without_an_address_it_says_which(roottrading: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROOTTRADING_REDIS_URL", raising=False)
    refused = roottrading("redis", "status")
    assert refused.code == 2
    assert "ROOTTRADING_REDIS_URL: not set" in refused.err
