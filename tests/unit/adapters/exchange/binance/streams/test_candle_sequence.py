from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.candle_sequence import CandlePatience, CandleSequence
from roottrading.adapters.exchange.binance.streams.history import CandlesWanted
from roottrading.domain.candle import Candle
from roottrading.domain.time import MINUTE, SECOND, Time
from roottrading.messages.service import CandleMissing, CandleObserved

START = 1_679_616_000_000_000
PATIENCE = CandlePatience()
Said = CandleObserved | CandleMissing


def candle(minute: int, closed: bool = True, close: int = 5) -> Candle:
    price = Decimal(close)
    return Candle("BTCUSDT", "1m", START + minute * MINUTE, price, price, price, price, Decimal(1), closed)


def sequence(first: int | None = 0) -> CandleSequence:
    return CandleSequence("BTCUSDT", "1m", None if first is None else START + first * MINUTE, PATIENCE)


def minutes(said: Sequence[Said]) -> list[int | str]:
    """Write candles as their minute, those in progress as "~minute", absences as "no minute"."""
    found: list[int | str] = []
    for each in said:
        if isinstance(each, CandleMissing):
            found.append(f"no {(each.open_time - START) // MINUTE}")
        else:
            minute = (each.candle.open_time - START) // MINUTE
            found.append(minute if each.candle.closed else f"~{minute}")
    return found


def after(minute: int, seconds: float = 0.0) -> Time:
    """The time so many seconds after the close of the candle of `minute`."""
    return START + (minute + 1) * MINUTE + int(seconds * SECOND)


def test_candles_in_order_are_passed_on_at_once() -> None:
    candles = sequence()
    assert minutes(candles.observe(candle(0, closed=False), after(-1, 2))) == ["~0"]
    assert minutes(candles.observe(candle(0), after(0))) == [0]
    assert minutes(candles.observe(candle(1), after(1))) == [1]
    assert candles.due(after(1, 60)) is None


def test_what_comes_again_is_dropped_and_counted() -> None:
    candles = sequence()
    candles.observe(candle(0), after(0))
    assert candles.observe(candle(0), after(0)) == ()
    assert candles.observe(candle(0, closed=False), after(0)) == ()
    assert minutes(candles.observe(candle(1, closed=False), after(0, 2))) == ["~1"]
    assert candles.observe(candle(1, closed=False), after(0, 2)) == ()  # a twin from an overlapping connection
    assert candles.observe(candle(1, closed=False), after(0, 1)) == ()  # an older word
    assert candles.dropped == 4


def test_nothing_newer_passes_a_hole_until_the_history_has_filled_it() -> None:
    candles = sequence()
    candles.observe(candle(0), after(0))
    assert candles.observe(candle(3), after(3)) == ()
    assert candles.observe(candle(4, closed=False), after(3, 2)) == ()
    question = candles.due(after(3, 0.1))
    assert question == CandlesWanted("BTCUSDT", "1m", START + MINUTE, START + 3 * MINUTE)
    assert candles.due(after(3, 0.2)) is None  # it is under way
    assert minutes(candles.answer(question, [candle(1), candle(2)], after(3, 0.3))) == [1, 2, 3]
    assert minutes(candles.observe(candle(4, closed=False), after(3, 4))) == ["~4"]


def test_a_candle_that_the_stream_never_brings_is_asked_for_two_seconds_after_its_close() -> None:
    candles = sequence()
    assert candles.due(after(0, 1.999)) is None
    question = candles.due(after(0, 2))
    assert question == CandlesWanted("BTCUSDT", "1m", START, START + MINUTE)
    assert minutes(candles.answer(question, [candle(0)], after(0, 2.1))) == [0]


def test_without_patience_what_lacks_is_asked_for_and_absent_at_its_very_close() -> None:
    candles = CandleSequence("BTCUSDT", "1m", START, CandlePatience(settled=0, absent=0, again=1))
    assert not candles.is_due(after(0) - 1)
    assert candles.is_due(after(0))
    question = candles.due(after(0))
    assert question == CandlesWanted("BTCUSDT", "1m", START, START + MINUTE)
    assert not candles.is_due(after(0))  # it is being asked
    assert minutes(candles.answer(question, [], after(0))) == ["no 0"]
    assert not candles.is_due(after(0))
    assert candles.due(after(1)) is not None
    candles.failed(after(1))
    assert (candles.is_due(after(1)), candles.is_due(after(2))) == (False, True)


def test_an_absence_is_said_when_the_history_knows_something_later_or_patience_ends() -> None:
    candles = sequence()
    question = candles.due(after(0, 2))
    assert question is not None
    assert candles.answer(question, [], after(0, 2.1)) == ()  # the history may be behind
    assert candles.due(after(0, 2.2)) is None
    question = candles.due(after(0, 2.6))
    assert question is not None
    assert minutes(candles.answer(question, [], after(0, 4))) == ["no 0"]

    candles = sequence()
    question = candles.due(after(2, 2))
    assert question is not None
    assert minutes(candles.answer(question, [candle(0), candle(2)], after(2, 2.1))) == [0, "no 1", 2]


def test_a_history_that_does_not_answer_proves_no_absence() -> None:
    candles = sequence()
    for attempt in range(10):
        assert candles.due(after(0, 10 + attempt)) is not None
        candles.failed(after(0, 10.1 + attempt))
        assert candles.due(after(0, 10.2 + attempt)) is None
    assert minutes(candles.observe(candle(0), after(0, 30))) == [0]


def test_a_long_hole_is_asked_for_in_pages() -> None:
    candles = sequence()
    question = candles.due(after(2_499, 2))
    assert question is not None
    assert question.end - question.start == 1_000 * MINUTE
    assert len(candles.answer(question, [candle(minute) for minute in range(1_000)], after(2_499, 3))) == 1_000
    following = candles.due(after(2_499, 3))
    assert following is not None
    assert following.start == question.end


def test_an_unclosed_candle_of_the_history_fills_nothing() -> None:
    candles = sequence()
    question = candles.due(after(0, 2))
    assert question is not None
    assert candles.answer(question, [candle(0, closed=False), candle(1)], after(0, 60)) == ()
    assert candles.next == START  # nor is it absent: our clock was ahead of the exchange's


def test_without_a_first_candle_it_begins_with_what_it_hears_or_with_the_candle_of_now() -> None:
    heard = sequence(None)
    assert minutes(heard.observe(candle(7, closed=False), after(6, 2))) == ["~7"]
    silent = sequence(None)
    assert silent.due(START + 30 * SECOND) is None
    assert silent.due(after(0, 2)) == CandlesWanted("BTCUSDT", "1m", START, START + MINUTE)


STEPS = st.lists(
    st.tuples(st.sampled_from(["tell", "tell", "progress", "wait", "ask", "answer", "fail"]), st.integers(0, 40)),
    max_size=120,
)


@given(absent=st.sets(st.integers(0, 25)), steps=STEPS)
def test_whatever_is_lost_doubled_and_late_each_candle_is_said_once_and_in_order(
    absent: set[int], steps: list[tuple[str, int]]
) -> None:
    candles, now, said = sequence(), START, list[Said]()
    under_way: CandlesWanted | None = None
    last = 25

    def known(question: CandlesWanted) -> list[Candle]:
        span = range((question.start - START) // MINUTE, (question.end - START) // MINUTE)
        return [candle(minute) for minute in span if minute not in absent]

    def take(passed: Sequence[Said]) -> None:
        for each in passed:
            if isinstance(each, CandleObserved) and not each.candle.closed:
                assert each.candle.open_time == candles.next, "a candle in progress beyond an open question"
            else:
                said.append(each)

    for step, number in steps:
        minute = (now - START) // MINUTE
        if step == "wait":
            now += number * 3 * SECOND
        elif step == "tell":  # one of the latest candles, in any order, any number of times
            told = minute - 1 - number % 5
            if 0 <= told <= last and told not in absent:
                take(candles.observe(candle(told), now))
        elif step == "progress":
            take(candles.observe(candle(minute + number % 2, closed=False), now))
        elif step == "ask":
            question = candles.due(now)
            assert question is None or under_way is None, "two questions at once"
            assert question is None or question.start < question.end <= now - 2 * SECOND
            under_way = question or under_way
        elif under_way is not None:
            if step == "answer":
                take(candles.answer(under_way, known(under_way), now))
            else:
                candles.failed(now)
            under_way = None
    if under_way is not None:
        candles.failed(now)
    now = max(now, after(last, 10))
    for _ in range(200):  # no more news: the history fills what is left
        now += SECOND
        question = candles.due(now)
        if question is not None:
            take(candles.answer(question, known(question), now))
    got = minutes(said)
    assert got[: last + 1] == [f"no {minute}" if minute in absent else minute for minute in range(last + 1)]
    assert got[last + 1 :] == list(range(last + 1, len(got)))
