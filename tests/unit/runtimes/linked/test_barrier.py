"""Candles pass instant by instant, whatever order symbols speak in."""

from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE, SECOND
from roottrading.messages.service import CandleMissing, CandleObserved
from roottrading.runtimes.linked.barrier import PATIENCE, CandleBarrier, Observation, closes_at, symbol_of

ONE = Decimal(1)
SYMBOLS = ("AAA", "BBB", "CCC")


def closing(symbol: str, minute: int) -> CandleObserved:
    return CandleObserved(Candle(symbol, "1m", (minute - 1) * MINUTE, ONE, ONE, ONE, ONE, ONE))


def barrier() -> CandleBarrier:
    return CandleBarrier(SYMBOLS, "1m", 9 * MINUTE)


def test_the_candle_at_hand_passes_at_once_and_a_later_one_waits() -> None:
    held = barrier()
    assert held.arrive(closing("BBB", 11)) == []
    assert held.arrive(closing("BBB", 10)) == [closing("BBB", 10)]
    assert not held.is_complete(10 * MINUTE)
    assert held.missing == ("AAA", "CCC")
    for symbol in ("CCC", "AAA"):
        assert held.arrive(closing(symbol, 10)) == [closing(symbol, 10)]
    assert held.is_complete(10 * MINUTE)
    assert held.turn() == [closing("BBB", 11)]
    assert held.missing == ("AAA", "CCC")


def test_an_absent_candle_is_a_word_as_well() -> None:
    held = barrier()
    for symbol in ("AAA", "BBB"):
        held.arrive(closing(symbol, 10))
    missing = CandleMissing("CCC", "1m", 9 * MINUTE)
    assert held.arrive(missing) == [missing]
    assert held.is_complete(10 * MINUTE)


def test_after_five_seconds_nobody_is_waited_for_and_what_comes_late_passes() -> None:
    held = barrier()
    held.arrive(closing("AAA", 10))
    assert not held.is_complete(10 * MINUTE + PATIENCE - 1)
    assert held.is_complete(10 * MINUTE + PATIENCE)
    held.turn()
    assert held.arrive(closing("BBB", 10)) == [closing("BBB", 10)]
    assert held.missing == SYMBOLS


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_nothing_of_a_later_instant_comes_before_all_of_an_earlier_one(seed: int, count: int) -> None:
    held, dice = barrier(), Random(seed)
    queues: list[list[Observation]] = [[closing(symbol, 10 + n) for n in range(count)] for symbol in SYMBOLS]
    given: list[Observation] = []
    while any(queues):
        queue = dice.choice([queue for queue in queues if queue])
        given.extend(held.arrive(queue.pop(0)))
        while held.is_complete(10 * MINUTE + SECOND):
            given.extend(held.turn())
    assert sorted(map(closes_at, given)) == [closes_at(each) for each in given]
    assert len(given) == count * len(SYMBOLS)
    assert len({(symbol_of(each), closes_at(each)) for each in given}) == len(given)
