"""Answers of REST into candles, prints and books; recorded ones read to the last digit."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec
import pytest

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.calls import Parameters
from roottrading.adapters.exchange.binance.streams.history import HistoryUnavailable
from roottrading.adapters.exchange.binance.streams.observations import BookSnapshot, FullCandle, PublicTrade
from roottrading.adapters.exchange.binance.streams.rest_history import RestHistory
from roottrading.domain.candle import Candle
from roottrading.domain.time import DAY, MINUTE, SECOND, duration
from tests.recorded import shared_data

Found = TypeVar("Found")
T0 = 1_672_515_780_000_000
PRICES = ["0.0010", "0.0025", "0.0005", "0.0020"]
KLINE: list[Any] = [1672515780000, *PRICES, "1000", 1672515839999, "1", 100, "500", "0.5", "0"]
CANDLE = Candle(
    "BNBBTC", "1m", T0, Decimal("0.0010"), Decimal("0.0025"), Decimal("0.0005"), Decimal("0.0020"), Decimal(1000)
)


def asked(
    told: Answer, question: Callable[[RestHistory], Awaitable[Found]], now: int = T0 + DAY
) -> tuple[Found, tuple[str, Parameters, int]]:
    """Put a question to a history whose exchange gives one answer; return what came of it and what was asked.

    `now` is the exchange's clock.
    """
    questions: list[tuple[str, Parameters, int]] = []

    async def ask(path: str, params: Parameters, weight: int) -> Answer:
        if path == "/api/v3/time":
            return Success({"serverTime": now}, 0)
        questions.append((path, params, weight))
        return told

    async def run() -> Found:
        return await question(RestHistory(ask))

    return asyncio.run(run()), questions[0]


def test_candles_are_asked_for_by_their_open_times() -> None:
    found, question = asked(Success([KLINE], 0), lambda each: each.klines("BNBBTC", "1m", T0, T0 + 5 * MINUTE))
    assert found == [CANDLE]
    params = {"symbol": "BNBBTC", "interval": "1m", "startTime": 1672515780000, "endTime": 1672516079999, "limit": 1000}
    assert question == ("/api/v3/klines", params, 2)


def test_all_that_is_said_of_a_candle_can_be_had_with_it() -> None:
    found, question = asked(Success([KLINE], 0), lambda each: each.full_klines("BNBBTC", "1m", T0, T0 + MINUTE))
    assert found == [FullCandle(CANDLE, Decimal(1), 100, Decimal(500), Decimal("0.5"))]
    assert question[0] == "/api/v3/klines"
    short = Success([KLINE[:8]], 0)
    with pytest.raises(HistoryUnavailable, match="makes no sense"):
        asked(short, lambda each: each.full_klines("BNBBTC", "1m", T0, T0 + MINUTE))


def test_the_newest_trades_are_asked_for_without_an_id() -> None:
    row = {"id": 28457, "price": "4.00000100", "qty": "12.0", "time": 1499865549590, "isBuyerMaker": True}
    found, question = asked(Success([row], 0), lambda each: each.newest_trades("BNBBTC"))
    at, ids = 1_499_865_549_590_000, (28457, 28457)
    assert found == [PublicTrade("BNBBTC", False, 28457, Decimal("4.000001"), Decimal(12), at, True, *ids)]
    assert question == ("/api/v3/trades", {"symbol": "BNBBTC", "limit": 1000}, 25)


def test_times_in_microseconds_are_the_same_times() -> None:
    micro = [1672515780000000, *KLINE[1:6], 1672515839999999, *KLINE[7:]]
    assert asked(Success([micro], 0), lambda each: each.klines("BNBBTC", "1m", T0, T0 + MINUTE))[0] == [CANDLE]


def test_candles_that_are_not_over_by_the_exchanges_clock_are_not_asked_for() -> None:
    def found(now: int) -> Any:
        return asked(Success([], 0), lambda each: each.klines("BNBBTC", "1m", T0, T0 + MINUTE), now)[0]

    with pytest.raises(HistoryUnavailable, match="ours is ahead"):
        found(T0 + MINUTE + SECOND - 1)
    assert found(T0 + MINUTE + SECOND) == []


def test_a_candle_that_is_told_beyond_its_span_and_not_over_is_not_closed() -> None:
    following = [KLINE[0] + 60_000, *KLINE[1:6], KLINE[6] + 60_000, *KLINE[7:]]
    told = Success([KLINE, following], 0)
    found, _ = asked(told, lambda each: each.klines("BNBBTC", "1m", T0, T0 + MINUTE), T0 + MINUTE + 2 * SECOND)
    assert [each.closed for each in found] == [True, False]


@pytest.mark.parametrize("told", [Success({}, 0), Success({"serverTime": "now"}, 0), Silence("cut")])
def test_a_clock_that_tells_no_time_gives_no_candles(told: Answer) -> None:
    async def ask(path: str, params: Parameters, weight: int) -> Answer:
        return told if path == "/api/v3/time" else Success([KLINE], 0)

    with pytest.raises(HistoryUnavailable, match="time of BNBBTC"):
        asyncio.run(RestHistory(ask).klines("BNBBTC", "1m", T0, T0 + MINUTE))


def test_prints_beyond_the_last_that_was_asked_for_are_left_out() -> None:
    row = {"p": "0.001", "q": "100", "f": 100, "l": 105, "T": 1672515782136, "m": True, "M": True}
    told = Success([{**row, "a": number} for number in (7, 8, 9)], 0)
    found, question = asked(told, lambda each: each.public_trades("BNBBTC", True, 7, 8))
    assert question == ("/api/v3/aggTrades", {"symbol": "BNBBTC", "fromId": 7, "limit": 2}, 4)
    at = 1_672_515_782_136_000
    assert found == [
        PublicTrade("BNBBTC", True, number, Decimal("0.001"), Decimal(100), at, True, 100, 105) for number in (7, 8)
    ]


def test_single_prints_come_from_the_historical_trades() -> None:
    row = {"id": 28457, "price": "4.0", "qty": "12.0", "quoteQty": "48.0", "time": 1499865549590, "isBuyerMaker": True}
    found, question = asked(Success([row], 0), lambda each: each.public_trades("BNBBTC", False, 28457, 28457))
    assert question[0] == "/api/v3/historicalTrades"
    at = 1_499_865_549_590_000
    assert found == [PublicTrade("BNBBTC", False, 28457, Decimal(4), Decimal(12), at, True, 28457, 28457)]


def test_a_book() -> None:
    told = Success({"lastUpdateId": 1027024, "bids": [["4.00", "431.0"]], "asks": [["4.02", "12.0"]]}, 0)
    found, question = asked(told, lambda each: each.depth("BNBBTC"))
    assert question == ("/api/v3/depth", {"symbol": "BNBBTC", "limit": 1000}, 50)
    bids, asks = ((Decimal("4.00"), Decimal("431.0")),), ((Decimal("4.02"), Decimal("12.0")),)
    assert found == BookSnapshot("BNBBTC", 1027024, bids, asks)


SENSELESS: list[Any] = [
    None, {}, "text", 7, [7], [[]], [KLINE[:5]], [[*KLINE[:4], 0.002, *KLINE[5:]]], [[*KLINE[:4], "NaN", *KLINE[5:]]],
    [["1672515780000", *KLINE[1:]]], [[1672515780001, *KLINE[1:]]], {"lastUpdateId": 1}, [{"a": 1}],
    {"lastUpdateId": -1, "bids": [], "asks": []}, {"lastUpdateId": 1, "bids": [["1"]], "asks": []},
    {"lastUpdateId": 1, "bids": [["0", "1"]], "asks": []},
]  # fmt: skip


@pytest.mark.parametrize("told", [*(Success(told, 0) for told in SENSELESS), Silence("cut"), NotSent(-1003, "limit")])
@pytest.mark.parametrize("what", ["klines", "trades", "prints", "depth"])
def test_anything_but_a_sensible_answer_is_none(told: Answer, what: str) -> None:
    questions: dict[str, Callable[[RestHistory], Awaitable[Any]]] = {
        "klines": lambda each: each.klines("BNBBTC", "1m", T0, T0 + MINUTE),
        "trades": lambda each: each.public_trades("BNBBTC", True, 1, 2),
        "prints": lambda each: each.public_trades("BNBBTC", False, 1, 2),
        "depth": lambda each: each.depth("BNBBTC"),
    }
    with pytest.raises(HistoryUnavailable, match="BNBBTC"):
        asked(told, questions[what])


@pytest.mark.shared_data
def test_recorded_answers() -> None:
    path = shared_data("messages", "rest", "recorded_rest_spot.jsonl.gz")
    read = 0
    for line in gzip.decompress(path.read_bytes()).splitlines():
        each = msgspec.json.decode(line)
        query = {name: values[0] for name, values in parse_qs(each["query"]).items()}
        told = Success(each["response"], 0)
        match each["path"]:
            case "/api/v3/klines":
                timeframe = query["interval"]
                candles, _ = asked(told, lambda it: it.klines("BTCUSDT", timeframe, 0, 1), 2**62)  # noqa: B023
                for row, candle in zip(told.told, candles, strict=True):
                    assert candle.open_time == row[0] * 1_000
                    assert candle.open_time % duration(timeframe) == 0
                    numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
                    assert numbers == tuple(Decimal(text) for text in row[1:6])
                    assert candle.closed
            case "/api/v3/aggTrades":
                trades, _ = asked(told, lambda it: it.public_trades("BTCUSDT", True, 0, 2**62))
                assert [(each.trade_id, each.price) for each in trades] == [
                    (row["a"], Decimal(row["p"])) for row in told.told
                ]
            case "/api/v3/historicalTrades":
                trades, _ = asked(told, lambda it: it.public_trades("BTCUSDT", False, 0, 2**62))
                assert [(each.trade_id, each.quantity) for each in trades] == [
                    (row["id"], Decimal(row["qty"])) for row in told.told
                ]
            case "/api/v3/depth":
                book, _ = asked(told, lambda it: it.depth("BTCUSDT"))
                assert book.last_id == told.told["lastUpdateId"]
                assert [f"{price:f}" for price, _ in book.asks] == [price for price, _ in told.told["asks"]]
            case _:
                continue
        read += 1
    assert read >= 10
