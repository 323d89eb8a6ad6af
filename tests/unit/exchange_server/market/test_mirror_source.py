"""A market that is heard is the market that was recorded: the same klines, whatever order minutes and prints end in."""

from decimal import Decimal as D
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.observations import (
    BestQuote,
    BookLost,
    BookSnapshot,
    DepthChange,
    Level,
    MarketObservation,
)
from roottrading.adapters.exchange.binance.streams.observations import PublicTrade as Told
from roottrading.domain.candle import Candle
from roottrading.domain.time import HOUR, MINUTE, SECOND
from roottrading.exchange_server.market.board import Board
from roottrading.exchange_server.market.events import BookChanged, MarketEvent, PublicTrade
from roottrading.exchange_server.market.feed_file import Recorded
from roottrading.exchange_server.market.feed_source import FeedSource
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.market.mirror_source import MirrorSource
from roottrading.exchange_server.market.mirrored_market import MirroredMarket
from roottrading.exchange_server.market.stream_names import parse_stream
from roottrading.exchange_server.wording import stamp_of
from roottrading.messages.service import CandleMissing, CandleObserved

START = 1_000 * HOUR
TICKS = st.lists(
    st.tuples(st.integers(0, 9 * 60_000), st.integers(90, 110), st.integers(1, 9), st.booleans()), min_size=1
)


def trades_of(ticks: list[tuple[int, int, int, bool]]) -> list[PublicTrade]:
    return [
        PublicTrade(number + 7, D(price), D(quantity), START + at * 1_000, maker)
        for number, (at, price, quantity, maker) in enumerate(sorted(ticks, key=lambda tick: tick[0]))
    ]


def candle_of(kline: Kline) -> Candle:
    return Candle("X", "1m", kline.open_time, kline.open, kline.high, kline.low, kline.close, kline.volume)


@given(TICKS, st.integers(0, 9))
def test_klines_are_those_of_a_recording_however_many_minutes_are_final(
    ticks: list[tuple[int, int, int, bool]], final: int
) -> None:
    trades = trades_of(ticks)
    recorded = FeedSource(Recorded("X", [(trade.at, trade) for trade in trades]))
    source = MirrorSource("X", (), START)
    now = START + 10 * MINUTE
    for trade in trades:
        source.print(trade)
    for minute in range(final):
        opened = START + minute * MINUTE
        known = recorded.kline(opened, opened + MINUTE, now)
        if known is None:
            source.pass_over(opened)
        else:
            source.close(candle_of(known))
    first = trades[0].at - trades[0].at % MINUTE
    for span in (SECOND, MINUTE, 5 * MINUTE, HOUR):
        for opened in range(START, START + 10 * MINUTE, max(span, 20 * SECOND)):
            there = recorded.kline(opened, opened + span, now)
            if there is not None and there.trades and opened >= first:
                assert source.kline(opened, opened + span, now) == there
    assert source.last_price(now) == trades[-1].price
    assert source.trades(now, trades[0].id, 1000) == source.trades(now, None, 1000) == trades
    assert source.final_until(now, MINUTE) == START + final * MINUTE
    assert source.final_until(now, SECOND) == now


def test_a_candle_has_the_last_word_where_prints_were_lost() -> None:
    source = MirrorSource("X", (), START)
    source.print(PublicTrade(1, D(100), D(2), START + SECOND, False))
    source.close(Candle("X", "1m", START, D(100), D(105), D(99), D(101), D(9)))
    source.print(PublicTrade(5, D(200), D(1), START + 2 * SECOND, False))  # late: the minute is told already
    kline = source.kline(START, START + MINUTE, START + MINUTE)
    assert kline is not None
    assert (kline.open, kline.high, kline.low, kline.close, kline.volume) == (D(100), D(105), D(99), D(101), D(9))
    assert (kline.quote_volume, kline.trades) == (D(200), 1)


def test_a_minute_of_which_no_print_was_heard_counts_in_longer_klines() -> None:
    source = MirrorSource("X", (), START)
    source.close(Candle("X", "1m", START, D(100), D(105), D(99), D(101), D(9)))
    source.close(Candle("X", "1m", START + MINUTE, D(101), D(103), D(98), D(99), D(1)))
    kline = source.kline(START, START + 5 * MINUTE, START + 2 * MINUTE)
    assert kline is not None
    assert (kline.open, kline.high, kline.low, kline.close, kline.volume) == (D(100), D(105), D(98), D(99), D(10))


def market() -> tuple[MirroredMarket, list[MarketEvent]]:
    made = MirroredMarket([MirrorSource("X", (), START)], START)
    found: list[MarketEvent] = []
    made.listeners.append(found.append)
    return made, found


PRICES = st.integers(1, 20).map(D)
SIDE = st.dictionaries(PRICES, st.integers(1, 5).map(D), max_size=8).map(lambda levels: tuple(levels.items()))


@given(SIDE, SIDE, SIDE, SIDE)
def test_a_book_asked_for_anew_is_told_as_one_change_that_misses_nothing(
    bids: tuple[Level, ...], asks: tuple[Level, ...], more_bids: tuple[Level, ...], more_asks: tuple[Level, ...]
) -> None:
    made, found = market()
    made.hear(BookSnapshot("X", 10, bids, asks), START)
    made.hear(DepthChange("X", 9, 12, START, (), ()), START)  # Binance's snapshots end inside a change
    made.hear(BookLost("X", "a hole"), START)
    assert made.without_book == {"X"}
    made.hear(BookSnapshot("X", 30, more_bids, more_asks), START)
    assert not made.without_book
    book = made.symbols["X"].book
    assert (book.bids.quantities, book.asks.quantities) == (dict(more_bids), dict(more_asks))
    changes = [(each.first_update, each.last_update) for each in found if isinstance(each, BookChanged)]
    assert changes == [(11, 12), (13, 30)]


def test_the_best_quotes_are_those_that_were_told_last() -> None:
    made, _ = market()
    made.hear(BookSnapshot("X", 10, ((D(5), D(1)),), ((D(6), D(1)),)), START)
    made.hear(BestQuote("X", 12, D(5), D(2), D(6), D(3)), START)
    assert made.symbols["X"].book.best == (12, (D(5), D(2)), (D(6), D(3)))


def test_a_side_without_a_quote_is_empty() -> None:
    made, _ = market()
    made.hear(BestQuote("X", 13, D(0), D(0), D(6), D(3)), START)
    assert made.symbols["X"].book.best == (13, None, (D(6), D(3)))


def test_a_kline_is_closed_when_its_candle_was_heard_and_not_before() -> None:
    made, _ = market()
    said: list[Any] = []
    board = Board(made, lambda name, written: said.append(written(stamp_of(False))))
    stream = parse_stream("x@kline_1m")
    assert stream is not None
    board.open(stream, START)
    trade = Told("X", False, 1, D(5), D(1), START + SECOND, False, 1, 1)
    later = Told("X", False, 2, D(6), D(1), START + MINUTE + SECOND, False, 2, 2)
    hear: list[tuple[MarketObservation, int]] = [(trade, START + SECOND), (later, START + MINUTE + SECOND)]
    for observation, at in hear:
        made.hear(observation, at)
        board.tick(at)
    board.tick(START + MINUTE + 3 * SECOND)
    assert [each["k"]["x"] for each in said] == [False]
    made.hear(CandleObserved(Candle("X", "1m", START, D(5), D(7), D(5), D(7), D(3))), START + MINUTE + 3 * SECOND)
    assert [(each["k"]["x"], each["k"]["h"]) for each in said[1:]] == [(True, "7.00000000")]
    board.tick(START + MINUTE + 5 * SECOND)
    made.hear(CandleMissing("X", "1m", START + MINUTE), START + 2 * MINUTE)
    board.tick(START + 2 * MINUTE)
    assert sum(bool(each["k"]["x"]) for each in said) == 1
