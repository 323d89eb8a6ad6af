"""The stepped clock's next move: which phase of which instant comes after rest (consistency-rules 1.1). No sockets."""

from typing import Literal

from msgspec import Struct

from roottrading.domain.time import Time

Phase = Literal["fills", "deadlines", "candles"]


class Move(Struct, frozen=True):
    """One move of time: the phase of an instant that is played now."""

    at: Time
    phase: Phase


class Steps:
    """Where the clock stands: a phase of an instant that was played."""

    def __init__(self, now: Time) -> None:
        """Stand at `now`, all of it played."""
        self.now = now
        self._instant: Time | None = None  # the market's instant of which phases are still to be played

    def next(self, instant: Time | None, deadline: Time | None) -> Move | None:
        """Return the move that comes at rest, and take it.

        `instant` is the market's next one, `deadline` the earliest that is told of. An instant is its fills, then the
        deadlines that are due, then its candles. Deadlines of the past are due at once. None after the market's last
        candles, as a replay ends with them: what is due later never comes.
        """
        if self._instant is not None:
            if deadline is not None and deadline <= self.now:
                return self._take(self.now, "deadlines")
            self._instant = None
            return self._take(self.now, "candles")
        if instant is None:
            return None
        if deadline is not None and deadline < instant:
            return self._take(max(deadline, self.now), "deadlines")
        self._instant = instant
        return self._take(instant, "fills")

    def next_at(self, instant: Time | None) -> Time | None:
        """Return when the next move would be, were there no deadlines."""
        return self.now if self._instant is not None else instant

    def _take(self, at: Time, phase: Phase) -> Move:
        self.now = at
        return Move(at, phase)
