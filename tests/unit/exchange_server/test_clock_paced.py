"""A clock that follows the wall: at its pace, never back, and with the market always where the clock is."""

import asyncio
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import SECOND, Time
from roottrading.exchange_server.clock_paced import PacedClock, pace_of


class Market:
    """Remembers how far it was moved."""

    def __init__(self, *events: Time) -> None:
        self.events = list(events)
        self.moves: list[Time] = []
        self.clock: PacedClock | None = None

    def next_at(self) -> Time | None:
        return self.events[0] if self.events else None

    def move(self, until: Time) -> None:
        if self.clock is not None:
            assert self.clock.now() == until  # whoever hears of the move finds the clock there
        self.moves.append(until)
        self.events = [at for at in self.events if at > until]


@given(st.lists(st.floats(0, 10**6, allow_nan=False), min_size=1), st.fractions(Fraction(1, 100), 1000))
def test_time_goes_at_its_pace_and_never_back(wall: list[float], pace: Fraction) -> None:
    seconds = [0.0]
    market = Market()
    clock = market.clock = PacedClock(market, 5, pace, lambda: seconds[0])
    told = [clock.now()]
    for moment in wall:
        seconds[0] = moment
        told.append(clock.now())
        assert told[-1] >= 5 + int(int(moment * SECOND) * pace) - 1
    assert told == sorted(told)
    assert market.moves == sorted(set(told) - {5})


def test_reading_the_clock_moves_the_market() -> None:
    seconds = [10.0]
    market = Market(3 * SECOND)
    clock = PacedClock(market, 0, Fraction(60), lambda: seconds[0])
    assert clock.now() == 0
    seconds[0] += 0.5
    assert clock.now() == 30 * SECOND
    assert market.moves == [30 * SECOND]


def test_it_runs_by_itself() -> None:
    async def run() -> Market:
        loop = asyncio.get_running_loop()
        market = Market(SECOND, 2 * SECOND)
        running = asyncio.create_task(PacedClock(market, 0, Fraction(1000), loop.time).run())
        while market.events:
            await asyncio.sleep(0.001)
        running.cancel()
        return market

    assert asyncio.run(run()).moves


@pytest.mark.parametrize(
    ("text", "pace"),
    [("real", 1), ("60x", 60), ("0.5x", Fraction(1, 2)), ("x", None), ("-1x", None), ("0x", None), ("fast", None)],
)
def test_paces(text: str, pace: Fraction | None) -> None:
    assert pace_of(text) == pace


def test_a_pace_is_above_0() -> None:
    with pytest.raises(ValueError, match="pace is 0"):
        PacedClock(Market(), 0, Fraction(0), lambda: 0.0)
