"""A tape of candles over the wire: streams, their rules, and REST's answers about the market."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import WSMsgType

from roottrading.adapters.tape import read_tape, shipped_tape
from roottrading.domain.columns import candle_at
from roottrading.domain.time import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from roottrading.exchange_server.socket_settings import SocketSettings
from tests.integration.exchange_server.market_place import LTC, TAPE_FROM, Place, market_place, read, said

Script = Callable[[Place], Awaitable[None]]


def play(script: Script, clock: str = "real", sockets: SocketSettings | None = None) -> None:
    async def run() -> None:
        async with market_place([LTC], clock, sockets=sockets) as place:
            await script(place)

    asyncio.run(asyncio.wait_for(run(), 60))


def taped(minute: int) -> Any:
    """Return a candle of the tape itself, minutes after the market's begin."""
    candles = read_tape(shipped_tape(), ["LTCUSDT"])["LTCUSDT"]
    row = int((candles.open_time == TAPE_FROM + minute * MINUTE).argmax())
    return candle_at(candles, row)


# ---- streams


def test_a_candle_grows_at_its_thirds_and_closes() -> None:
    async def script(place: Place) -> None:
        async with place.socket("/ws/ltcusdt@kline_1m") as socket:
            await said(socket)
            told = []
            for _ in range(60):
                place.pass_time(SECOND)
                told += [message["k"] for message in await said(socket)]
            candle = taped(0)
            assert [Decimal(kline["c"]) for kline in told] == [candle.low, candle.high, candle.close]
            assert [kline["x"] for kline in told] == [False, False, True]
            closed = told[-1]
            assert [Decimal(closed[key]) for key in "ohlcv"] == [
                candle.open,
                candle.high,
                candle.low,
                candle.close,
                candle.volume,
            ]
            assert (closed["t"], closed["T"]) == (TAPE_FROM // 1000, TAPE_FROM // 1000 + 59_999)
            assert (closed["n"], closed["L"] - closed["f"]) == (4, 3)

    play(script)


@pytest.mark.parametrize("clock", ["real", "stepped"])
def test_every_candle_closes_once_and_in_order(clock: str) -> None:
    async def script(place: Place) -> None:
        names = "/".join(f"ltcusdt@kline_{interval}" for interval in ("1m", "3m", "15m", "1h"))
        async with place.socket(f"/stream?streams={names}") as socket:
            await said(socket)
            if clock == "real":
                place.pass_time(2 * HOUR)
            else:
                place.exchange.clock.step(until=TAPE_FROM + 2 * HOUR)  # type: ignore[union-attr]
            closed: dict[str, list[Any]] = {}
            for message in await said(socket):
                kline = message["data"]["k"]
                if kline["x"]:
                    closed.setdefault(kline["i"], []).append(kline)
            assert {interval: len(klines) for interval, klines in closed.items()} == {
                "1m": 120,
                "3m": 40,
                "15m": 8,
                "1h": 2,
            }
            for interval, klines in closed.items():
                rows = await place.get(
                    "klines", symbol="LTCUSDT", interval=interval, startTime=TAPE_FROM // 1000, limit=len(klines)
                )
                assert [[kline[key] for key in "tohlcvTqnVQ"] for kline in klines] == [row[:11] for row in rows]

    play(script, clock)


def test_the_first_of_many_streams_is_the_market_as_it_goes() -> None:
    async def script(place: Place) -> None:
        names = ["trade", "aggTrade", "bookTicker", "depth@100ms", "depth5@100ms", "ticker", "ticker_1h", "miniTicker"]
        streams = "/".join(f"ltcusdt@{name}" for name in [*names, "avgPrice"])
        async with place.socket(f"/stream?streams={streams}/!miniTicker@arr/!ticker_4h@arr") as socket:
            await said(socket)
            snapshot = await place.get("depth", symbol="LTCUSDT")
            for _ in range(24):
                place.pass_time(5 * SECOND)
            place.pass_time(SECOND)  # for what speaks once a second
            told: dict[str, list[Any]] = {}
            for message in await said(socket):
                told.setdefault(message["stream"], []).append(message["data"])
        assert set(told) == {f"ltcusdt@{name}" for name in [*names, "avgPrice"]} | {"!miniTicker@arr", "!ticker_4h@arr"}
        trades = told["ltcusdt@trade"]
        assert [trade["t"] for trade in trades] == list(range(trades[0]["t"], trades[0]["t"] + len(trades)))
        assert [(each["p"], each["q"], each["T"]) for each in told["ltcusdt@aggTrade"]] == [
            (each["p"], each["q"], each["T"]) for each in trades
        ]
        book: dict[str, str] = dict(snapshot["bids"])
        for diff, best, levels in zip(
            told["ltcusdt@depth@100ms"], told["ltcusdt@bookTicker"], told["ltcusdt@depth5@100ms"], strict=True
        ):
            assert diff["u"] == best["u"] == levels["lastUpdateId"]
            book |= dict(diff["b"])
            book = {price: quantity for price, quantity in book.items() if Decimal(quantity)}
            assert list(book.items()) == [(best["b"], best["B"])] == [tuple(level) for level in levels["bids"]]
        assert told["ltcusdt@ticker"][-1]["c"] == trades[-1]["p"]
        assert told["!miniTicker@arr"][-1][0]["c"] == trades[-1]["p"]
        assert told["ltcusdt@ticker_1h"][-1]["e"] == "1hTicker"

    play(script)


def test_raw_and_wrapped_and_microseconds() -> None:
    async def script(place: Place) -> None:
        paths = ["/ws/ltcusdt@trade", "/stream?streams=ltcusdt@trade&timeUnit=MICROSECOND", "/stream/ws/ltcusdt@trade"]
        async with place.socket(paths[0]) as raw, place.socket(paths[1]) as fine, place.socket(paths[2]) as below:
            for socket in (raw, fine, below):
                await said(socket)
            place.pass_time(20 * SECOND)
            plain, wrapped, again = await read(raw), await read(fine), await read(below)
            assert plain["e"] == "trade"
            assert wrapped["stream"] == "ltcusdt@trade"
            assert wrapped["data"]["T"] == plain["T"] * 1000 + 0
            assert again["data"] == plain
            await raw.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 1})
            assert await read(raw) == {"result": None, "id": 1}
            place.pass_time(20 * SECOND)
            assert set(await read(raw)) == {"stream", "data"}

    play(script)


def test_joining_and_leaving_while_it_goes() -> None:
    async def script(place: Place) -> None:
        async with place.socket("/ws") as socket:
            place.pass_time(MINUTE)
            assert await said(socket) == []
            await socket.send_json({"method": "SUBSCRIBE", "params": ["ltcusdt@trade", "nobody@trade"], "id": "x"})
            assert await read(socket) == {"result": None, "id": "x"}
            place.pass_time(MINUTE)
            assert {message["e"] for message in await said(socket)} == {"trade"}
            await socket.send_json({"method": "UNSUBSCRIBE", "params": ["ltcusdt@trade"], "id": None})
            assert await read(socket) == {"result": None, "id": None}
            place.pass_time(MINUTE)
            assert await said(socket) == []
            await socket.send_str("rubbish")
            assert (await read(socket))["error"]["code"] == 3

    play(script)


def test_more_than_five_messages_a_second_end_the_connection() -> None:
    async def script(place: Place) -> None:
        async with place.socket("/ws") as socket:
            for number in range(6):
                await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            answers = []
            while (message := await socket.receive(10)).type is WSMsgType.TEXT:
                answers.append(message.data)
            assert message.type is WSMsgType.CLOSE
            assert message.data == 1008
            assert len(answers) <= 5

    play(script, sockets=SocketSettings())


@pytest.mark.parametrize(("streams", "stays"), [(1024, True), (1025, False)])
def test_at_most_1024_streams_a_connection(streams: int, stays: bool) -> None:
    async def script(place: Place) -> None:
        async with place.socket("/ws") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": [f"s{n}@trade" for n in range(streams)], "id": 1})
            kinds = [(await socket.receive(10)).type]
            if not stays:
                while kinds[-1] is WSMsgType.TEXT:
                    kinds.append((await socket.receive(10)).type)
            assert (kinds[-1] is WSMsgType.TEXT) is stays

    play(script)


def test_pings_carry_a_payload_and_who_answers_none_is_dropped() -> None:
    async def script(place: Place) -> None:
        async with place.session.ws_connect(f"ws://{place.host}/ws/ltcusdt@trade", autoping=False) as socket:
            ping = await socket.receive(10)
            assert ping.type is WSMsgType.PING
            assert ping.data
            await socket.pong(ping.data)
            assert (await socket.receive(10)).type is WSMsgType.PING
            assert (await socket.receive(10)).type in {WSMsgType.CLOSED, WSMsgType.ERROR}

    quick = SocketSettings(ping_every=20 * MILLISECOND, pong_within=60 * MILLISECOND)
    play(script, sockets=quick)


def test_a_connection_ends_after_its_lifetime() -> None:
    async def script(place: Place) -> None:
        async with place.socket("/ws/ltcusdt@trade") as socket:
            assert (await socket.receive(10)).type is WSMsgType.CLOSE

    play(script, sockets=SocketSettings(lifetime=100 * MILLISECOND))


# ---- REST


def test_statistics_of_a_day() -> None:
    async def script(place: Place) -> None:
        place.pass_time(6 * HOUR + 30 * SECOND)
        now = place.exchange.clock.now()
        shown = await place.get("ticker/24hr", symbol="LTCUSDT")
        start = (now - DAY) // MINUTE * MINUTE // 1000
        rows = await place.get("klines", symbol="LTCUSDT", interval="1m", startTime=start, limit=1000)
        rows += await place.get("klines", symbol="LTCUSDT", interval="1m", startTime=rows[-1][6] + 1, limit=1000)
        assert (shown["openPrice"], shown["lastPrice"]) == (rows[0][1], rows[-1][4])
        assert Decimal(shown["highPrice"]) == max(Decimal(row[2]) for row in rows)
        assert Decimal(shown["lowPrice"]) == min(Decimal(row[3]) for row in rows)
        assert Decimal(shown["volume"]) == sum((Decimal(row[5]) for row in rows), Decimal(0))
        assert shown["count"] == sum(row[8] for row in rows)
        assert Decimal(shown["priceChange"]) == Decimal(rows[-1][4]) - Decimal(rows[0][1])
        assert set(await place.get("ticker/24hr", symbol="LTCUSDT", type="MINI")) < set(shown)
        window = await place.get("ticker", symbol="LTCUSDT", windowSize="2h")
        assert window["volume"] != shown["volume"]
        today = await place.get("ticker/tradingDay", symbols='["LTCUSDT"]')
        assert today[0]["openTime"] == TAPE_FROM // 1000

    play(script)


def test_prices_quotes_and_the_book_agree() -> None:
    async def script(place: Place) -> None:
        place.pass_time(MINUTE + 20 * SECOND)
        depth = await place.get("depth", symbol="LTCUSDT")
        (best,) = await place.get("ticker/bookTicker")
        assert [best["bidPrice"], best["bidQty"]] == depth["bids"][0]
        assert [best["askPrice"], best["askQty"]] == depth["asks"][0]
        (last,) = await place.get("trades", symbol="LTCUSDT", limit=1)
        assert (await place.get("ticker/price", symbol="LTCUSDT"))["price"] == last["price"]
        assert Decimal(last["price"]) == taped(1).low
        average = await place.get("avgPrice", symbol="LTCUSDT")
        assert average["mins"] == 5

    play(script)


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("klines", {"symbol": "LTCUSDT", "interval": "7m"}, -1120),
        ("klines", {"symbol": "LTCUSDT"}, -1102),
        ("klines", {"symbol": "XYZ", "interval": "1m"}, -1121),
        ("klines", {"symbol": "ltcusdt", "interval": "1m"}, -1100),
        ("klines", {"symbol": "LTCUSDT", "interval": "1m", "timeZone": "Mars"}, -1130),
        ("klines", {"symbol": "LTCUSDT", "interval": "1m", "limit": "x"}, -1100),
        ("aggTrades", {"symbol": "LTCUSDT", "fromId": "1", "startTime": "1"}, -1128),
        ("ticker", {}, -1102),
        ("ticker", {"symbol": "LTCUSDT", "windowSize": "9d"}, -1130),
        ("ticker/price", {"symbols": '["LTCUSDT","LTCUSDT"]'}, -1151),
        ("ticker/price", {"symbols": '["LTCUSDT"]', "symbol": "LTCUSDT"}, -1128),
        ("ticker/24hr", {"type": "HUGE"}, -1130),
        ("depth", {"symbol": "LTCUSDT", "color": "red"}, -1104),
    ],
)
def test_wrong_questions_have_binance_s_codes(path: str, query: dict[str, str], code: int) -> None:
    async def script(place: Place) -> None:
        assert (await place.get(path, **query))["code"] == code

    play(script)


def test_the_same_questions_over_the_websocket_api() -> None:
    questions: list[tuple[str, str, dict[str, Any]]] = [
        ("depth", "depth", {"symbol": "LTCUSDT", "limit": 5}),
        ("trades.recent", "trades", {"symbol": "LTCUSDT", "limit": 3}),
        ("trades.historical", "historicalTrades", {"symbol": "LTCUSDT", "fromId": 7, "limit": 3}),
        ("trades.aggregate", "aggTrades", {"symbol": "LTCUSDT", "limit": 3}),
        ("klines", "klines", {"symbol": "LTCUSDT", "interval": "1h", "limit": 3}),
        ("uiKlines", "uiKlines", {"symbol": "LTCUSDT", "interval": "1w", "limit": 3}),
        ("avgPrice", "avgPrice", {"symbol": "LTCUSDT"}),
        ("ticker.24hr", "ticker/24hr", {"symbol": "LTCUSDT"}),
        ("ticker.price", "ticker/price", {}),
        ("ticker.book", "ticker/bookTicker", {}),
    ]

    async def script(place: Place) -> None:
        place.pass_time(HOUR)
        async with place.socket("/ws-api/v3") as socket:
            for method, path, parameters in questions:
                await socket.send_json({"id": method, "method": method, "params": parameters})
                answer = await read(socket)
                assert answer["result"] == await place.get(path, **parameters)

    play(script)


# ---- orders in a spread candle


def test_fills_of_a_candle_share_a_tenth_of_its_volume() -> None:
    async def script(place: Place) -> None:
        place.open_account(USDT=10**9, LTC=10**6)
        allowance = taped(0).volume / 10 // Decimal("0.001") * Decimal("0.001")
        order: dict[str, Any] = {"symbol": "LTCUSDT", "type": "MARKET"}
        price = Decimal((await place.get("ticker/price", symbol="LTCUSDT"))["price"])
        _, bought = await place.send("POST", "/api/v3/order", **order, side="BUY", quantity=allowance - 1)
        assert (bought["status"], Decimal(bought["fills"][0]["price"])) == ("FILLED", (price * 10 // 1 + 1) / 10)
        place.pass_time(40 * SECOND)
        _, sold = await place.send("POST", "/api/v3/order", **order, side="SELL", quantity=5)
        assert (sold["status"], sold["executedQty"]) == ("EXPIRED", "1.00000000")
        place.pass_time(20 * SECOND)
        _, again = await place.send("POST", "/api/v3/order", **order, side="SELL", quantity=5)
        assert again["status"] == "FILLED"

    play(script)


def test_a_resting_order_waits_for_the_low_of_its_candle() -> None:
    async def script(place: Place) -> None:
        place.open_account(USDT=10_000)
        low = next(taped(minute) for minute in range(9) if taped(minute).low < taped(minute).open - Decimal("0.3"))
        place.pass_time(low.open_time - TAPE_FROM)
        limit: dict[str, Any] = {
            "type": "LIMIT",
            "timeInForce": "GTC",
            "price": low.low // Decimal("0.1") / 10 + Decimal("0.2"),
        }
        _, order = await place.send("POST", "/api/v3/order", symbol="LTCUSDT", side="BUY", quantity="0.1", **limit)
        assert order["status"] == "NEW"
        for seconds, status in ((19, "NEW"), (2, "FILLED")):
            place.pass_time(seconds * SECOND)
            _, shown = await place.send("GET", "/api/v3/order", symbol="LTCUSDT", orderId=order["orderId"])
            assert shown["status"] == status
        assert shown["updateTime"] == (low.open_time + 20 * SECOND) // 1000

    play(script)
