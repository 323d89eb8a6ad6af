"""What was sent by any unit is known, with the exchange's number; and whose database it is."""

import asyncio
from decimal import Decimal

import pytest

from roottrading.adapters.store.account_rows import TABLES as ACCOUNT_TABLES
from roottrading.adapters.store.account_rows import sent_ids
from roottrading.adapters.store.port import Commit, StoreError
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.identity import claim, identity_of
from roottrading.adapters.store.postgres.sent_orders import SentOrders, sent_orders
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.domain.ids import order_id
from roottrading.domain.order import Order
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.messages.exchange import ENTRY, OrderSpec, PlaceOrder
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import ALL_TABLES
from tests.integration.store.samples import SETTINGS

CYCLE = "9b8a6e10-0000-8000-8000-000000000001"
ONE = Decimal(1)


def placed(name: str) -> PlaceOrder:
    return PlaceOrder("BTCUSDT", name, ENTRY, 7, OrderSpec(name, "BUY", "MARKET", ONE))


def listed(name: str, number: int) -> Row:
    order = Order(
        order_id("alpha", name), CYCLE, name, "BTCUSDT", "BUY", "MARKET", ONE, None, None, "NEW", 1, 1, ONE, number
    )
    return Row("orders", (order.id,), order)


def test_of_what_is_asked_for_it_tells_what_was_sent(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            units = PostgresUnits(database, (*ALL_TABLES, *ACCOUNT_TABLES))
            cycle = TradeCycle(CYCLE, "BTCUSDT", "open", 1, None, None, None, None, None, "", 1, 1)
            rows = {
                "trader/3": [*sent_ids([placed("alpha-a-e1"), placed("alpha-a-x1")]), listed("alpha-a-e1", 4711)],
                "trader/7": [*sent_ids([placed("alpha-b-e1")]), listed("alpha-b-e1", -1)],
                "coordinator/0": [Row("trade_cycles", (CYCLE,), cycle)],
            }
            for name, of in rows.items():
                unit = units.unit(name)
                await unit.load()
                await unit.commit(Commit(of))
        asked = ["alpha-a-e1", "alpha-a-x1", "alpha-b-e1", "alpha-z-e1"]
        numbers = {"alpha-a-e1": 4711, "alpha-a-x1": -1, "alpha-b-e1": -1}
        assert await sent_orders(store_url, SETTINGS, asked, ["BTCUSDT", "LTCUSDT"]) == SentOrders(numbers, [CYCLE])
        assert await sent_orders(store_url, SETTINGS, asked[:1], ["LTCUSDT"]) == SentOrders({"alpha-a-e1": 4711}, [])

    asyncio.run(main())


def test_whose_a_database_is(store_url: str) -> None:
    async def main() -> None:
        assert await identity_of(store_url, SETTINGS) == {}
        owner = {"deployment": "alpha", "exchange": "binance", "account": "354937868"}
        async with await Database.open(store_url, SETTINGS) as database:
            await claim(database, owner)
            with pytest.raises(StoreError, match="account is 354937868 there and not set here; exchange is binance"):
                await claim(database, {"deployment": "alpha"})
        assert await identity_of(store_url, SETTINGS) == owner

    asyncio.run(main())


def test_a_database_without_our_tables_is_told_of(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="`roottrading db upgrade`"):
        asyncio.run(identity_of(postgres_url, SETTINGS))
    with pytest.raises(StoreError, match="`roottrading db upgrade`"):
        asyncio.run(sent_orders(postgres_url, SETTINGS, [], []))
