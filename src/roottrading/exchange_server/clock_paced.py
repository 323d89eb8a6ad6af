"""The real and the accelerated clock: the exchange's time follows the wall's, at a pace."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Final, Protocol

from roottrading.domain.time import SECOND, Time

_BREATH: Final = 0.05  # seconds of the wall between two looks at what time made due
_SHORTEST: Final = 0.001


class Moving(Protocol):
    """What such a clock moves."""

    def next_at(self) -> Time | None:
        """Return when something happens next."""

    def move(self, until: Time) -> None:
        """Let everything up to `until` happen."""


class PacedClock:
    """Time from `start` on, `pace` seconds of the exchange to one of the wall.

    Whoever asks for the time finds the market there: reading the clock moves it.
    """

    def __init__(self, market: Moving, start: Time, pace: Fraction, wall: Callable[[], float]) -> None:
        """Start now; `wall` tells seconds that never go back."""
        if pace <= 0:
            raise ValueError(f"pace is {pace}: use a number above 0")
        self._market = market
        self._start = start
        self._pace = pace
        self._wall = wall
        self._began = wall()
        self._now = start
        self._moving = False

    def now(self) -> Time:
        """Return the exchange's present instant, with the market moved up to it."""
        passed = int((self._wall() - self._began) * SECOND) * self._pace
        present = max(self._now, self._start + int(passed))
        if not self._moving and present > self._now:
            self._moving = True
            try:
                self._now = present
                self._market.move(present)
            finally:
                self._moving = False
        return self._now

    async def turn(self, symbol: str, client_order_id: str) -> None:
        """Return at once: here nobody waits."""

    async def run(self) -> None:
        """Move the market whenever something is due, until cancelled."""
        while True:
            now = self.now()
            following = self._market.next_at()
            wait = _BREATH
            if following is not None:
                wait = min(wait, (following - now) / SECOND / float(self._pace))
            await asyncio.sleep(max(wait, _SHORTEST))


def pace_of(text: str) -> Fraction | None:
    """Read a clock's name: `real` is 1, `60x` is 60; None for what is no pace."""
    if text == "real":
        return Fraction(1)
    if not text.endswith("x"):
        return None
    try:
        pace = Fraction(text[:-1])
    except (ValueError, ZeroDivisionError):
        return None
    return pace if pace > 0 else None
