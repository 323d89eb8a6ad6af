"""The stepped clock's moves are the phases of an instant, as a session plays them."""

from hypothesis import given
from hypothesis import strategies as st

from roottrading.exchange_server.clock_steps import Move, Steps

TIMES = st.integers(1, 40)


def test_an_instant_is_fills_then_deadlines_then_candles() -> None:
    steps = Steps(0)
    assert steps.next(60, 60) == Move(60, "fills")
    assert steps.next(120, 60) == Move(60, "deadlines")
    assert steps.next(120, 60) == Move(60, "deadlines")  # it asked for another one of the same instant
    assert steps.next(120, 90) == Move(60, "candles")
    assert steps.next(120, 90) == Move(90, "deadlines")
    assert steps.next(120, None) == Move(120, "fills")
    assert steps.next(None, None) == Move(120, "candles")
    assert steps.next(None, None) is None


def test_nothing_comes_after_the_market_whatever_is_due() -> None:
    steps = Steps(0)
    assert steps.next(60, None) == Move(60, "fills")
    assert steps.next(None, 60) == Move(60, "deadlines")
    assert steps.next(None, 90) == Move(60, "candles")
    assert steps.next(None, 60) is None
    assert steps.next(None, 90) is None


def test_a_deadline_of_the_past_is_due_at_once_and_time_never_goes_back() -> None:
    steps = Steps(100)
    assert steps.next(160, 70) == Move(100, "deadlines")


@given(st.sets(TIMES), st.sets(TIMES))
def test_everything_comes_once_and_in_the_order_of_a_session(instants: set[int], deadlines: set[int]) -> None:
    steps, left, due = Steps(0), sorted(instants), sorted(deadlines)
    moves: list[Move] = []
    while (move := steps.next(left[0] if left else None, due[0] if due else None)) is not None:
        moves.append(move)
        if move.phase == "fills":
            left.pop(0)
        elif move.phase == "deadlines":
            due = [when for when in due if when > move.at]
    order = {"fills": 0, "deadlines": 1, "candles": 2}
    keys = [(move.at, order[move.phase]) for move in moves]
    assert keys == sorted(set(keys))
    assert {move.at for move in moves if move.phase == "deadlines"} == {
        when for when in deadlines if when <= max(instants, default=0)
    }
    for phase in ("fills", "candles"):
        assert [move.at for move in moves if move.phase == phase] == sorted(instants)
