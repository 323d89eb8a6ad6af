"""The circuit breaker: opens after failures in a row, probes, closes."""

from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.breaker import Breaker, BreakerSettings
from roottrading.domain.time import SECOND

SETTINGS = BreakerSettings(failures=3, first_pause=2 * SECOND, longest_pause=5 * SECOND, probe_patience=10 * SECOND)


def opened() -> Breaker:
    breaker = Breaker(SETTINGS)
    assert [breaker.failed(0, "no answer") for _ in range(3)] == [False, False, True]
    return breaker


def test_failures_in_a_row_open_it() -> None:
    breaker = Breaker(SETTINGS)
    breaker.failed(0, "x")
    breaker.failed(0, "x")
    assert not breaker.succeeded()
    breaker.failed(0, "x")
    breaker.failed(0, "x")
    assert breaker.state == "closed"
    assert breaker.failed(0, "HTTP 502")
    assert (breaker.state, breaker.reason) == ("open", "HTTP 502")


def test_open_lets_nothing_through_but_protection() -> None:
    breaker = opened()
    assert not breaker.allows(SECOND)
    assert breaker.allows(SECOND, always=True)
    assert breaker.state == "open"


def test_half_open_lets_one_probe_through() -> None:
    breaker = opened()
    states = []
    assert breaker.allows(2 * SECOND)
    states.append(breaker.state)
    assert not breaker.allows(2 * SECOND)
    assert breaker.succeeded()
    states.append(breaker.state)
    assert breaker.allows(2 * SECOND)
    assert states == ["half_open", "closed"]


def test_failed_probes_lengthen_the_pause_up_to_a_bound() -> None:
    breaker, now, pauses = opened(), 0, []
    for _ in range(4):
        began = now
        while not breaker.allows(now):
            now += SECOND // 2
        pauses.append(now - began)
        assert breaker.failed(now, "again")
    assert pauses == [2 * SECOND, 4 * SECOND, 5 * SECOND, 5 * SECOND]
    assert breaker.allows(now + 5 * SECOND)
    breaker.succeeded()
    assert not breaker.failed(now, "first of a new row")


def test_a_silent_probe_does_not_keep_it_half_open() -> None:
    breaker = opened()
    assert breaker.allows(2 * SECOND)
    assert not breaker.allows(11 * SECOND)
    assert breaker.allows(12 * SECOND)


def test_a_failure_of_protection_while_open_does_not_hold_off_the_probe() -> None:
    breaker = opened()
    assert breaker.allows(SECOND, always=True)
    assert not breaker.failed(SECOND, "still")
    assert breaker.allows(2 * SECOND)


@given(st.lists(st.sampled_from(["answer", "failure", "wait"])))
def test_an_answer_always_closes_it_and_it_never_stays_shut(steps: list[str]) -> None:
    breaker, now = Breaker(SETTINGS), 0
    for step in steps:
        if step == "wait":
            now += SECOND
        elif breaker.allows(now) and step == "answer":
            breaker.succeeded()
            assert breaker.state == "closed"
        elif step == "failure":
            breaker.failed(now, "x")
    assert breaker.allows(now + max(SETTINGS.longest_pause, SETTINGS.probe_patience))
