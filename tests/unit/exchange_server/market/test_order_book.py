"""The public book follows its changes; what accounts took of it stays taken until the recording speaks of it."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from roottrading.exchange_server.market.events import BestChanged, BookChanged, BookLoaded, Level
from roottrading.exchange_server.market.order_book import OrderBook
from roottrading.exchange_server.market.recorded_ladder import RecordedLadder

PRICES = st.integers(90, 110).map(D)
QUANTITIES = st.integers(0, 5).map(D)
SIDES = st.lists(st.tuples(PRICES, QUANTITIES), max_size=6).map(tuple)


def changed(update: int, bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = (), first: int = 0) -> BookChanged:
    return BookChanged("X", 0, first or update, update, bids, asks)


@given(SIDES, SIDES, st.lists(st.tuples(SIDES, SIDES)))
def test_a_book_is_its_levels_after_all_changes(
    bids: tuple[Level, ...], asks: tuple[Level, ...], changes: list[tuple[tuple[Level, ...], tuple[Level, ...]]]
) -> None:
    book = OrderBook()
    book.load(BookLoaded("X", 0, 10, bids, asks))
    expected = ({p: q for p, q in bids if q}, {p: q for p, q in asks if q})
    for place, sides in enumerate(changes):
        assert book.change(changed(11 + place, *sides))
        for side, levels in zip(expected, sides, strict=True):
            for price, quantity in levels:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)
    assert list(book.bids) == sorted(expected[0].items(), reverse=True)
    assert list(book.asks) == book.asks.levels() == sorted(expected[1].items())
    assert book.asks.levels(2) == sorted(expected[1].items())[:2]
    assert book.best == (10 + len(changes), next(iter(book.bids), None), next(iter(book.asks), None))


def test_changes_that_the_book_has_are_passed_over_and_those_before_it_wait() -> None:
    book = OrderBook()
    assert not book.change(changed(9, ((D(1), D(1)),)))
    assert not book.change(changed(12, ((D(2), D(2)),), first=10))
    book.load(BookLoaded("X", 0, 11, ((D(3), D(3)),), ()))
    assert (book.update, list(book.bids)) == (12, [(D(3), D(3)), (D(2), D(2))])
    assert not book.change(changed(12, ((D(4), D(4)),)))
    book.load(BookLoaded("X", 0, 11, (), ()))  # older than what it has
    assert book.update == 12


def test_best_quotes_told_apart_count_while_they_are_newer() -> None:
    book = OrderBook()
    book.load(BookLoaded("X", 0, 10, ((D(1), D(1)),), ((D(2), D(1)),)))
    book.tell_best(BestChanged("X", 0, 12, (D(1), D(5)), None))
    book.tell_best(BestChanged("X", 0, 11, None, None))
    told = book.best
    book.change(changed(13, ((D(1), D(7)),)))
    assert [told, book.best] == [(12, (D(1), D(5)), None), (13, (D(1), D(7)), (D(2), D(1)))]


def ladder(*asks: Level) -> tuple[OrderBook, RecordedLadder]:
    book = OrderBook()
    book.load(BookLoaded("X", 0, 1, (), asks))
    return book, RecordedLadder(book, D("0.1"))


def test_what_was_taken_of_a_level_stays_taken_until_the_recording_speaks_of_it() -> None:
    book, found = ladder((D(10), D(3)), (D(11), D(2)))
    found.took(True, D(10), D(1))
    found.took(True, D(10), D(1))
    assert list(found.levels(True)) == [(D(10), D(1)), (D(11), D(2))]
    found.took(True, D(10), D(1))
    assert list(found.levels(True)) == [(D(11), D(2))]
    assert list(book.asks) == [(D(10), D(3)), (D(11), D(2))]  # the public sees the recording
    elsewhere = changed(2, asks=((D(11), D(4)),))
    book.change(elsewhere)
    found.renew(elsewhere)
    assert list(found.levels(True)) == [(D(11), D(4))]
    here = changed(3, asks=((D(10), D(3)),))
    book.change(here)
    found.renew(here)
    assert list(found.levels(True)) == [(D(10), D(3)), (D(11), D(4))]


def test_levels_are_in_whole_steps_and_an_empty_book_has_none() -> None:
    _, found = ladder((D(10), D("0.05")), (D(11), D("0.25")))
    assert list(found.levels(True)) == [(D(11), D("0.2"))]
    found.drained = True
    assert list(found.levels(True)) == []
