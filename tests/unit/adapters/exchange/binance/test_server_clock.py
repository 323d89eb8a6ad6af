"""The exchange's time by measurement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.server_clock import Measurement, ServerClock, StandingClock
from roottrading.domain.time import MILLISECOND, SECOND


class Local:
    """Local time as a test sets it."""

    def __init__(self) -> None:
        self.time = 1_000 * SECOND

    def __call__(self) -> int:
        return self.time


def test_nothing_is_told_before_a_measurement() -> None:
    clock = ServerClock(Local())
    assert not clock.is_set
    with pytest.raises(RuntimeError, match="not known yet"):
        clock.now()


@given(st.integers(-(10**9), 10**15), st.integers(0, SECOND), st.floats(0, 1))
def test_the_error_is_at_most_half_the_way(offset: int, there_and_back: int, part: float) -> None:
    local = Local()
    clock = ServerClock(local)
    asked = local.time
    answered = asked + int(there_and_back * part)
    local.time = asked + there_and_back
    clock.measured(Measurement(asked, local.time, answered + offset))
    assert abs(clock.now() - (local.time + offset)) <= clock.uncertainty + 1


def test_the_most_certain_measurement_counts() -> None:
    local = Local()
    clock = ServerClock(local)
    t = local.time
    clock.measured(Measurement(t, t + 10 * MILLISECOND, t + SECOND + 5 * MILLISECOND))
    clock.measured(Measurement(t, t + 900 * MILLISECOND, t + SECOND + 890 * MILLISECOND))
    assert clock.now() == t + SECOND
    assert clock.uncertainty == 5 * MILLISECOND


def test_a_measurement_that_a_later_one_disproves_is_forgotten() -> None:
    local = Local()
    clock = ServerClock(local)
    t = local.time
    clock.measured(Measurement(t, t + 10 * MILLISECOND, t + 5 * SECOND))
    clock.measured(Measurement(t, t + 40 * MILLISECOND, t + SECOND + 20 * MILLISECOND))
    assert clock.now() == t + SECOND
    assert clock.uncertainty == 20 * MILLISECOND


def test_after_a_refused_time_the_next_measurement_counts() -> None:
    local = Local()
    clock = ServerClock(local)
    t = local.time
    clock.measured(Measurement(t, t, t + 10 * SECOND))
    assert clock.now() == t + 10 * SECOND
    clock.doubt()
    assert clock.is_set
    clock.measured(Measurement(t, t + 2 * MILLISECOND, t + MILLISECOND))
    assert clock.now() == t


def test_set_back_by_a_little_it_stands_still() -> None:
    local = Local()
    clock = ServerClock(local)
    t = local.time
    clock.measured(Measurement(t, t + 20, t + 10 + 300 * MILLISECOND))
    before = clock.now()
    clock.measured(Measurement(t, t, t + 100 * MILLISECOND))
    assert clock.now() == before
    local.time = t + SECOND
    assert clock.now() == t + SECOND + 100 * MILLISECOND


def test_an_accelerated_exchange() -> None:
    local = Local()
    clock = ServerClock(local, rate=60)
    t = local.time
    clock.measured(Measurement(t, t, 5 * SECOND))
    local.time += SECOND
    assert clock.now() == 65 * SECOND


@given(st.integers(0, SECOND), st.floats(0, 1), st.integers(0, 10**9), st.integers(-50, 50))
def test_what_it_calls_earliest_the_exchange_has_surely_reached(
    there_and_back: int, part: float, later: int, parts_per_million: int
) -> None:
    local = Local()
    clock = ServerClock(local)
    asked = local.time
    answered = asked + int(there_and_back * part)
    local.time = asked + there_and_back
    clock.measured(Measurement(asked, local.time, answered + 7 * SECOND))
    local.time += later
    drifted = (local.time - answered) * parts_per_million // 1_000_000
    assert clock.earliest() <= local.time + 7 * SECOND + drifted


def test_after_a_refused_time_the_earliest_is_far_back() -> None:
    local = Local()
    clock = ServerClock(local)
    clock.measured(Measurement(local.time, local.time, local.time))
    clock.doubt()
    assert clock.earliest() == local.time - 5 * SECOND


def test_a_clock_that_stands_is_known_exactly() -> None:
    clock = StandingClock(Local())
    assert not clock.is_set
    clock.tell(5 * SECOND)
    clock.measured(Measurement(0, 10, 4 * SECOND))
    assert (clock.now(), clock.earliest(), clock.uncertainty) == (5 * SECOND, 5 * SECOND, 0)


def test_a_clock_that_stands_knows_the_last_instant_whose_candles_were_sent() -> None:
    clock = StandingClock(Local())
    clock.tell(60 * SECOND)
    assert clock.candles_until == 0
    clock.tell_candles(60 * SECOND)
    clock.tell_candles(0)
    assert clock.candles_until == 60 * SECOND
