from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from roottrading.adapters.tape import read_tape
from roottrading.domain.candle import Candle
from roottrading.domain.columns import candle_at
from roottrading.domain.time import DAY, MINUTE, duration, start_of_day
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import (
    NOTHING,
    CandleMissing,
    CandleObserved,
    DeadlineDue,
    Decision,
    Input,
    Outgoing,
    Resumed,
    Row,
)
from roottrading.services.gateway import TABLES, BadCandle, Gateway, MarketGap, fold
from tests.recorded import SAMPLES
from tests.unit.services.gateway.candles import START, candle, candle_lists, columns

TIMEFRAMES = ("1m", "3m", "5m", "15m", "1h", "4h", "1d")


def gateway(*symbols: str, keep_candles: bool = False) -> Gateway:
    return Gateway(symbols or ("BTCUSDT",), "1m", TIMEFRAMES, keep_candles=keep_candles)


def market(candles: Iterable[Candle]) -> list[CandleObserved | CandleMissing]:
    """What the gateway is given: the candles, and for every hole between them that there was none."""
    given_: list[CandleObserved | CandleMissing] = []
    expected = None
    for each in candles:
        while expected is not None and expected < each.open_time:
            given_.append(CandleMissing(each.symbol, "1m", expected))
            expected += MINUTE
        given_.append(CandleObserved(each))
        expected = each.at
    return given_


def now_of(given_: CandleObserved | CandleMissing) -> int:
    open_time = given_.candle.open_time if isinstance(given_, CandleObserved) else given_.open_time
    return open_time + MINUTE


def said(decisions: Iterable[Decision]) -> list[Outgoing]:
    return [message for decision in decisions for message in decision.messages]


class Kept:
    """The rows that a store would hold: the last of every state row, and all finest candles since midnight."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, tuple[Any, ...]], Row] = {}
        self.candles: list[Candle] = []

    def take(self, given_: Input, decision: Decision) -> None:
        kinds = {table.name: table.kept for table in TABLES}
        for row in decision.rows:
            assert kinds[row.table] == "state"
            self.rows[row.table, row.key] = row
        if isinstance(given_, CandleObserved) and decision.messages:
            self.candles.append(given_.candle)
            day = start_of_day(given_.candle.open_time)
            self.candles = [each for each in self.candles if each.open_time >= day]

    def all(self) -> list[Row]:
        candles = [Row("market_data", (c.symbol, c.timeframe, c.open_time), c) for c in self.candles]
        return [*reversed(candles), *self.rows.values()]


@given(candle_lists())
@settings(max_examples=60)
def test_it_says_one_message_a_stream_and_close_that_equals_the_folded_columns(candles: list[Candle]) -> None:
    service = gateway()
    given_ = market(candles)
    messages = said(service.decide(each, now_of(each)) for each in given_)
    end = now_of(given_[-1])
    for timeframe in TIMEFRAMES:
        span = duration(timeframe)
        stream = [message for message in messages if message.key == f"BTCUSDT/{timeframe}"]
        closes = list(range((candles[0].open_time // span + 1) * span, end + 1, span))
        follows = [0, *closes[:-1]] if closes else []
        assert [message.sequence for message in stream] == list(zip(follows, closes, strict=True))
        folded = fold(columns(candles), timeframe)
        expected = {int(folded.open_time[row]): candle_at(folded, row) for row in range(len(folded))}
        for message, close in zip(stream, closes, strict=True):
            assert message.channel == "market"
            found = expected.get(close - span)
            if found is None:
                assert message.body == CandleAbsent("BTCUSDT", timeframe, close - span)
            else:
                assert message.body == CandleClosed(found)


def test_at_one_close_the_longest_timeframe_comes_first() -> None:
    service = gateway()
    decisions = [service.decide(CandleObserved(candle(m, 5, 6, 4, 5, 1)), START + (m + 1) * MINUTE) for m in range(60)]
    assert [message.key for message in decisions[-1].messages] == [
        f"BTCUSDT/{timeframe}" for timeframe in ("1h", "15m", "5m", "3m", "1m")
    ]
    assert [message.key for message in decisions[0].messages] == ["BTCUSDT/1m"]


def test_the_halt_of_march_2023_is_said_as_absent_candles() -> None:
    tape = read_tape([SAMPLES], ["BTCUSDT"])["BTCUSDT"]
    candles = [candle_at(tape, row) for row in range(len(tape))]
    service = gateway()
    messages = said(service.decide(each, now_of(each)) for each in market(candles))
    absent = [message.body for message in messages if isinstance(message.body, CandleAbsent)]
    minutes = START + 12 * 60 * MINUTE + 40 * MINUTE
    assert [each.open_time for each in absent if each.timeframe == "1m"] == list(
        range(minutes, minutes + 80 * MINUTE, MINUTE)
    )
    assert [each.open_time for each in absent if each.timeframe == "1h"] == [START + 13 * 60 * MINUTE]
    assert sum(each.timeframe == "15m" for each in absent) == 5
    assert not [each for each in absent if each.timeframe in ("4h", "1d")]


@pytest.mark.parametrize("stop_at", [0, 5, 759, 760, 790, 839, 840, 841, 1439])
def test_restored_from_the_days_candles_it_goes_on_as_if_never_stopped(stop_at: int) -> None:
    tape = read_tape([SAMPLES], ["BTCUSDT"])["BTCUSDT"]
    given_ = market([candle_at(tape, row) for row in range(len(tape))])
    live, kept = gateway(), Kept()
    for each in given_[: stop_at + 1]:
        kept.take(each, live.decide(each, now_of(each)))
    heir = gateway()
    heir.restore(kept.all())
    assert heir.state() == live.state()
    for each in given_[stop_at + 1 :]:
        assert heir.decide(each, now_of(each)) == live.decide(each, now_of(each))
    assert heir.state() == live.state()


@given(st.lists(candle_lists(2000), min_size=1, max_size=2), st.data())
@settings(max_examples=60, deadline=None)
def test_law_restored_equals_live_after_any_inputs(lists: Sequence[list[Candle]], data: st.DataObject) -> None:
    symbols = [f"S{number}USDT" for number in range(len(lists))]
    inputs: list[CandleObserved | CandleMissing] = []
    for symbol, candles in zip(symbols, lists, strict=True):
        inputs.extend(market([replace(each, symbol=symbol) for each in candles]))
    again = data.draw(st.lists(st.sampled_from(inputs), max_size=5))
    cut = data.draw(st.integers(0, len(inputs)))
    live, kept = gateway(*symbols), {symbol: Kept() for symbol in symbols}
    for each in [*inputs[:cut], *[old for old in again if old in inputs[:cut]]]:
        symbol = each.candle.symbol if isinstance(each, CandleObserved) else each.symbol
        kept[symbol].take(each, live.decide(each, now_of(each)))
    heir = gateway(*symbols)
    heir.restore([row for each in kept.values() for row in each.all()])
    assert heir.state() == live.state()
    for each in inputs[cut:]:
        assert heir.decide(each, now_of(each)) == live.decide(each, now_of(each))


def test_candles_that_come_again_or_late_are_dropped_and_counted() -> None:
    service = gateway()
    first, second = candle(0, 5, 6, 4, 5, 1), candle(1, 5, 6, 4, 5, 1)
    now = START + 2 * MINUTE
    service.decide(CandleObserved(first), now)
    service.decide(CandleObserved(second), now)
    again = service.decide(CandleObserved(second), now)
    late = service.decide(CandleObserved(first), now)
    assert not again.messages
    assert not late.messages
    (row,) = late.rows
    assert (row.table, row.key) == ("gateway_dropped", ("BTCUSDT",))
    assert (row.values.duplicate, row.values.late) == (1, 1)


def test_a_jump_forward_is_a_gap_and_changes_nothing() -> None:
    service = gateway()
    service.decide(CandleObserved(candle(0, 5, 6, 4, 5, 1)), START + MINUTE)
    before = repr(service.state())
    with pytest.raises(
        MarketGap, match="2023-03-24T00:01:00Z is missing, but that of 2023-03-24T00:03:00Z came"
    ) as gap:
        service.decide(CandleObserved(candle(3, 5, 6, 4, 5, 1)), START + 4 * MINUTE)
    assert (gap.value.symbol, gap.value.expected, gap.value.got) == ("BTCUSDT", START + MINUTE, START + 3 * MINUTE)
    assert repr(service.state()) == before


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"high": Decimal(3)}, "high"),
        ({"open": Decimal(7)}, "open"),
        ({"close": Decimal("3.99")}, "close"),
        ({"low": Decimal(0)}, "low"),
        ({"low": Decimal(-1)}, "low"),
        ({"volume": Decimal("-0.1")}, "volume"),
        ({"open_time": START + 1}, "open_time"),
        ({"open_time": START + 5 * MINUTE}, "close time"),
    ],
)
def test_nonsense_is_refused_by_name(changed: dict[str, Any], field: str) -> None:
    service = gateway()
    bad = replace(candle(0, 5, 6, 4, 5, 1), **changed)
    with pytest.raises(BadCandle, match=rf"^BTCUSDT 1m candle of 2023-03-24T.*: {field} is ") as refused:
        service.decide(CandleObserved(bad), START + 2 * MINUTE)
    assert refused.value.field == field
    assert repr(service.state()) == repr(gateway().state())


def test_what_is_not_its_business_is_nothing() -> None:
    service = gateway()
    own = candle(0, 5, 6, 4, 5, 1)
    now = START + DAY
    inputs: list[Input] = [
        CandleObserved(replace(own, symbol="ETHUSDT")),
        CandleObserved(replace(own, timeframe="1h")),
        CandleObserved(replace(own, closed=False)),
        CandleMissing("ETHUSDT", "1m", START),
        CandleMissing("BTCUSDT", "1h", START),
        Resumed(),
        DeadlineDue("x"),
        Envelope("gateway", "market/BTCUSDT/1m", 1, 0, now, "", CandleClosed(own)),
    ]
    assert all(service.decide(each, now) is NOTHING for each in inputs)


def test_candles_to_keep_leave_as_rows() -> None:
    service = gateway(keep_candles=True)
    rows = [
        row
        for minute in range(3)
        for row in service.decide(CandleObserved(candle(minute, 5, 6, 4, 5, 1)), START + (minute + 1) * MINUTE).rows
        if row.table == "market_data"
    ]
    assert [row.key for row in rows] == [
        ("BTCUSDT", "1m", START),
        ("BTCUSDT", "1m", START + MINUTE),
        ("BTCUSDT", "3m", START),
        ("BTCUSDT", "1m", START + 2 * MINUTE),
    ]
    assert rows[2].values == replace(candle(0, 5, 6, 4, 5, 3), timeframe="3m")


def test_timeframes_that_cannot_be_folded_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="3m candles cannot be folded from 5m"):
        Gateway(["BTCUSDT"], "5m", ["15m", "3m"])
