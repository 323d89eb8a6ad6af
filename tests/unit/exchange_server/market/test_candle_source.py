"""A tape spread over its spans folds to the tape again, knows nothing of the future, and loses no print."""

import tracemalloc
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.adapters.tape import read_tape, shipped_instruments, shipped_tape
from roottrading.domain.columns import Candles, candle_at
from roottrading.domain.time import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Time
from roottrading.exchange_server.market.candle_source import CandleSource
from roottrading.exchange_server.market.events import BookChanged, CandleBegan, CandleEnded, Quoted, Traded
from roottrading.exchange_server.market.intervals import next_open, open_of
from roottrading.exchange_server.market.order_book import OrderBook
from roottrading.exchange_server.market.symbol_market import SymbolMarket
from roottrading.exchange_server.market.tick_prices import TickPrices
from roottrading.services.gateway.fold import fold

BEGIN = 20_000 * DAY
TICKS = TickPrices(shipped_instruments()["LTCUSDT"], D("0.0005"), D("0.1"))


def tape(*rows: tuple[int, int, int, int, int, int]) -> Candles:
    """Make candles of (minute, open, high, low, close, volume), prices and volumes in whole coins."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    return Candles("LTCUSDT", "1m", BEGIN + columns[0] * MINUTE, *(column * 10**8 for column in columns[1:]))


PRICES = st.integers(1, 1_000)


@st.composite
def tapes(draw: st.DrawFn) -> Candles:
    """Minutes with gaps and without volume."""
    minutes = sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=40)))
    rows = []
    for minute in minutes:
        prices = [draw(PRICES) for _ in range(4)]
        volume = draw(st.sampled_from([0, 1, 7, 1_000]))
        if not volume:
            prices = [prices[0]] * 4
        rows.append((minute, prices[0], max(prices), min(prices), prices[1], volume))
    return tape(*rows)


@settings(max_examples=60)
@given(tapes(), st.sampled_from(["1m", "3m", "15m", "1h"]))
def test_klines_are_the_gateway_s_fold(candles: Candles, interval: str) -> None:
    source = CandleSource(candles, TICKS)
    known = int(candles.at[-1])
    folded = fold(candles, interval, known + DAY)
    for row in range(len(folded)):
        candle = candle_at(folded, row)
        kline = source.kline(candle.open_time, candle.at, known + DAY)
        assert kline is not None
        assert (kline.open, kline.high, kline.low, kline.close, kline.volume) == (
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume,
        )
    opens = {int(opened) for opened in folded.open_time}
    for opened in range(open_of(interval, BEGIN), known, next_open(interval, 0)):
        assert (source.kline(opened, next_open(interval, opened), known + DAY) is None) is (opened not in opens)


@settings(max_examples=60)
@given(tapes(), st.integers(0, 301 * 60), st.sampled_from(["1s", "1m", "5m", "1h"]))
def test_klines_are_the_fold_of_the_prints_known_by_then(candles: Candles, seconds: int, interval: str) -> None:
    source = CandleSource(candles, TICKS)
    now = BEGIN + seconds * SECOND
    prints = source.trades(now, 1, 10_000)
    assert [each.id for each in prints] == list(range(1, len(prints) + 1))
    assert all(each.at <= now for each in prints)
    opened = open_of(interval, now)
    inside = [each for each in prints if each.at >= opened]
    kline = source.kline(opened, next_open(interval, opened), now)
    if inside:
        assert kline is not None
        assert (kline.open, kline.close) == (inside[0].price, inside[-1].price)
        assert (kline.high, kline.low) == (max(e.price for e in inside), min(e.price for e in inside))
        assert kline.volume == sum((e.quantity for e in inside), D(0))
        assert kline.quote_volume == sum((e.price * e.quantity for e in inside), D(0))
        assert kline.taker_base == sum((e.quantity for e in inside if not e.buyer_is_maker), D(0))
        assert (kline.trades, kline.first_trade, kline.last_trade) == (len(inside), inside[0].id, inside[-1].id)
    elif kline is not None:
        assert (kline.trades, kline.volume, kline.first_trade) == (0, D(0), -1)


@settings(max_examples=40)
@given(tapes(), st.integers(0, 300))
def test_playing_tells_every_print_and_book_in_order(candles: Candles, minute: int) -> None:
    source = CandleSource(candles, TICKS)
    begin = BEGIN + minute * MINUTE
    book = OrderBook()
    for event in source.skip_to(begin):
        book.load(event)  # type: ignore[arg-type]
    told: list[Traded] = []
    last: Time = begin
    while (at := source.next_at()) is not None:
        assert at >= last
        last = at
        events = source.take()
        for event in events:
            assert event.at == at
            if isinstance(event, Traded):
                told.append(event)
            elif isinstance(event, BookChanged):
                assert event.first_update == event.last_update == book.update + 1
                book.change(event)
        if not isinstance(events[-1], CandleEnded):  # at whose instant the next one opens
            assert (book.update, tuple(book.bids), tuple(book.asks)) == source.book_at(at)
    expected = [each for each in source.trades(last, 1, 10_000) if each.at >= begin]
    assert [event.trade for event in told] == expected


def test_a_candle_is_its_open_low_high_and_close_at_the_thirds_of_its_span() -> None:
    source = CandleSource(tape((0, 100, 130, 90, 120, 8), (1, 120, 125, 120, 121, 4)), TICKS)
    events = []
    for _ in range(5):
        at = source.next_at() or 0
        events += [(at, event) for event in source.take()]
    prints = [(event.trade.price, event.trade.quantity, at) for at, event in events if isinstance(event, Traded)]
    assert prints == [
        (D(100), D(2), BEGIN),
        (D(90), D(2), BEGIN + 20 * SECOND),
        (D(130), D(2), BEGIN + 40 * SECOND),
        (D(120), D(2), BEGIN + MINUTE - MILLISECOND),
    ]
    assert [at for at, event in events if isinstance(event, CandleBegan)] == [BEGIN]
    assert [at for at, event in events if isinstance(event, CandleEnded)] == [BEGIN + MINUTE]


def test_a_candle_without_volume_moves_the_price_and_nothing_can_be_taken() -> None:
    source = CandleSource(tape((0, 100, 100, 100, 100, 0)), TICKS)
    events = source.take()
    assert [event.price for event in events if isinstance(event, Quoted)] == [100]
    assert not any(isinstance(event, Traded) for event in events)
    assert source.book_at(BEGIN)[1:] == ((), ())


def test_the_book_holds_what_the_fill_model_lets_orders_take() -> None:
    source = CandleSource(tape((0, 100, 100, 100, 100, 50)), TICKS)
    assert source.book_at(BEGIN) == (1, ((D("99.9"), D(5)),), ((D("100.1"), D(5)),))


def test_paging_of_klines() -> None:
    market = SymbolMarket(
        CandleSource(tape(*[(n, 100 + n, 100 + n, 100 + n, 100 + n, 1) for n in range(10)]), TICKS), {}
    )
    now = BEGIN + 8 * MINUTE + 30 * SECOND

    def opens(start: int | None, end: int | None, limit: int) -> list[int]:
        first, last = (None if each is None else BEGIN + each * SECOND for each in (start, end))
        return [(each.open_time - BEGIN) // MINUTE for each in market.klines("1m", first, last, limit, now)]

    assert opens(None, None, 3) == [6, 7, 8]
    assert opens(120, None, 3) == [2, 3, 4]
    assert opens(61, None, 2) == [2, 3]
    assert opens(None, 150, 2) == [1, 2]
    assert opens(60, 180, 10) == [1, 2, 3]
    assert opens(60, 180, 2) == [1, 2]
    assert opens(-(10**6), None, 2) == [0, 1]
    assert opens(600, None, 5) == []
    assert opens(300, 60, 5) == []


@pytest.mark.parametrize("interval", ["1m", "5m", "4h", "1d", "3d", "1w", "1M"])
def test_klines_of_the_shipped_tape_in_every_interval(interval: str) -> None:
    candles = read_tape(shipped_tape(), ["LTCUSDT"])["LTCUSDT"]
    market = SymbolMarket(CandleSource(candles, TICKS), {})
    now = int(candles.at[-1]) - 5 * HOUR - 1  # at the very instant of an open, its print would be known
    found = market.klines(interval, None, None, 1000, now)
    assert [each.open_time for each in found] == sorted({each.open_time for each in found})
    for each in found[-20:]:
        rows = (candles.open_time >= each.open_time) & (candles.open_time < min(each.end, now))
        assert each.volume == D(int(candles.volume[rows].sum())).scaleb(-candles.volume_digits)
        assert each.high == D(int(candles.high[rows].max())).scaleb(-8)
        assert each.low == D(int(candles.low[rows].min())).scaleb(-8)


def test_a_history_that_was_asked_for_is_not_kept() -> None:
    source = CandleSource(tape(*[(n, 100, 101, 99, 100, 1) for n in range(2_000)]), TICKS)
    now = BEGIN + 2_000 * MINUTE
    tracemalloc.start()
    try:
        for minute in range(2_000):
            assert source.kline(BEGIN + minute * MINUTE, BEGIN + (minute + 1) * MINUTE, now) is not None
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000  # bytes: hundreds of symbols are asked for their whole past by each process that begins
