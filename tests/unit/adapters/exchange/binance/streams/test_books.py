"""The local book: against a plain dictionary, and against what Binance itself said of its book."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.book_sequence import BookSequence
from roottrading.adapters.exchange.binance.streams.history import BookWanted
from roottrading.adapters.exchange.binance.streams.local_book import LocalBook
from roottrading.adapters.exchange.binance.streams.observations import (
    BestQuote,
    BookLost,
    BookSnapshot,
    DepthChange,
    Level,
)
from roottrading.adapters.exchange.binance.streams.parsing import Heard, Parser
from roottrading.domain.time import MILLISECOND

from .recordings import FEED_OF_2021, PART_OF_2024, frames, lines, snapshot_in, snapshots_of_2021, whole_feed

AGAIN = 500 * MILLISECOND


def level(price: int, quantity: int) -> Level:
    return Decimal(price), Decimal(quantity)


def levels(**at: int) -> tuple[Level, ...]:
    return tuple((Decimal(price[1:]), Decimal(quantity)) for price, quantity in at.items())


def change(first: int, last: int, bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = ()) -> DepthChange:
    return DepthChange("BTCUSDT", first, last, last, bids, asks)


SNAPSHOT = BookSnapshot("BTCUSDT", 10, levels(_5=1, _4=2), levels(_6=3, _7=4))


def test_a_book_begins_with_its_snapshot_and_follows_its_changes() -> None:
    book = LocalBook(SNAPSHOT)
    assert (book.best_bid, book.best_ask) == (level(5, 1), level(6, 3))
    book.apply(change(11, 12, levels(_5=0), levels(_6=9, _8=1)))
    assert (book.best_bid, book.best_ask) == (level(4, 2), level(6, 9))
    assert book.snapshot(1) == BookSnapshot("BTCUSDT", 12, levels(_4=2), levels(_6=9))
    book.apply(change(13, 13, levels(_4=0)))
    assert book.best_bid is None


def test_a_change_that_does_not_follow_is_refused() -> None:
    book = LocalBook(SNAPSHOT)
    for first, last in ((12, 13), (9, 10)):
        with pytest.raises(ValueError, match=r"BTCUSDT.*do not follow 10"):
            book.apply(change(first, last))


CHANGES = st.lists(st.tuples(st.booleans(), st.integers(1, 12), st.integers(0, 3)), max_size=60)


@given(CHANGES)
def test_a_book_is_what_a_dictionary_of_its_levels_is(told: list[tuple[bool, int, int]]) -> None:
    book = LocalBook(BookSnapshot("BTCUSDT", 0, (), ()))
    plain: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
    for number, (bid, price, quantity) in enumerate(told, 1):
        told_level = level(price, quantity)
        book.apply(change(number, number, (told_level,) if bid else (), () if bid else (told_level,)))
        plain[0 if bid else 1][told_level[0]] = told_level[1]
    bids, asks = ({price: quantity for price, quantity in side.items() if quantity} for side in plain)
    whole = book.snapshot()
    assert list(whole.bids) == sorted(bids.items(), reverse=True)
    assert list(whole.asks) == sorted(asks.items())
    assert book.crossed == (bool(bids) and bool(asks) and max(bids) >= min(asks))


def test_changes_wait_for_a_snapshot_that_reaches_into_them() -> None:
    sequence = BookSequence("BTCUSDT", again=AGAIN)
    assert sequence.due(0) is None  # the stream first, then the snapshot
    assert sequence.observe(change(9, 10), 0) == ()
    assert sequence.observe(change(11, 12, levels(_5=8)), 0) == ()
    question = sequence.due(0)
    assert question == BookWanted("BTCUSDT")
    assert sequence.due(0) is None
    old = BookSnapshot("BTCUSDT", 8, (), ())
    assert sequence.answer(question, old, 0) == ()  # from before the first change: asked again
    assert sequence.due(AGAIN - 1) is None
    assert sequence.due(AGAIN) == question
    assert sequence.answer(question, SNAPSHOT, AGAIN) == (SNAPSHOT, change(11, 12, levels(_5=8)))
    assert sequence.book is not None
    assert sequence.book.best_bid == level(5, 8)


def begun() -> BookSequence:
    sequence = BookSequence("BTCUSDT", again=AGAIN)
    sequence.observe(change(9, 10), 0)
    question = sequence.due(0)
    assert question is not None
    assert sequence.answer(question, SNAPSHOT, 0) == (SNAPSHOT,)
    return sequence


def test_twins_are_dropped_and_overlaps_applied() -> None:
    sequence = begun()
    assert sequence.observe(change(8, 10, levels(_5=7)), 0) == ()
    overlapping = change(8, 11, levels(_5=6))
    assert sequence.observe(overlapping, 0) == (overlapping,)


def test_a_hole_loses_the_book_until_the_next_snapshot() -> None:
    sequence = begun()
    assert sequence.observe(change(12, 13), 0) == (BookLost("BTCUSDT", "updates 11 to 11 are missing"),)
    assert sequence.book is None
    assert sequence.observe(change(14, 14), 0) == ()
    question = sequence.due(0)
    assert question is not None
    newer = BookSnapshot("BTCUSDT", 13, levels(_5=1), levels(_6=1))
    assert sequence.answer(question, newer, 0) == (newer, change(14, 14))


def test_a_book_that_crosses_itself_is_lost() -> None:
    sequence = begun()
    lost = sequence.observe(change(11, 11, levels(_6=1)), 0)
    assert lost == (BookLost("BTCUSDT", "bid and ask cross after update 11"),)
    assert sequence.book is None


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=30),
    st.lists(st.tuples(st.sampled_from(["tell", "tell", "ask", "answer", "fail"]), st.integers(0, 4)), max_size=80),
)
def test_whatever_is_lost_or_doubled_a_book_that_stands_is_the_exchanges(
    widths: list[int], steps: list[tuple[str, int]]
) -> None:
    """Each change sets the level 5 to its last id, so the exchange's book at an update is known by it."""
    told, last = list[DepthChange](), 0
    for width in widths:
        told.append(change(last + 1, last + width, ((Decimal(5), Decimal(last + width)),)))
        last += width
    sequence, place, under_way = BookSequence("BTCUSDT", again=0), 0, list[BookSnapshot]()
    for now, (step, number) in enumerate(steps):
        if step == "tell":
            if place < len(told):
                for each in sequence.observe(told[max(0, place - number // 3)], now):
                    assert isinstance(each, DepthChange | BookLost)
            place += 1 + (number == 1)  # sometimes one is lost
        elif step == "ask" and sequence.due(now) is not None:
            assert not under_way
            at = told[min(place, len(told) - 1)].last_id
            under_way = [BookSnapshot("BTCUSDT", at, ((Decimal(5), Decimal(at)),), ())]
        elif under_way and step in {"answer", "fail"}:
            if step == "answer":
                sequence.answer(BookWanted("BTCUSDT"), under_way.pop(), now)
            else:
                under_way.pop()
                sequence.failed(now)
        if sequence.book is not None:
            assert sequence.book.best_bid == level(5, sequence.book.last_id)


def compare_with_quotes(given: Iterable[bytes], snapshots: dict[str, BookSnapshot]) -> tuple[int, int]:
    """Feed a recording; return how many changes were applied, and how many quotes were compared at the same update."""
    parser = Parser()
    sequences = {symbol: BookSequence(symbol, again=0) for symbol in snapshots}
    quotes: dict[tuple[str, int], BestQuote] = {}
    bests: dict[tuple[str, int], tuple[Level | None, Level | None]] = {}
    applied = 0

    def note(symbol: str, said: Iterable[BookSnapshot | DepthChange | BookLost]) -> int:
        book = sequences[symbol].book
        count = 0
        for each in said:
            assert not isinstance(each, BookLost), each
            count += isinstance(each, DepthChange)
        if book is not None:
            bests[symbol, book.last_id] = (book.best_bid, book.best_ask)
        return count

    for frame in given:
        heard = parser.read(frame)
        assert isinstance(heard, Heard)
        body = heard.body
        if isinstance(body, BestQuote):
            quotes[body.symbol, body.update_id] = body
        elif isinstance(body, DepthChange):
            sequence = sequences[body.symbol]
            applied += note(body.symbol, sequence.observe(body, 0))
            if body.last_id >= snapshots[body.symbol].last_id and (question := sequence.due(0)) is not None:
                applied += note(body.symbol, sequence.answer(question, snapshots[body.symbol], 0))
    common = quotes.keys() & bests.keys()
    for key in common:
        quote = quotes[key]
        assert bests[key] == ((quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity)), key
    return applied, len(common)


def of_2024(path: Path, symbol: str) -> tuple[int, int]:
    snapshot = next(found for line in lines(path) if (found := snapshot_in(line, symbol)) is not None)
    return compare_with_quotes(frames(path), {symbol: snapshot})


def test_the_book_of_a_recorded_feed_is_the_recorded_one_at_every_common_update() -> None:
    assert of_2024(PART_OF_2024, "ETHUSDT") == (190, 35)


def test_the_books_of_four_symbols_of_2021() -> None:
    applied, common = compare_with_quotes(frames(FEED_OF_2021), snapshots_of_2021())
    assert (applied, common) == (172, 26)


@pytest.mark.shared_data
@pytest.mark.parametrize(("symbol", "common"), [("BTCUSDT", 564), ("ETHUSDT", 577)])
def test_the_books_of_whole_recorded_feeds(symbol: str, common: int) -> None:
    """The numbers of common updates are those that the recording's own description names."""
    applied, compared = of_2024(whole_feed(f"{symbol.lower()}_20240808.gz"), symbol)
    assert compared == common
    assert applied > 3_000
