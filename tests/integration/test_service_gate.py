"""The gate before real orders: nobody's database is waited for, an account of another key is refused."""

import asyncio

import pytest
from msgspec.structs import replace

from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.store.port import Unreachable
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.identity import claim, identity_of
from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.cli.errors import CommandError
from roottrading.cli.live_options import RealOrders
from roottrading.cli.live_ownership import NotConfirmed
from roottrading.cli.service_target import Gate, target_of
from roottrading.config.secrets import KEY, POSTGRES_URL, SECRET
from roottrading.config.settings import Settings
from roottrading.runtimes.distributed.sharding import ROLE
from roottrading.runtimes.linked.one_deployment import PrefixTaken
from tests.unit.adapters.exchange.binance.scripted import Scripted, no, ok, scripted

POSTGRES = PostgresSettings(connect_timeout=2_000_000)
STRANGER = {"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "alpha-x-e1", "time": 1_700_000_000_000}


def gate(role: str, exchange: Scripted, url: str, *, examined: bool = False) -> Gate:
    settings = Settings(postgres=POSTGRES)
    run = replace(settings.run, exchange=exchange.endpoints.rest, symbols=("BTCUSDT",))
    settings = replace(settings, run=run, account=replace(settings.account, deployment="alpha"))
    environment = {KEY: "own", SECRET: "secret", POSTGRES_URL: url}
    return Gate(
        ROLE[role], settings, target_of(ROLE[role], settings, RealOrders("alpha"), environment), environment, examined
    )


async def own(url: str, exchange: Scripted) -> dict[str, str]:
    """Have the database confirmed, as the trader or `up` does."""
    owner = {"deployment": "alpha", "quote_asset": "USDT", "exchange": exchange.endpoints.rest, "account": "12"}
    async with await Database.open(url, POSTGRES) as database:
        await claim(database, owner)
    exchange.answer("GET account", ok({"uid": 12}))
    exchange.answer("GET openOrders", ok([]))
    exchange.answer("GET allOrders", ok([]))
    return owner


@pytest.fixture
def url(postgres_url: str) -> str:
    """Return a database that is nobody's yet."""
    asyncio.run(upgrade(postgres_url, POSTGRES))
    return postgres_url


@pytest.mark.parametrize("role", ["gateway", "dispatcher", "portfolio", "trader"])
def test_nobodys_database_is_waited_for(url: str, role: str) -> None:
    async def work() -> None:
        async with scripted() as exchange:
            with pytest.raises(NotConfirmed, match="the trader does, or `roottrading up`"):
                await gate(role, exchange, url, examined=role == "trader").passed(1)
            assert exchange.heard == []
        assert await identity_of(url, POSTGRES) == {}

    asyncio.run(work())


def test_all_services_go_by_what_was_confirmed(url: str) -> None:
    async def work() -> None:
        async with scripted() as exchange:
            owner = await own(url, exchange)
            for role in ROLE:
                passing = gate(role, exchange, url)
                assert await passing.passed(1) == await passing.passed(1) == owner
            assert [len(exchange.said(words)) for words in ("GET account", "GET allOrders")] == [2, 1]

    asyncio.run(work())


def test_another_accounts_key_is_refused(url: str) -> None:
    async def work() -> None:
        async with scripted() as exchange:
            await own(url, exchange)
            exchange.answer("GET account", ok({"uid": 13}))
            for role in ("trader", "portfolio"):
                with pytest.raises(CommandError, match="the key is of account 13"):
                    await gate(role, exchange, url, examined=True).passed(1)

    asyncio.run(work())


def test_orders_that_the_ledger_does_not_know_keep_a_trader_from_beginning(url: str) -> None:
    """Where whoever started it has looked at them already, it begins: what comes later it hears."""

    async def work() -> None:
        async with scripted() as exchange:
            owner = await own(url, exchange)
            exchange.answer("GET allOrders", ok([STRANGER]))
            with pytest.raises(PrefixTaken, match="alpha-x-e1"):
                await gate("trader", exchange, url).passed(1)
            assert await gate("trader", exchange, url, examined=True).passed(1) == owner

    asyncio.run(work())


def test_what_is_away_is_waited_for(url: str) -> None:
    async def work() -> None:
        async with scripted() as exchange:
            await own(url, exchange)
            exchange.answer("GET account", no(-1000, status=503))
            with pytest.raises(LinkError):
                await gate("portfolio", exchange, url).passed(1)
            with pytest.raises(Unreachable):
                await gate("gateway", exchange, "postgresql://127.0.0.1:9/books").passed(1)

    asyncio.run(work())
