import gzip
import logging
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from roottrading.adapters.exchange.binance.streams.observations import (
    BestQuote,
    DayTicker,
    DepthChange,
    PublicTrade,
)
from roottrading.adapters.exchange.binance.streams.parsing import Heard, Parser, Reply, ShuttingDown
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription, candles, read_name
from roottrading.domain.candle import Candle

from .recordings import FEED_OF_2021, PART_OF_2024, SINGLE, frames, whole_feed

KLINE = (
    '{"stream":"bnbbtc@kline_1m","data":{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,'
    '"T":1672515839999,"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0005",'
    '"v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}}'
)


def heard(text: str) -> Heard:
    said = Parser().read(text.encode())
    assert isinstance(said, Heard)
    return said


def body(text: str) -> object:
    return heard(text).body


def test_a_candle_in_progress() -> None:
    said = heard(KLINE)
    assert said.stream == "bnbbtc@kline_1m"
    assert said.said_at == 1_672_515_782_136_000
    assert said.body == Candle(
        "BNBBTC",
        "1m",
        1_672_515_780_000_000,
        Decimal("0.0010"),
        Decimal("0.0025"),
        Decimal("0.0005"),
        Decimal("0.0020"),
        Decimal(1000),
        False,
    )


def test_a_closed_candle_says_so() -> None:
    candle = body(KLINE.replace('"x":false', '"x":true').replace("1672515782136", "1672515840005"))
    assert isinstance(candle, Candle)
    assert candle.closed


def test_times_in_microseconds_are_the_same_times() -> None:
    micro = KLINE.replace("1672515782136", "1672515782136000").replace("1672515780000", "1672515780000000")
    assert heard(micro) == heard(KLINE)


def test_an_aggregate_trade() -> None:
    assert body(
        '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1616176861895,"s":"BTCUSDT","a":640283266,'
        '"p":"58942.01000000","q":"0.00035600","f":716849523,"l":716849525,"T":1616176861893,"m":false,"M":true}}'
    ) == PublicTrade(
        "BTCUSDT",
        True,
        640_283_266,
        Decimal("58942.01000000"),
        Decimal("0.00035600"),
        1_616_176_861_893_000,
        False,
        716_849_523,
        716_849_525,
    )


def test_a_single_trade() -> None:
    assert body(
        '{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,'
        '"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
    ) == PublicTrade(
        "BTCUSDT",
        False,
        3_735_683_259,
        Decimal("61837.63"),
        Decimal("0.02"),
        1_723_161_255_342_000,
        True,
        3_735_683_259,
        3_735_683_259,
    )


def test_a_best_quote_has_no_time() -> None:
    said = heard(
        '{"stream":"ethusdt@bookTicker","data":{"u":35346513501,"s":"ETHUSDT","b":"2683.80","B":"3.0292",'
        '"a":"2683.81","A":"31.4395"}}'
    )
    assert said.said_at == 0
    assert said.body == BestQuote(
        "ETHUSDT", 35_346_513_501, Decimal("2683.80"), Decimal("3.0292"), Decimal("2683.81"), Decimal("31.4395")
    )


def test_a_depth_change() -> None:
    assert body(
        '{"stream":"bnbbtc@depth@100ms","data":{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,'
        '"b":[["0.0024","10"]],"a":[["0.0026","0.00"]]}}'
    ) == DepthChange(
        "BNBBTC",
        157,
        160,
        1_672_515_782_136_000,
        ((Decimal("0.0024"), Decimal(10)),),
        ((Decimal("0.0026"), Decimal(0)),),
    )


def test_a_ticker() -> None:
    assert body(
        '{"stream":"bnbbtc@miniTicker","data":{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025",'
        '"o":"0.0010","h":"0.0026","l":"0.0009","v":"10000","q":"18"}}'
    ) == DayTicker(
        "BNBBTC",
        1_672_515_782_136_000,
        Decimal("0.0010"),
        Decimal("0.0026"),
        Decimal("0.0009"),
        Decimal("0.0025"),
        Decimal(10000),
        Decimal(18),
    )


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ('{"result":null,"id":312}', Reply(312)),
        ('{"result":["btcusdt@aggTrade"],"id":"three"}', Reply("three")),
        ('{"code":2,"msg":"Invalid request: too many","id":7}', Reply(7, "2 Invalid request: too many")),
        ('{"error":{"code":2,"msg":"Invalid request"},"id":7}', Reply(7, "2 Invalid request")),
        ('{"code":3,"msg":"Invalid JSON"}', Reply(None, "3 Invalid JSON")),
        ('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}', ShuttingDown()),
        ('{"e":"serverShutdown","E":1770123456789}', ShuttingDown()),
    ],
)  # fmt: skip
def test_what_is_no_event_of_a_stream(frame: str, said: object) -> None:
    assert Parser().read(frame.encode()) == said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"c":"0.0020"', '"c":"NaN"'),
        ('"c":"0.0020"', '"c":"0.0026"'),  # above the high
        ('"c":"0.0020"', '"c":"-0.0020"'),
        ('"c":"0.0020"', '"c":"0.0004"'),  # below the low
        ('"l":"0.0005"', '"l":"0"'),
        ('"v":"1000"', '"v":"Infinity"'),
        ('"v":"1000"', '"v":"-1"'),
        ('"v":"1000"', '"v":"1e-400"'),
        ('"v":"1000"', '"v":"1e30"'),
        ('"v":"1000"', '"v":"1.0000000000000000000000000000001"'),
        ('"v":"1000"', '"v":true'),
        ('"v":"1000",', ""),
        ('"i":"1m"', '"i":"3m"'),
        ('"t":1672515780000', '"t":1672515780001'),
        ('"t":1672515780000', '"t":-60000'),
        ('"t":1672515780000', '"t":99999999999999999999999960000'),
        ('"s":"BNBBTC","k"', '"s":"BTCUSDT","k"'),
        ('"x":false', '"x":"false"'),
        ('"x":false', '"x":true'),  # half a minute before its end
        ('"data":{', '"data":[{'),
    ],
)
def test_a_candle_that_makes_no_sense_is_refused_and_counted(old: str, new: str) -> None:
    assert KLINE.count(old) == 1
    parser = Parser()
    assert parser.read(KLINE.replace(old, new).encode()) is None
    assert parser.strangers.total == 1


def test_unknown_fields_are_survived_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    parser = Parser()
    strange = KLINE.replace('"n":100', '"n":100,"Z":{"deep":[1]}').replace('"e":"kline"', '"e":"kline","y":null')
    with caplog.at_level(logging.WARNING):
        for _ in range(1_025):
            assert isinstance(parser.read(strange.encode()), Heard)
    # the first message of a stream is looked through, and each 1024th after it
    assert parser.strangers.counts == {("the k of candles", "Z"): 2, ("candles", "y"): 2}
    assert len(caplog.records) == 2


def test_unknown_streams_and_events_are_survived_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    parser = Parser()
    strange = [
        b'{"stream":"btcusdt@moonPhase","data":{"e":"moonPhase"}}',
        b'{"stream":"btcusdt@kline_7m","data":{}}',
        b'{"stream":"!miniTicker@arr","data":[]}',
        b'{"e":"moonPhase","E":1}',
        b'{"hello":"world"}',
        b"[1,2,3]",
    ]
    with caplog.at_level(logging.WARNING):
        assert [parser.read(frame) for frame in strange * 3] == [None] * 18
    assert set(parser.strangers.counts.values()) == {3}
    assert len(parser.strangers.counts) == len(caplog.records) == 6


def test_a_peer_that_invents_names_does_not_fill_memory_or_log(caplog: pytest.LogCaptureFixture) -> None:
    parser = Parser()
    with caplog.at_level(logging.CRITICAL):
        for number in range(3_000):
            parser.read(b'{"stream":"btcusdt@kind%d","data":{}}' % number)
    assert len(parser.strangers.counts) == 2_001
    assert parser.strangers.counts["streams", "others"] == 1_000


@pytest.mark.parametrize(
    "subscription",
    [
        candles("BTCUSDT", "1m"),
        Subscription("aggregate_trades", "BTCUSDT"),
        Subscription("trades", "BTCUSDT"),
        Subscription("best_quote", "BTCUSDT"),
        Subscription("depth", "BTCUSDT"),
        Subscription("day_ticker", "BTCUSDT"),
        Subscription("mini_ticker", "币安人生USDT"),
    ],
    ids=lambda each: each.name,
)
def test_a_subscription_and_its_name_are_one(subscription: Subscription) -> None:
    assert read_name(subscription.name) == subscription


def test_candles_of_an_unknown_timeframe_cannot_be_followed() -> None:
    with pytest.raises(ValueError, match="7m"):
        candles("BTCUSDT", "7m")


def read_all(path: Path) -> int:
    """Read a recording and compare every number with an untyped reading of the same bytes."""
    parser = Parser()
    count = 0
    for frame in frames(path):
        said = parser.read(frame)
        assert isinstance(said, Heard), frame
        data = msgspec.json.decode(frame)["data"]
        match said.body:
            case Candle() as candle:
                k = data["k"]
                assert candle.open_time == k["t"] * 1_000
                numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
                assert numbers == tuple(Decimal(k[name]) for name in "ohlcv")
            case PublicTrade() as trade:
                assert (trade.trade_id, trade.price, trade.quantity, trade.at, trade.buyer_is_maker) == (
                    data["a" if trade.aggregate else "t"],
                    Decimal(data["p"]),
                    Decimal(data["q"]),
                    data["T"] * 1_000,
                    data["m"],
                )
            case BestQuote() as quote:
                given = (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity)
                assert (quote.update_id, given) == (data["u"], tuple(Decimal(data[name]) for name in "bBaA"))
            case DepthChange() as change:
                assert (change.first_id, change.last_id, change.at) == (data["U"], data["u"], data["E"] * 1_000)
                assert [[f"{price:f}", f"{quantity:f}"] for price, quantity in change.bids] == data["b"]
                assert [[f"{price:f}", f"{quantity:f}"] for price, quantity in change.asks] == data["a"]
            case DayTicker() as ticker:
                assert (ticker.close, ticker.quote_volume) == (Decimal(data["c"]), Decimal(data["q"]))
        count += 1
    assert not parser.strangers.total
    return count


@pytest.mark.parametrize(("path", "count"), [(SINGLE, 2), (FEED_OF_2021, 265), (PART_OF_2024, 1_999)], ids=str)
def test_recorded_frames_are_read_to_the_last_digit(path: Path, count: int) -> None:
    assert read_all(path) == count


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "count"), [("btcusdt_20240808.gz", 41_248), ("ethusdt_20240808.gz", 33_617)])
def test_whole_recorded_feeds_are_read_to_the_last_digit(name: str, count: int) -> None:
    assert read_all(whole_feed(name)) == count


@pytest.mark.shared_data
def test_the_shipped_part_is_as_recorded() -> None:
    whole = gzip.decompress(whole_feed("ethusdt_20240808.gz").read_bytes())
    assert whole.startswith(gzip.decompress(PART_OF_2024.read_bytes()))
