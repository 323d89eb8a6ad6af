"""Orders of accounts on a recorded feed: they take its levels, rest until it comes to them, and leave it as it was."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from roottrading.domain.time import MINUTE, SECOND
from roottrading.exchange_server.faults.fault import Fault
from tests.integration.exchange_server.market_place import FEED, Place, market_place

Script = Callable[[Place], Awaitable[None]]
ORDER = "/api/v3/order"


def play(script: Script) -> None:
    async def run() -> None:
        async with market_place([FEED], start=None) as place:
            place.open_account(USDT=10**8, BTC=100)
            await script(place)

    asyncio.run(asyncio.wait_for(run(), 60))


async def order(place: Place, side: str, kind: str, **more: Any) -> Any:
    status, body = await place.send(
        "POST", ORDER, symbol="BTCUSDT", side=side, type=kind, newOrderRespType="FULL", **more
    )
    assert status == 200, body
    return body


async def depth(place: Place) -> Any:
    return await place.get("depth", symbol="BTCUSDT", limit=5000)


def walked(levels: list[list[str]], quantity: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Return what a taker of so much meets."""
    found = []
    for price, standing in levels:
        if not quantity:
            break
        taken = min(quantity, Decimal(standing))
        found.append((Decimal(price), taken))
        quantity -= taken
    return found


def fills(body: Any) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(each["price"]), Decimal(each["qty"])) for each in body["fills"]]


def test_a_market_order_takes_the_recorded_levels_once() -> None:
    async def script(place: Place) -> None:
        place.pass_time(5 * SECOND)
        before = await depth(place)
        wanted = sum((Decimal(level[1]) for level in before["asks"][:3]), Decimal(0))
        bought = await order(place, "BUY", "MARKET", quantity=wanted)
        assert bought["status"] == "FILLED"
        assert fills(bought) == walked(before["asks"], wanted)
        again = await order(place, "BUY", "MARKET", quantity="0.5")
        assert fills(again) == walked(before["asks"][3:], Decimal("0.5"))
        assert await depth(place) == before
        place.pass_time(30 * SECOND)  # the recording spoke of its best levels meanwhile
        best = (await depth(place))["asks"][0]
        after = await order(place, "BUY", "MARKET", quantity="0.001")
        assert fills(after) == [(Decimal(best[0]), Decimal("0.001"))]

    play(script)


def test_a_resting_order_is_met_at_its_price_when_the_market_goes_through_it() -> None:
    async def script(place: Place) -> None:
        begin = place.exchange.clock.now()
        source = place.exchange.market.symbols["BTCUSDT"].source
        coming = source.kline(begin, begin + 90 * SECOND, begin + 90 * SECOND)
        assert coming is not None
        price = coming.low + 1
        resting = await order(place, "BUY", "LIMIT", timeInForce="GTC", quantity="0.001", price=price)
        assert resting["status"] == "NEW"
        while place.pass_time(SECOND) < begin + 100 * SECOND:
            _, shown = await place.send("GET", ORDER, symbol="BTCUSDT", orderId=resting["orderId"])
            lowest = source.kline(begin, begin + 100 * SECOND, place.exchange.clock.now())
            assert lowest is not None
            if lowest.low < price:
                assert shown["status"] == "FILLED"
                break
            if shown["status"] == "FILLED":  # the book came to it before anybody traded beyond it
                best = (await depth(place))["asks"][0]
                assert Decimal(best[0]) <= price + 50
                break
        assert shown["status"] == "FILLED"
        assert Decimal(shown["cummulativeQuoteQty"]) == price * Decimal("0.001")

    play(script)


def test_a_maker_is_refused_at_the_recorded_best_and_a_stop_goes_by_prints() -> None:
    async def script(place: Place) -> None:
        place.pass_time(SECOND)
        best = (await depth(place))["asks"][0][0]
        status, body = await place.send(
            "POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.1", price=best
        )
        assert (status, body["msg"]) == (400, "Order would immediately match and take.")
        begin = place.exchange.clock.now()
        source = place.exchange.market.symbols["BTCUSDT"].source
        coming = source.kline(begin, begin + 100 * SECOND, begin + 100 * SECOND)
        assert coming is not None
        stop = await order(place, "SELL", "STOP_LOSS", quantity="0.5", stopPrice=coming.low)
        place.pass_time(100 * SECOND)
        _, shown = await place.send("GET", ORDER, symbol="BTCUSDT", orderId=stop["orderId"])
        assert shown["status"] == "FILLED"
        _, trades = await place.send("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=stop["orderId"])
        triggered = next(
            each
            for each in source.trades(begin + 100 * SECOND, None, 10_000)
            if each.price <= coming.low and each.at > begin
        )
        assert {trade["time"] for trade in trades} == {triggered.at // 1000}

    play(script)


def test_a_stop_into_an_empty_recorded_book_expires() -> None:
    async def script(place: Place) -> None:
        begin = place.exchange.clock.now()
        source = place.exchange.market.symbols["BTCUSDT"].source
        coming = source.kline(begin, begin + 100 * SECOND, begin + 100 * SECOND)
        assert coming is not None
        stop = await order(place, "SELL", "STOP_LOSS", quantity="0.5", stopPrice=coming.low)
        place.exchange.agenda.add(Fault(kind="empty_book", symbol="BTCUSDT"))
        place.pass_time(2 * MINUTE)
        _, shown = await place.send("GET", ORDER, symbol="BTCUSDT", orderId=stop["orderId"])
        assert (shown["status"], shown["executedQty"]) == ("EXPIRED", "0.00000000")
        shown = await depth(place)
        assert len(shown["bids"]) > 100

    play(script)
