"""The market as our client hears it from our exchange server: two sides of the wire, each by its own hand."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest

from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.streams import StreamSettings, Subscription, candles
from roottrading.adapters.exchange.binance.streams.binance_market import BinanceMarket, market_endpoints_at
from roottrading.adapters.exchange.binance.streams.candle_sequence import CandlePatience
from roottrading.adapters.exchange.binance.streams.local_book import LocalBook
from roottrading.adapters.exchange.binance.streams.observations import (
    BestQuote,
    BookLost,
    BookSnapshot,
    DepthChange,
    Level,
    MarketObservation,
    PublicTrade,
)
from roottrading.adapters.exchange.binance.streams.subscriptions import Kind
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.time import DAY, MINUTE, SECOND
from roottrading.exchange_server.socket_settings import SocketSettings
from roottrading.messages.exchange import InstrumentChanged, LinkChanged
from roottrading.messages.service import CandleObserved

from .exchange_server.market_place import FEED, LTC, TAPE_FROM, Place, market_place
from .market_streams_server import until

Script = Callable[[Place, BinanceMarket, list[MarketObservation]], Awaitable[None]]
LTC_CANDLES = candles("LTCUSDT", "1m")
QUICK = 600  # seconds of the exchange in one of the wall


def play(
    script: Script,
    paths: Sequence[Path],
    symbol: str,
    start: int | None,
    rate: int = 1,
    sockets: SocketSettings | None = None,
    lifetime: int = DAY,
) -> None:
    """Open our market on our exchange and run a script beside it; `lifetime` is that of our connections."""

    async def run() -> None:
        said: list[MarketObservation] = []
        async with market_place(paths, clock=f"{rate}x", start=start, sockets=sockets) as place:
            endpoints = market_endpoints_at(f"http://{place.host}")
            patience = CandlePatience(2 * SECOND * rate, 4 * SECOND * rate, SECOND * rate // 2)
            streams = StreamSettings(endpoints.streams, lifetime=lifetime, overlap=SECOND // 4, patience=patience)
            settings = LinkSettings(clock_rate=rate, reconcile_every=SECOND)
            market = BinanceMarket(endpoints, [symbol], said.append, settings=settings, streams=streams)
            await market.open()
            running = asyncio.create_task(market.run())
            try:
                async with until("the script's end", 60):
                    await script(place, market, said)
                assert not running.done(), running.exception()
                assert not market.streams.status().strangers
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await market.close()

    asyncio.run(run())


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


async def wait(what: str, done: Callable[[], bool]) -> None:
    async with until(what):
        while not done():
            await asyncio.sleep(0.005)


def closed(said: Sequence[MarketObservation]) -> list[tuple[Decimal, ...]]:
    """Return closed candles as rows of a tape: open time in milliseconds, prices, volume."""
    candles = [each.candle for each in said if isinstance(each, CandleObserved) and each.candle.closed]
    return [
        (Decimal(each.open_time // 1_000), each.open, each.high, each.low, each.close, each.volume) for each in candles
    ]


def rows_of(path: Path, first: int) -> list[tuple[Decimal, ...]]:
    """Read a tape by itself: its rows from an open time (microseconds) on."""
    rows = [tuple(map(Decimal, line.split(","))) for line in gzip.decompress(path.read_bytes()).decode().split()[1:]]
    return [row for row in rows if row[0] >= first // 1_000]


def test_candles_of_the_history_and_of_the_streams_are_the_tapes_across_a_cut() -> None:
    first = TAPE_FROM - 90 * MINUTE

    async def script(place: Place, market: BinanceMarket, said: list[MarketObservation]) -> None:
        async with ticking(place):
            market.follow([LTC_CANDLES], {LTC_CANDLES: first})
            await wait("the history and the first minutes", lambda: len(closed(said)) >= 100)
            place.exchange.streams.connections[0].cut()
            await wait("another connection", lambda: market.streams.status().attempts == 2)
            count = len(closed(said))
            await wait("all that was missed", lambda: len(closed(said)) >= count + 30)
        heard = closed(said)
        assert heard == rows_of(LTC, first)[: len(heard)]
        assert market.streams.status().counts["CandlesWanted"] >= 2

    play(script, [LTC], "LTCUSDT", TAPE_FROM, QUICK)


def test_our_clock_never_stands_before_the_end_of_a_closed_candle_that_was_delivered() -> None:
    """The exchange's time leaps by a minute here, so that ours, which goes on steadily, is far behind."""

    async def script(place: Place, market: BinanceMarket, said: list[MarketObservation]) -> None:
        market.follow([LTC_CANDLES])
        await wait("the connection", lambda: market.streams.status().serving == 1)
        for number in range(1, 4):
            place.pass_time(MINUTE)
            await wait("its candle", lambda number=number: len(closed(said)) == number)  # type: ignore[misc]
            assert market.now() == TAPE_FROM + number * MINUTE

    play(script, [LTC], "LTCUSDT", TAPE_FROM)


def test_a_symbol_that_is_halted_and_opened_again_is_told() -> None:
    async def script(place: Place, market: BinanceMarket, said: list[MarketObservation]) -> None:
        for status in ("HALT", "TRADING"):
            place.exchange.venue.set_status("LTCUSDT", status, place.exchange.clock.now())
            await wait(status, lambda status=status: market.instruments["LTCUSDT"].status == status)  # type: ignore[misc]
        changes = [each for each in said if isinstance(each, InstrumentChanged)]
        assert [(each.symbol, each.status) for each in changes] == [("LTCUSDT", "HALT"), ("LTCUSDT", "TRADING")]
        assert changes[-1].instrument == market.instruments["LTCUSDT"]

    play(script, [LTC], "LTCUSDT", TAPE_FROM)


def test_pings_and_the_days_end_scaled_down_are_lived_with() -> None:
    """The exchange pings three times a second, takes five messages a second, and cuts every connection after 2.5 s."""
    sockets = SocketSettings(ping_every=SECOND // 3, pong_within=SECOND, lifetime=5 * SECOND // 2)

    async def script(place: Place, market: BinanceMarket, said: list[MarketObservation]) -> None:
        async with ticking(place):
            market.follow([LTC_CANDLES], {LTC_CANDLES: TAPE_FROM})
            await wait("a fourth connection", lambda: market.streams.status().attempts == 4)
            count = len(closed(said))
            await wait("candles over it", lambda: len(closed(said)) >= count + 10)
            await wait(
                "the place's own count", lambda: market.streams.status().frames == place.exchange.traffic.written()
            )
        heard = closed(said)
        assert heard == rows_of(LTC, TAPE_FROM)[: len(heard)]
        ends = [each.reason for each in said if isinstance(each, LinkChanged) and each.state == "ended"]
        assert set(ends) == {"replaced by age"}  # never cut by the exchange: ours was there before

    play(script, [LTC], "LTCUSDT", TAPE_FROM, QUICK, sockets, lifetime=3 * SECOND // 2)


def test_what_the_exchange_does_to_a_connection_on_command_costs_no_candle() -> None:
    """A shutdown that is announced, a cut, a stall: each is followed by a new connection, and nothing is missing."""

    async def script(place: Place, market: BinanceMarket, said: list[MarketObservation]) -> None:
        streams = place.exchange.streams
        async with ticking(place):
            market.follow([LTC_CANDLES], {LTC_CANDLES: TAPE_FROM})
            await wait("candles", lambda: len(closed(said)) >= 5)
            streams.shut_down(streams.connections[0])
            await another(market, said, 2)
            streams.connections[-1].cut()
            await another(market, said, 3)
            streams.connections[-1].mute = True
            await another(market, said, 4)
        heard = closed(said)
        assert heard == rows_of(LTC, TAPE_FROM)[: len(heard)]
        ends = [each.reason for each in said if isinstance(each, LinkChanged) and each.state == "ended"]
        assert ends[:2] == ["the server shuts down", "cut"]
        assert ends[2].startswith("ltcusdt@kline_1m ")  # left out candles, or is silent

    async def another(market: BinanceMarket, said: list[MarketObservation], number: int) -> None:
        await wait(f"connection {number}", lambda: market.streams.status().attempts == number)
        ended = number - 1
        await wait(
            "the old one's end", lambda: sum(isinstance(e, LinkChanged) and e.state == "ended" for e in said) == ended
        )
        count = len(closed(said))
        await wait("ten more candles", lambda: len(closed(said)) >= count + 10)

    play(script, [LTC], "LTCUSDT", TAPE_FROM, QUICK)


def level(given: Level | None) -> tuple[str, str]:
    assert given is not None
    return f"{given[0]:f}", f"{given[1]:f}"


def trades(said: Sequence[MarketObservation]) -> list[int]:
    return [each.trade_id for each in said if isinstance(each, PublicTrade)]


def compare_with_quotes(said: Sequence[MarketObservation], quotes: Mapping[int, Any]) -> int:
    """Make a reader's own book of what was delivered, and compare it with the recorded quotes at common updates."""
    follower: LocalBook | None = None
    compared = 0
    for each in said:
        assert not isinstance(each, BookLost), each
        if isinstance(each, BookSnapshot):
            follower = LocalBook(each)
        elif isinstance(each, DepthChange):
            assert follower is not None
            follower.apply(each)
            if (told := quotes.get(each.last_id)) is not None:
                assert level(follower.best_bid) == (told["b"], told["B"])
                assert level(follower.best_ask) == (told["a"], told["A"])
                compared += 1
        elif isinstance(each, BestQuote):
            told = quotes[each.update_id]
            assert level((each.bid, each.bid_quantity)) == (told["b"], told["B"])
    return compared


def test_a_recorded_feed_is_heard_as_it_was_recorded() -> None:
    lines = gzip.decompress(FEED.read_bytes()).splitlines()
    events = [msgspec.json.decode(line.partition(b" ")[2]).get("data", {}) for line in lines]
    last = max(data["E"] for data in events if "E" in data) * 1_000
    quotes = {data["u"]: data for data in events if "a" in data and "e" not in data}
    prints = [data["t"] for data in events if data.get("e") == "trade"]
    kinds: tuple[Kind, ...] = ("depth", "best_quote", "trades")

    async def script(place: Place, market: BinanceMarket, said: list[MarketObservation]) -> None:
        market.follow([Subscription(kind, "BTCUSDT") for kind in kinds])
        await wait("the connection", lambda: market.streams.status().serving == 1)
        while place.exchange.clock.now() < last + SECOND:
            place.pass_time(100_000)
            # slowly until the snapshot has come, so that most of the recording meets a book
            await asyncio.sleep(0.05 if market.streams.book("BTCUSDT") is None else 0)
        await wait("the last print", lambda: bool(trades(said)) and trades(said)[-1] == prints[-1])
        heard = trades(said)
        assert heard == prints[prints.index(heard[0]) :]
        assert len(heard) > len(prints) // 2
        assert compare_with_quotes(said, quotes) > 10
        book = market.streams.book("BTCUSDT")
        assert book is not None
        whole, shown = book.snapshot(100), await place.get("depth", symbol="BTCUSDT", limit=100)
        assert book.last_id == shown["lastUpdateId"]
        assert [[*level(each)] for each in whole.bids] == shown["bids"]
        assert [[*level(each)] for each in whole.asks] == shown["asks"]

    play(script, [FEED], "BTCUSDT", None)


def test_a_symbol_that_is_not_listed_is_an_error_that_says_so() -> None:
    async def script(place: Place, market: BinanceMarket, said: list[MarketObservation]) -> None:
        raise AssertionError("it opened")

    with pytest.raises(LinkError, match="Invalid symbol"):
        play(script, [LTC], "NOSUCHUSDT", TAPE_FROM)


def test_an_exchange_that_does_not_answer_is_an_error_that_says_what_to_look_at() -> None:
    async def run() -> None:
        market = BinanceMarket(market_endpoints_at("http://127.0.0.1:9"), ["BTCUSDT"], lambda said: None)
        with pytest.raises(LinkError, match="does not tell its time"):
            await market.open()

    asyncio.run(run())


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write http"):
        market_endpoints_at(url)
