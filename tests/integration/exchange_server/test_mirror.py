"""One exchange of ours mirrors another: clients of both see the same, and orders meet the mirrored book."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from msgspec.structs import replace

from roottrading.adapters.exchange.binance.streams.binance_market import market_endpoints_at
from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import SECOND, parse_time
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.assembly import Terms, assemble
from roottrading.exchange_server.faults.fault import Fault
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.mirror import Mirror
from roottrading.exchange_server.socket_settings import SocketSettings

from .market_place import FEED, LTC, HandWall, Place, market_place

Script = Callable[[Place, Place], Awaitable[None]]
KINDS = ("bookTicker", "trade", "aggTrade", "depth@100ms")
EXACT = (0, 1, 2, 3, 4, 5, 6, 8, 9)  # of a row of klines
QUOTE = 7  # quote volume: what is joined of minutes is as exact as minutes were told
PATIENCE = 90.0  # seconds for what takes a fraction of one, on a machine however busy


@asynccontextmanager
async def ticking(place: Place) -> AsyncIterator[None]:
    """Let the place's wall go on with ours."""

    async def tick() -> None:
        begun = monotonic()
        while True:
            place.wall.seconds = monotonic() - begun
            place.exchange.clock.now()
            await asyncio.sleep(0.002)

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def mirrored(host: str, symbol: str, rate: int) -> AsyncIterator[Place]:
    """Serve an exchange with the market of another, once it is known."""
    mirror = Mirror(market_endpoints_at(f"http://{host}"), (symbol,), rate=rate, look_every=SECOND)
    opened = await mirror.open()
    sockets = SocketSettings(messages=10**6)
    terms = Terms("real", FeeSchedule(), FillModel(), LimitSettings(), sockets=sockets)
    made = assemble(opened, terms, mirror.wall)
    mirror.attach(made)
    working = [asyncio.create_task(mirror.run()), asyncio.create_task(made.run())]
    runner = web.AppRunner(build_app(made.server))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with ClientSession() as session:
            place = Place(made, HandWall(), "{}:{}".format(*runner.addresses[0][:2]), session)
            await wait("the market", lambda: status(place, symbol) == "TRADING")
            yield place
            for task in working:
                assert not task.done(), task.exception()
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await runner.cleanup()
        await mirror.close()


def status(place: Place, symbol: str) -> str:
    return place.exchange.venue.status(symbol)


async def wait(what: str, done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.005)


def play(script: Script, path: Path, symbol: str, rate: int, start: str | None = None) -> None:
    async def run() -> None:
        begin = None if start is None else parse_time(start)
        async with (
            market_place((path,), f"{rate}x", begin, SocketSettings(messages=10**6)) as upstream,
            ticking(upstream),
            mirrored(upstream.host, symbol, rate) as mirror,
        ):
            await script(upstream, mirror)

    asyncio.run(run())


Heard = dict[str, list[Any]]


@asynccontextmanager
async def listening(place: Place, streams: str) -> AsyncIterator[Heard]:
    """Hear what the streams say from now on, by stream."""
    found: Heard = defaultdict(list)
    async with place.socket(f"/stream?streams={streams}") as socket:

        async def hear() -> None:
            async for message in socket:
                told = msgspec.json.decode(message.data)
                found[told["stream"]].append(told["data"])

        hearing = asyncio.create_task(hear())
        try:
            yield found
            assert not hearing.done()
        finally:
            hearing.cancel()


def by(messages: list[Any], key: str, *told: str) -> dict[Any, tuple[Any, ...]]:
    return {each[key]: tuple(each[name] for name in told) for each in messages}


def common(one: dict[Any, Any], other: dict[Any, Any]) -> int:
    """Return how many both know, which must be alike; `one` and `other` differ at their ends only."""
    shared = one.keys() & other.keys()
    assert {each: one[each] for each in shared} == {each: other[each] for each in shared}
    return len(shared)


def test_what_clients_of_both_hear_is_the_same_down_to_every_update_of_the_book() -> None:
    names = "/".join(f"btcusdt@{each}" for each in KINDS)

    async def script(upstream: Place, mirror: Place) -> None:
        async with listening(upstream, names) as one, listening(mirror, names) as other:
            await wait(
                "enough", lambda: all(len(heard[f"btcusdt@{kind}"]) > 100 for heard in (one, other) for kind in KINDS)
            )
        best, trade, joined, depth = (f"btcusdt@{each}" for each in KINDS)
        assert common(by(one[best], "u", "b", "B", "a", "A"), by(other[best], "u", "b", "B", "a", "A")) > 20
        assert common(by(one[trade], "t", "p", "q", "T", "m"), by(other[trade], "t", "p", "q", "T", "m")) > 20
        aggregates = ("p", "q", "f", "l", "T", "m")
        assert common(by(one[joined], "a", *aggregates), by(other[joined], "a", *aggregates)) > 20
        assert common(by(one[depth], "u", "U", "b", "a"), by(other[depth], "u", "U", "b", "a")) > 20
        for before, after in zip(other[depth], other[depth][1:], strict=False):
            assert after["U"] == before["u"] + 1

    play(script, FEED, "BTCUSDT", 10)


def test_candles_are_the_same_those_of_the_past_too_and_while_they_grow() -> None:
    async def script(upstream: Place, mirror: Place) -> None:
        def closed_of(interval: str) -> list[Any]:
            return [each["k"] for each in said[f"ltcusdt@kline_{interval}"] if each["k"]["x"]]

        async with listening(mirror, "ltcusdt@kline_1m/ltcusdt@kline_5m") as said:
            await wait("closed candles", lambda: len(closed_of("1m")) >= 5 and len(closed_of("5m")) >= 1)
        for interval in ("1m", "5m"):
            closed = closed_of(interval)
            assert len({each["t"] for each in closed}) == len(closed)
            span = {"startTime": closed[0]["t"], "endTime": closed[-1]["t"]}
            rows = await upstream.get("klines", symbol="LTCUSDT", interval=interval, limit=1000, **span)
            assert [[each[name] for name in "tohlcvTqnVQB"] for each in closed] == rows
        for interval in ("1m", "15m", "1h"):
            asked = {"symbol": "LTCUSDT", "interval": interval, "limit": 500}
            one = await upstream.get("klines", **asked)
            other = await mirror.get("klines", **asked)
            found = {row[0]: row for row in other}
            assert len(one) > 4
            for row in one[:-2]:
                assert [found[row[0]][place] for place in EXACT] == [row[place] for place in EXACT]
                assert abs(Decimal(found[row[0]][QUOTE]) - Decimal(row[QUOTE])) < Decimal("0.00001")

    play(script, LTC, "LTCUSDT", 120, "2021-04-17T00:00:00Z")


def test_orders_meet_the_mirrored_book_and_nobody_upstream_hears_of_them() -> None:
    async def script(upstream: Place, mirror: Place) -> None:
        assert mirror.exchange.venue.last_price("BTCUSDT") is not None
        mirror.open_account(USDT=1_000_000)
        best = await mirror.get("ticker/bookTicker", symbol="BTCUSDT")
        code, order = await mirror.send(
            "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001"
        )
        assert (code, order["status"]) == (200, "FILLED")
        price = float(order["fills"][0]["price"])
        assert abs(price / float(best["askPrice"]) - 1) < 0.001
        resting = f"{float(best['bidPrice']) - 5:.2f}"
        terms: dict[str, Any] = {
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.001",
            "price": resting,
        }
        code, placed = await mirror.send("POST", "/api/v3/order", symbol="BTCUSDT", **terms)
        assert code == 200, placed
        async with asyncio.timeout(PATIENCE):
            while True:
                _, found = await mirror.send("GET", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
                if found["status"] == "FILLED":
                    break
                await asyncio.sleep(0.05)
        assert found["price"].startswith(resting)
        books = upstream.exchange.venue.exchange.parts.books
        assert not books["BTCUSDT"].orders

    play(script, FEED, "BTCUSDT", 20)


def test_a_market_that_is_not_known_is_halted_until_it_is_and_then_nothing_lacks() -> None:
    async def script(upstream: Place, mirror: Place) -> None:
        mirror.open_account(USDT=1_000_000)
        began = await mirror.get("time")
        upstream.exchange.agenda.add(
            Fault(kind="refusal", where="GET /api/v3/depth", status=503, times=6)  # the book cannot be had at once
        )
        upstream.exchange.agenda.add(Fault(kind="drop", value="streams"))
        await wait("the halt", lambda: status(mirror, "LTCUSDT") == "HALT")
        order: dict[str, Any] = {"symbol": "LTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
        assert (await mirror.send("POST", "/api/v3/order", **order))[1]["msg"] == "Market is closed."
        assert (await mirror.get("klines", symbol="LTCUSDT", interval="1m"))["code"] == -1001
        assert (await mirror.get("ticker/price", symbol="LTCUSDT"))["code"] == -1001
        assert await mirror.get("ticker/price") == []
        assert (await mirror.get("exchangeInfo", symbol="LTCUSDT"))["symbols"][0]["status"] == "HALT"
        await wait("the end of the halt", lambda: status(mirror, "LTCUSDT") == "TRADING")
        assert (await mirror.send("POST", "/api/v3/order", **order))[1]["status"] == "FILLED"
        span = {"startTime": began["serverTime"], "symbol": "LTCUSDT", "interval": "1m"}
        rows: list[Any] = []
        async with asyncio.timeout(PATIENCE):
            while len(rows) < 8:
                await asyncio.sleep(0.1)
                rows = await mirror.get("klines", **span)
        assert rows[:-2] == (await upstream.get("klines", **span))[: len(rows) - 2]

    play(script, LTC, "LTCUSDT", 120, "2021-04-17T00:00:00Z")


def test_a_symbol_that_is_halted_there_or_whose_filters_change_is_so_here() -> None:
    async def script(upstream: Place, mirror: Place) -> None:
        venue = upstream.exchange.venue
        venue.set_status("LTCUSDT", "CANCEL_ONLY", upstream.exchange.clock.now())
        await wait("the status", lambda: status(mirror, "LTCUSDT") == "CANCEL_ONLY")
        venue.set_status("LTCUSDT", "TRADING", upstream.exchange.clock.now())
        await wait("the status", lambda: status(mirror, "LTCUSDT") == "TRADING")
        changed = replace(venue.instruments["LTCUSDT"], min_quantity=Decimal("0.05"))
        venue.change_filters(changed, upstream.exchange.clock.now())
        await wait("the filter", lambda: mirror.exchange.venue.instruments["LTCUSDT"].min_quantity == Decimal("0.05"))
        mirror.open_account(USDT=1_000_000)
        order: dict[str, Any] = {"side": "BUY", "type": "MARKET", "quantity": "0.04"}
        refused = await mirror.send("POST", "/api/v3/order", symbol="LTCUSDT", **order)
        assert refused[1]["msg"] == "Filter failure: LOT_SIZE"

    play(script, LTC, "LTCUSDT", 60, "2021-04-17T00:00:00Z")


def test_a_market_that_goes_away_is_halted() -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            upstream = await stack.enter_async_context(market_place((LTC,), "60x", parse_time("2021-04-17T00:00:00Z")))
            await stack.enter_async_context(ticking(upstream))
            async with mirrored(upstream.host, "LTCUSDT", 60) as mirror:
                await stack.aclose()
                await wait("the halt", lambda: status(mirror, "LTCUSDT") == "HALT")

    asyncio.run(run())


def test_a_market_that_is_not_there_is_named() -> None:
    async def run() -> None:
        with pytest.raises(LinkError, match=r"the market at http://127\.0\.0\.1:9 cannot be mirrored"):
            await Mirror(market_endpoints_at("http://127.0.0.1:9"), ("LTCUSDT",)).open()

    asyncio.run(run())
