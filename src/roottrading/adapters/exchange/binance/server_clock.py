"""The exchange's time, by measurement: local time plus the offset of the quickest of the last answers."""

from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from roottrading.domain.time import MILLISECOND, SECOND, Time

_KEPT: Final = 8
_DRIFT: Final = 10_000  # two clocks part by less than one in so many
_UNKNOWN: Final = 5 * SECOND  # how wrong a time may be that the exchange has just refused
_LARGEST_SLIP: Final = 500 * MILLISECOND  # further back it is put at once: the exchange takes no time of its future


class Measurement(Struct, frozen=True, gc=False):
    """One question for the exchange's time: asked and answered at local times, in microseconds."""

    asked_at: Time
    answered_at: Time
    server_time: Time

    @property
    def uncertainty(self) -> Time:
        """By how much the offset may be wrong at most."""
        return (self.answered_at - self.asked_at) // 2

    def offset(self, rate: int) -> Time:
        """Return exchange time less `rate` times local time, taking the answer for made halfway."""
        return self.server_time - (self.asked_at + self.answered_at) // 2 * rate


class ServerClock:
    """Tells the exchange's time; where a measurement sets it back by a little, it stands still meanwhile.

    `local` gives local microseconds that only go forward, `rate` is how many of the exchange's a local one is (an
    accelerated exchange server's is above 1).
    """

    def __init__(self, local: Callable[[], Time], rate: int = 1) -> None:
        self._local = local
        self._rate = rate
        self._measured: deque[Measurement] = deque(maxlen=_KEPT)
        self._offset: Time | None = None
        self._told: Time = 0

    @property
    def is_set(self) -> bool:
        """Whether it was measured at all: before that nothing may be signed."""
        return self._offset is not None

    @property
    def uncertainty(self) -> Time:
        """By how much it may be wrong, in microseconds of local time; 0 before the first measurement."""
        return min((each.uncertainty for each in self._measured), default=0)

    def now(self) -> Time:
        """Return the exchange's time. Raises RuntimeError where it was never measured."""
        if self._offset is None:
            raise RuntimeError("the exchange's time is not known yet: measure it before anything is signed")
        self._told = max(self._told, self._local() * self._rate + self._offset)
        return self._told

    def earliest(self) -> Time:
        """Return an instant that the exchange's time has surely reached, however wrong the measurement may be.

        What a question finds is dated by it: a balance dated later than it was read would hide what came in between.
        Raises RuntimeError where the time was never measured.
        """
        best = min(self._measured, key=lambda each: each.uncertainty, default=None)
        if self._offset is None or best is None:
            return self.now() - _UNKNOWN
        age = max(0, self._local() - best.answered_at)
        return self._local() * self._rate + self._offset - (best.uncertainty + age // _DRIFT + 2) * self._rate

    def measured(self, measurement: Measurement) -> None:
        """Take a measurement; the most certain of the last ones counts, but none that this one disproves."""
        kept = [each for each in self._measured if self._agree(each, measurement)]
        self._measured.clear()
        self._measured.extend([*kept, measurement])
        best = min(self._measured, key=lambda each: each.uncertainty)
        self._offset = best.offset(self._rate)
        if self._told > self._local() * self._rate + self._offset + _LARGEST_SLIP:
            self._told = 0

    def _agree(self, earlier: Measurement, later: Measurement) -> bool:
        """Say whether both can be true: else one of the two clocks was put to another time between them."""
        apart = abs(earlier.offset(self._rate) - later.offset(self._rate))
        drift = max(0, later.answered_at - earlier.answered_at) // _DRIFT + 1
        unsure = (earlier.uncertainty + later.uncertainty + drift) * self._rate
        return apart <= unsure + MILLISECOND  # times are told in whole milliseconds

    def doubt(self) -> None:
        """Forget earlier measurements: the exchange refused a time (-1021), so the next one counts, whatever it is."""
        self._measured.clear()

    def local(self) -> Time:
        """Return local time, as measurements take it."""
        return self._local()


class StandingClock(ServerClock):
    """The time of an exchange that stands still between two moves: what it said last, and nothing in between.

    `candles_until` is the last instant whose candles the exchange has sent: what has not come of it does not exist.
    """

    candles_until: Time = 0

    @property
    def is_set(self) -> bool:
        """Whether it was told at all."""
        return self._told > 0

    @property
    def uncertainty(self) -> Time:
        """Nothing: what stands still is known exactly."""
        return 0

    def now(self) -> Time:
        """Return the exchange's time. Raises RuntimeError where it was never told."""
        if not self.is_set:
            raise RuntimeError("the exchange's time is not known yet: measure it before anything is signed")
        return self._told

    def earliest(self) -> Time:
        """Return the exchange's time: it is known exactly."""
        return self.now()

    def measured(self, measurement: Measurement) -> None:
        """Take an answer: the exchange's time as it stood."""
        self.tell(measurement.server_time)

    def tell(self, at: Time) -> None:
        """Go on to `at`; what is earlier was said before."""
        self._told = max(self._told, at)

    def tell_candles(self, at: Time) -> None:
        """Take that the candles that close at `at` were sent."""
        self.candles_until = max(self.candles_until, at)

    def doubt(self) -> None:
        """Know nothing better."""
