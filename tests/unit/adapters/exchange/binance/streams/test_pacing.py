from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.pacing import Attempts, Pace
from roottrading.adapters.exchange.binance.streams.settings import Reconnecting
from roottrading.domain.time import MINUTE, SECOND


@given(st.integers(1, 6), st.lists(st.integers(0, 700_000), max_size=80))
def test_no_window_holds_more_than_is_allowed(most: int, waits: list[int]) -> None:
    pace, now, done = Pace(most, SECOND), 0, list[int]()
    for wait in waits:
        now = max(now + wait, pace.free_at(now + wait))
        pace.note(now)
        done.append(now)
    assert all(later - earlier >= SECOND for earlier, later in zip(done, done[most:], strict=False))


@given(st.integers(1, 6), st.lists(st.integers(0, 700_000), max_size=40))
def test_nobody_waits_while_there_is_room(most: int, waits: list[int]) -> None:
    pace, now, done = Pace(most, SECOND), 0, list[int]()
    for wait in waits:
        now += wait
        free = pace.free_at(now)
        if sum(now - each < SECOND for each in done) < most:
            assert free == now
            pace.note(now)
            done.append(now)
        else:
            assert free > now


def test_pauses_double_to_a_bound_and_chance_takes_up_to_a_half() -> None:
    attempts = Attempts(Reconnecting())
    assert [attempts.pause(failures, 0.0) for failures in range(10)] == [
        0, 500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 32_000_000, 60_000_000, 60_000_000,
    ]  # fmt: skip
    assert attempts.pause(2, 0.5) == 750_000
    assert attempts.pause(2, 0.999_999) > 500_000
    assert attempts.pause(10**9, 0.0) == MINUTE


def test_attempts_are_bounded_in_their_window() -> None:
    attempts = Attempts(Reconnecting(most=3, window=5 * MINUTE))
    for now in (0, 1, 2):
        assert attempts.free(now)
        attempts.note(now)
    assert not attempts.free(5 * MINUTE - 1)
    assert attempts.free(5 * MINUTE)


def test_what_the_exchange_says_is_waited_for() -> None:
    attempts = Attempts(Reconnecting())
    attempts.hold_until(10 * SECOND)
    attempts.hold_until(5 * SECOND)
    assert not attempts.free(10 * SECOND - 1)
    assert attempts.free(10 * SECOND)
