"""The account's orders whose ids begin alike, from what is open anywhere and what is listed by symbol."""

import asyncio
from typing import Any

import pytest

from roottrading.adapters.exchange.binance.orders_by_prefix import FoundOrder, orders_by_prefix
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import MINUTE
from tests.unit.adapters.exchange.binance.scripted import KEY, NOW, SECRET, Scripted, no, ok, run

pytestmark = pytest.mark.usefixtures("either_loop")

OPEN, ALL = "GET openOrders", "GET allOrders"


def order(name: str, number: int, symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"symbol": symbol, "orderId": number, "clientOrderId": name, "time": 1_000 * number, "status": "NEW"}


async def asked(exchange: Scripted) -> list[FoundOrder]:
    return await orders_by_prefix(exchange.endpoints.rest, credentials(KEY, SECRET), "alpha-", ["BTCUSDT", "LTCUSDT"])


def test_open_ones_of_all_symbols_and_the_newest_of_ours_each_once() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer(OPEN, ok([order("alpha-b-s1", 5, "ETHUSDT"), order("alpha-a-s1", 3), order("web-1", 9)]))
        exchange.answer(ALL, ok([order("alpha-a-e1", 1), order("alpha-a-s1", 3), order("alphabet-1", 2)]), ok([]))
        names = [(each.symbol, each.client_order_id, each.order_id) for each in await asked(exchange)]
        assert names == [("BTCUSDT", "alpha-a-e1", 1), ("BTCUSDT", "alpha-a-s1", 3), ("ETHUSDT", "alpha-b-s1", 5)]
        assert [heard.params.get("symbol") for heard in exchange.said(ALL)] == ["BTCUSDT", "LTCUSDT"]

    run(test)


def test_a_question_without_an_answer_is_repeated_and_then_an_error() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer(OPEN, "cut", no(-1000, status=500), ok([]))
        exchange.answer(ALL, ok([]))
        assert await asked(exchange) == []
        exchange.answer(OPEN, no(-2015, "Invalid API-key", status=401))
        with pytest.raises(LinkError, match="-2015"):
            await asked(exchange)
        exchange.answer(OPEN, ok({"orders": "none"}))
        with pytest.raises(LinkError, match="form"):
            await asked(exchange)

    run(test)


def test_many_questions_wait_for_the_next_minute() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer(OPEN, ok([], X_MBX_USED_WEIGHT_1M="2990"))  # of 6000, and half is for others
        exchange.answer(ALL, ok([]))
        await orders_by_prefix(exchange.endpoints.rest, credentials(KEY, SECRET), "alpha-", ["BTCUSDT"], 1_000)
        (asked_at,) = [int(heard.params["timestamp"]) for heard in exchange.said(ALL)]
        assert NOW // MINUTE * MINUTE + MINUTE <= asked_at < NOW + 3 * MINUTE

    run(test)


def test_who_is_shut_out_does_not_knock() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer(OPEN, no(-1003, "banned", status=418))
        with pytest.raises(LinkError, match="shut this address out until 2023-11-14"):
            await asked(exchange)
        assert len(exchange.said(OPEN)) == 1

    run(test)


def test_nobody_there() -> None:
    with pytest.raises(LinkError, match="tell its time"):
        asyncio.run(orders_by_prefix("http://127.0.0.1:9", credentials(KEY, SECRET), "alpha-", ["BTCUSDT"]))
