"""Whatever comes over the wire: nothing leaves the parser but what it promises."""

import os
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.observations import (
    BestQuote,
    DayTicker,
    DepthChange,
    PublicTrade,
)
from roottrading.adapters.exchange.binance.streams.parsing import Heard, Parser
from roottrading.adapters.exchange.binance.streams.subscriptions import SERVER_SHUTDOWN
from roottrading.domain.candle import Candle

from .recordings import FEED_OF_2021, PART_OF_2024, SINGLE, frames

MUTATIONS = int(os.environ.get("STREAM_MUTATIONS", "10000"))
REPLACEMENTS: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 10**40, 1.5, -0.0, "", "NaN", "-Infinity", "1e400", "1e-400", "0x10", "１２", "a" * 1000,
    "1" * 100, [], {}, [[]], [["1"]], [["1", "2", "3"]], {"k": {}}, "serverShutdown", SERVER_SHUTDOWN, "\ud800", "\x00",
)  # fmt: skip


def sensible(number: Decimal) -> bool:
    return number.is_finite() and 0 <= number < Decimal(10) ** 24


def check(said: object) -> None:
    """Whatever is heard can be computed with: exact, finite, in its bounds."""
    if not isinstance(said, Heard):
        return
    match said.body:
        case Candle() as candle:
            assert all(map(sensible, (candle.open, candle.high, candle.low, candle.close, candle.volume)))
            assert 0 < candle.low <= min(candle.open, candle.close)
            assert candle.high >= max(candle.open, candle.close)
            assert (candle.close * candle.volume).is_finite()  # nothing is rounded: Inexact is trapped
            assert 0 < candle.open_time < 2**63
        case PublicTrade() as trade:
            assert sensible(trade.price)
            assert trade.price > 0
            assert sensible(trade.quantity)
            assert 0 <= trade.trade_id < 2**63
        case BestQuote() as quote:
            assert all(map(sensible, (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity)))
        case DepthChange() as change:
            assert 0 <= change.first_id <= change.last_id < 2**63
            assert all(price > 0 and sensible(quantity) for price, quantity in (*change.bids, *change.asks))
        case DayTicker() as ticker:
            assert sensible(ticker.close)


def mutations(chance: random.Random) -> Iterator[bytes]:
    """Give recorded frames with bytes or values of them changed."""
    kinds: dict[bytes, list[bytes]] = {}
    for path in (SINGLE, FEED_OF_2021, PART_OF_2024):
        for frame in frames(path):
            kinds.setdefault(frame.split(b'"')[3].split(b"@")[1], []).append(frame)
    while True:
        frame = chance.choice(kinds[chance.choice(list(kinds))])
        way = chance.randrange(3)
        if way == 0:
            yield damaged(frame, chance)
        elif way == 1:
            yield miscounted(frame, chance)
        else:
            message = msgspec.json.decode(frame)
            for _ in range(chance.randint(1, 3)):
                reshape(message, chance)
            yield msgspec.json.encode(message) if chance.random() < 0.9 else repr(message).encode("utf-8", "replace")


def damaged(frame: bytes, chance: random.Random) -> bytes:
    data = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 40)]
            case 2:
                data[place:place] = chance.randbytes(chance.randint(1, 8))
            case 3:
                data[place:place] = chance.choice([b"[", b"{", b'"', b"[" * 3_000, b"\xff", b"9" * 500])
            case _:
                other = chance.randrange(len(data))
                data[place:place] = data[min(place, other) : max(place, other)]
        if not data:
            break
    return bytes(data)


def miscounted(frame: bytes, chance: random.Random) -> bytes:
    """Change digits: JSON of the right shape with other numbers in it."""
    data = bytearray(frame)
    digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
    for _ in range(chance.randint(1, 3)):
        data[chance.choice(digits)] = ord(chance.choice("0123456789"))
    return bytes(data)


def reshape(message: Any, chance: random.Random) -> None:
    """Change one value somewhere in a decoded message."""
    inside = message
    while True:
        if not isinstance(inside, dict | list) or not inside:
            return
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = chance.choice(keys)
        value = inside[key]
        if isinstance(value, dict | list) and value and chance.random() < 0.7:
            inside = value
            continue
        match chance.randrange(3):
            case 0:
                del inside[key]
            case 1:
                new = chance.choice(REPLACEMENTS)
                inside[key] = new if new != "\ud800" else "?"
            case _ if isinstance(inside, dict):
                inside[f"{key}2"] = inside.pop(key)
            case _:
                inside.append(value)
        return


def test_mutated_recordings() -> None:
    """Ten thousand by default; STREAM_MUTATIONS=1000000 for a long night."""
    parser = Parser()
    chance = random.Random(20_240_808)
    frames_given = mutations(chance)
    understood = 0
    for _ in range(MUTATIONS):
        frame = next(frames_given)
        said = parser.read(frame)
        check(said)
        understood += isinstance(said, Heard)
    # neither is everything refused nor everything taken: the mutations reach what lies behind the first check
    assert MUTATIONS // 20 < understood < MUTATIONS - MUTATIONS // 20
    assert len(parser.strangers.counts) <= 2_010


@given(st.binary(max_size=300))
def test_random_bytes(frame: bytes) -> None:
    check(Parser().read(frame))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["0.1", "NaN", "1m"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("eEskbauUptcqiohlvxmM") | st.text(), inner),
    max_leaves=20,
)
STREAMS = st.sampled_from(
    ["btcusdt@kline_1m", "btcusdt@aggTrade", "btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth", "btcusdt@ticker"]
)


@given(STREAMS | st.text(), JSON)
def test_json_of_the_wrong_shape(stream: str, data: Any) -> None:
    check(Parser().read(msgspec.json.encode({"stream": stream, "data": data})))


@given(st.dictionaries(st.sampled_from(["stream", "data", "id", "result", "error", "code", "msg", "e"]), JSON))
def test_json_beside_the_streams(message: dict[str, Any]) -> None:
    check(Parser().read(msgspec.json.encode(message)))


def test_deep_nesting() -> None:
    for frame in (b"[" * 100_000, b'{"data":' * 50_000, b'{"stream":"btcusdt@trade","data":' + b"[" * 100_000):
        assert Parser().read(frame) is None
