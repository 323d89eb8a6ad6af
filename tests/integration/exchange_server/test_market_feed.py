"""A recorded feed, as any client sees it over the wire: the recorded book at every update id, and the candles exactly.

What is recorded is read here by itself, line by line, from the file.
"""

import asyncio
import gzip
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roottrading.domain.time import MILLISECOND, MINUTE
from tests.integration.exchange_server.market_place import FEED, Place, market_place, read, said
from tests.recorded import shared_data

Book = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


class Recording:
    """What the file says."""

    def __init__(self, path: Path) -> None:
        self.diffs: list[Any] = []
        self.trades: list[Any] = []
        self.bests: dict[int, Any] = {}
        self.snapshot: Any = None
        for line in gzip.decompress(path.read_bytes()).splitlines():
            message = msgspec.json.decode(line.partition(b" ")[2])
            data = message.get("data", message)
            if "lastUpdateId" in data:
                self.snapshot = data
            elif data.get("e") == "depthUpdate":
                self.diffs.append(data)
            elif data.get("e") == "trade":
                self.trades.append(data)
            else:
                self.bests[data["u"]] = data

    def books(self) -> dict[int, Book]:
        """Return the book after every change, by update id."""
        book = levels(self.snapshot["bids"]), levels(self.snapshot["asks"])
        found = {self.snapshot["lastUpdateId"]: (dict(book[0]), dict(book[1]))}
        for diff in self.diffs:
            if diff["u"] > self.snapshot["lastUpdateId"]:
                change(book, diff)
                found[diff["u"]] = (dict(book[0]), dict(book[1]))
        return found


def levels(rows: list[list[str]]) -> dict[Decimal, Decimal]:
    return {Decimal(price): Decimal(quantity) for price, quantity in rows}


def change(book: Book, diff: Any) -> None:
    for side, rows in ((book[0], diff["b"]), (book[1], diff["a"])):
        for price, quantity in rows:
            if Decimal(quantity):
                side[Decimal(price)] = Decimal(quantity)
            else:
                side.pop(Decimal(price), None)


def best(book: Book) -> tuple[Any, ...]:
    bid, ask = max(book[0]), min(book[1])
    return bid, book[0][bid], ask, book[1][ask]


async def follow(place: Place, symbol: str, recording: Recording) -> tuple[int, int]:
    """Follow the book as the documentation says, and compare it at every update id; count changes and common quotes."""
    expected = recording.books()
    name = symbol.lower()
    last = recording.diffs[-1]["E"] * MILLISECOND
    diffs, common = 0, 0
    async with place.socket(f"/stream?streams={name}@depth@100ms/{name}@bookTicker/{name}@trade") as socket:
        snapshot = await place.get("depth", symbol=symbol, limit=5000)
        book, update = (levels(snapshot["bids"]), levels(snapshot["asks"])), snapshot["lastUpdateId"]
        assert update in list(expected)[:2]
        first = update
        assert book == expected[update]
        trades = []
        while place.exchange.clock.now() < last + MINUTE:
            place.pass_time(100 * MILLISECOND if place.exchange.clock.now() < last else 2 * MINUTE)
            for message in await said(socket):
                data = message["data"]
                if message["stream"].endswith("@trade"):
                    trades.append(data)
                elif message["stream"].endswith("@bookTicker"):
                    assert data == recording.bests[data["u"]]
                elif data["u"] > update:
                    assert data["U"] <= update + 1
                    change(book, data)
                    update = data["u"]
                    diffs += 1
                    assert book == expected[update]
                    if update in recording.bests:
                        told = recording.bests[update]
                        assert best(book) == tuple(Decimal(told[key]) for key in ("b", "B", "a", "A"))
                        common += 1
        shown = await place.get("depth", symbol=symbol, limit=5000)
        assert shown["lastUpdateId"] == update
        both = sorted(book[0], reverse=True)[:5000], sorted(book[1])[:5000]
        assert [Decimal(price) for price, _ in shown["bids"]] == both[0]
        assert [Decimal(price) for price, _ in shown["asks"]] == both[1]
    assert diffs == sum(diff["u"] > first for diff in recording.diffs)
    told = {trade["t"]: trade for trade in recording.trades}
    assert [trade["t"] for trade in trades] == [number for number in told if number >= trades[0]["t"]]
    for trade in trades:
        assert {key: trade[key] for key in ("p", "q", "T", "m")} == {key: told[trade["t"]][key] for key in "pqTm"}
    return diffs, common


def folded(recording: Recording) -> dict[int, tuple[Any, ...]]:
    """Return the recorded trades' minutes: open, high, low, close, volume and how many."""
    minutes: dict[int, list[Any]] = {}
    for trade in recording.trades:
        minutes.setdefault(trade["T"] // 60_000 * 60_000, []).append(trade)
    found = {}
    for opened, trades in minutes.items():
        prices = [Decimal(trade["p"]) for trade in trades]
        volume = sum((Decimal(trade["q"]) for trade in trades), Decimal(0))
        found[opened] = (prices[0], max(prices), min(prices), prices[-1], volume, len(trades))
    return found


def test_a_client_sees_the_recorded_book_at_every_update_id() -> None:
    async def run() -> tuple[int, int]:
        async with market_place([FEED], start=None) as place:
            return await follow(place, "BTCUSDT", Recording(FEED))

    diffs, common = asyncio.run(run())
    assert diffs > 1_000
    assert common > 30


def test_candles_are_those_of_the_recorded_trades_over_rest_and_stream() -> None:
    recording = Recording(FEED)
    expected = folded(recording)

    async def run() -> None:
        async with market_place([FEED], start=None) as place, place.socket("/ws/btcusdt@kline_1m") as socket:
            await said(socket)
            closed = []
            for _ in range(4):
                place.pass_time(30_000 * MILLISECOND)
                closed += [each["k"] for each in await said(socket) if each["k"]["x"]]
            rows = await place.get("klines", symbol="BTCUSDT", interval="1m", limit=1000)
            assert {row[0] for row in rows} >= set(expected)
            for row in rows:
                if row[0] in expected:
                    assert (*(Decimal(text) for text in row[1:6]), row[8]) == expected[row[0]]
            assert [kline["t"] for kline in closed] == [
                row[0] for row in rows if row[6] < place.exchange.clock.now() // 1000
            ][-len(closed) :]
            for kline in closed:
                assert (*(Decimal(kline[key]) for key in "ohlcv"), kline["n"]) == expected[kline["t"]]
            assert len(closed) >= 2

    asyncio.run(run())


def test_the_published_candle_is_the_recorded_minute() -> None:
    """23:55 UTC as Binance's archive has it."""

    async def run() -> list[Any]:
        async with market_place([FEED], start=None) as place:
            place.pass_time(2 * MINUTE)
            rows = await place.get("klines", symbol="BTCUSDT", interval="1m", startTime=1723161300000, limit=1)
            return list(rows[0])

    row = asyncio.run(run())
    assert row[1:6] == ["61828.00000000", "61860.80000000", "61780.00000000", "61782.25000000", "15.07702000"]


def test_trades_over_rest_are_those_of_the_recording() -> None:
    recording = Recording(FEED)

    async def run() -> None:
        async with market_place([FEED], start=None) as place:
            place.pass_time(MINUTE)
            now = place.exchange.clock.now()
            known = [trade for trade in recording.trades if trade["T"] * MILLISECOND <= now]
            shown = await place.get("trades", symbol="BTCUSDT", limit=1000)
            assert [each["id"] for each in shown] == [trade["t"] for trade in known[-1000:]]
            assert [each["price"] for each in shown] == [trade["p"] for trade in known[-1000:]]
            first = known[5]["t"]
            old = await place.get("historicalTrades", symbol="BTCUSDT", fromId=first, limit=10)
            assert [each["id"] for each in old] == list(range(first, first + 10))
            joined = await place.get("aggTrades", symbol="BTCUSDT", fromId=1, limit=1000)
            assert joined[0]["f"] == known[0]["t"]
            for one, following in pairwise(joined):
                assert following["f"] == one["l"] + 1
            by_id = {trade["t"]: trade for trade in known}
            for each in joined[:200]:
                parts = [by_id[number] for number in range(each["f"], each["l"] + 1)]
                assert Decimal(each["q"]) == sum((Decimal(part["q"]) for part in parts), Decimal(0))
                assert {(part["p"], part["T"], part["m"]) for part in parts} == {(each["p"], each["T"], each["m"])}

    asyncio.run(run())


@pytest.mark.shared_data
@pytest.mark.parametrize(("symbol", "least"), [("BTCUSDT", 500), ("ETHUSDT", 500)])
def test_the_whole_feed_is_seen_as_it_was_recorded(symbol: str, least: int) -> None:
    path = shared_data("messages", "ws_raw_feed", f"{symbol.lower()}_20240808.gz")

    async def run() -> tuple[int, int]:
        async with market_place([path], start=None) as place:
            return await follow(place, symbol, Recording(path))

    diffs, common = asyncio.run(run())
    assert diffs > 3_000
    assert common >= least


PUBLISHED = {  # open time, open, high, low, close and volume of 23:55 to 23:59 UTC, as Binance's archive has them
    "BTCUSDT": (
        "1723161300000 61828.00 61860.80 61780.00 61782.25 15.07702",
        "1723161360000 61782.25 61782.26 61723.99 61727.66 15.49778",
        "1723161420000 61727.66 61735.99 61651.01 61652.01 59.29235",
        "1723161480000 61652.00 61745.27 61583.22 61717.63 77.14202",
        "1723161540000 61717.64 61743.50 61666.17 61685.99 32.41946",
    ),
    "ETHUSDT": (
        "1723161300000 2682.97 2684.15 2681.80 2682.81 275.4822",
        "1723161360000 2682.80 2683.20 2681.45 2682.41 163.1063",
        "1723161420000 2682.41 2682.42 2679.30 2679.30 236.7734",
        "1723161480000 2679.31 2683.98 2679.00 2683.98 501.5872",
        "1723161540000 2683.98 2685.37 2682.34 2682.50 914.6337",
    ),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("symbol", PUBLISHED)
def test_the_whole_feed_s_minutes_are_the_archive_s(symbol: str) -> None:
    path = shared_data("messages", "ws_raw_feed", f"{symbol.lower()}_20240808.gz")
    published = [[Decimal(text) for text in row.split()] for row in PUBLISHED[symbol]]

    async def run() -> list[Any]:
        async with market_place([path], start=None) as place:
            place.pass_time(10 * MINUTE)
            return list(await place.get("klines", symbol=symbol, interval="1m", startTime=1723161300000, limit=5))

    assert [[Decimal(text) for text in row[:6]] for row in asyncio.run(run())] == published


def test_reading_a_stream_raw() -> None:
    async def run() -> Any:
        async with market_place([FEED], start=None) as place, place.socket("/ws/btcusdt@bookTicker") as socket:
            place.pass_time(MINUTE)
            return await read(socket)

    message = asyncio.run(run())
    assert set(message) == {"u", "s", "b", "B", "a", "A"}
