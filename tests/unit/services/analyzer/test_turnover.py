"""Quote volume by hand, and the same from a tape as from candles one by one."""

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.columns import Candles, candle_at
from roottrading.domain.time import DAY, HOUR
from roottrading.services.analyzer.turnover import RunningTurnover, TapeTurnover
from tests.unit.services.analyzer.samples import random_candles


def candles(hours: list[int], volume: list[int], digits: int = 8) -> Candles:
    price = np.array([150_000_000] * len(hours), dtype=np.int64)  # 1.5
    times = np.array(hours, dtype=np.int64) * HOUR
    return Candles("AUSDT", "1h", times, price, price, price, price, np.array(volume, dtype=np.int64), digits)


def running(tape: Candles) -> RunningTurnover:
    turnover = RunningTurnover(tape.timeframe)
    for row in range(len(tape)):
        candle = candle_at(tape, row)
        turnover.add(candle.open_time, candle.close, candle.volume)
    return turnover


def test_the_mean_is_rounded_down_and_takes_the_last_twenty() -> None:
    tape = candles(list(range(24, 49)), [10**8] * 4 + [10**8 * n for n in range(1, 22)])
    for turnover in (running(tape), TapeTurnover(tape)):
        assert turnover.mean(49 * HOUR) == Decimal("17.25")  # 1.5 x (2 + ... + 21) / 20
        assert turnover.mean(27 * HOUR) == Decimal("1.5")  # three candles are closed
        assert turnover.mean(24 * HOUR) == 0
    tape = candles([24, 25, 26], [1, 0, 0])
    assert TapeTurnover(tape).mean(27 * HOUR) == running(tape).mean(27 * HOUR) == 0  # 1.5e-8 / 3, rounded down


def test_nothing_older_than_yesterday_counts() -> None:
    tape = candles([23, 24, 71], [10**8, 2 * 10**8, 4 * 10**8])
    for turnover in (running(tape), TapeTurnover(tape)):
        assert turnover.mean(72 * HOUR) == Decimal("6")  # at midnight of day 3, days 2 and 1 are yesterday and older
        assert turnover.mean(71 * HOUR) == Decimal("3")  # yesterday is day 1


def test_the_day_before_is_unknown_until_it_was_seen_whole() -> None:
    tape = candles([24, 30, 47, 48, 70], [10**8, 2 * 10**8, 10**8, 10**8, 7 * 10**8])
    for turnover in (running(tape), TapeTurnover(tape)):
        assert turnover.day(48 * HOUR, DAY) == Decimal("6")
        assert turnover.day(71 * HOUR, DAY) == Decimal("6")
        assert turnover.day(72 * HOUR, DAY) == Decimal("12")
        assert turnover.day(48 * HOUR, DAY + 1) == 0
        assert turnover.day(48 * HOUR, None) == 0


def test_volumes_beyond_64_bits_of_units_are_exact() -> None:
    tape = candles([24, 25], [9_000_000_000_123_456_789, 1], digits=6)
    expected = (Decimal("9000000000123.456789") + Decimal("0.000001")) * Decimal("1.5")
    assert TapeTurnover(tape).day(48 * HOUR, DAY) == expected
    assert running(tape).day(48 * HOUR, DAY) == expected
    assert TapeTurnover(tape).mean(26 * HOUR) == running(tape).mean(26 * HOUR) == expected / 2


def test_sums_may_wrap_as_long_as_their_differences_fit() -> None:
    volume = 4_611_686_018_427_387  # 15 times that, 200 times, is more than 2^63
    tape = candles(list(range(24, 224)), [volume] * 200)
    expected = Decimal("69175290.27641080")
    for at in (44, 160, 224):
        assert TapeTurnover(tape).mean(at * HOUR) == running(tape).mean(at * HOUR) == expected
        assert TapeTurnover(tape).day(at * HOUR, DAY) == running(tape).day(at * HOUR, DAY)


def test_a_day_whose_sum_may_not_fit_is_summed_up_exactly() -> None:
    volume = 27_999_999_999_999_999  # 15 times that fits 64 bits 20 times, but not 24 times
    tape = candles(list(range(24, 72)), [volume] * 48)
    assert TapeTurnover(tape).mean(72 * HOUR) == Decimal("419999999.99999998")
    assert TapeTurnover(tape).day(72 * HOUR, DAY) == Decimal("10079999999.99999964")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.3, 0.9]))
def test_tape_and_candles_say_the_same_digits(seed: int, missing: float) -> None:
    tape = random_candles("AUSDT", "1h", 200, seed, missing)
    if not len(tape):
        return
    first, second, filled = running(tape), TapeTurnover(tape), RunningTurnover("1h")
    filled.extend(tape)
    begins = int(tape.open_time[0])
    for at in range(begins + HOUR, int(tape.at[-1]) + 30 * HOUR, HOUR):
        assert str(first.mean(at)) == str(second.mean(at))
        assert str(first.day(at, begins)) == str(second.day(at, begins))
    last = int(tape.at[-1])
    assert (filled.mean(last), filled.day(last, begins)) == (second.mean(last), second.day(last, begins))
