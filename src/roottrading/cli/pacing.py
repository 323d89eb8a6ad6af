"""The speed of a replay: how long to wait until the tape's time has come."""

import time

from roottrading.domain.time import SECOND, Time


class Pace:
    """Maps the tape's time to the wall's, from the first instant on; `factor` is None where nothing waits."""

    def __init__(self, speed: str) -> None:
        """Take "max", or a multiple of time such as "60x"."""
        self.factor = None if speed == "max" else float(speed.removesuffix("x"))
        self._began: tuple[Time, float] | None = None

    def seconds_until(self, at: Time) -> float:
        """Return how many seconds are left until the tape's `at` has come; 0 where it has."""
        if not self.factor:
            return 0.0
        if self._began is None:
            self._began = (at, time.monotonic())
        first, began = self._began
        return max(0.0, began + (at - first) / SECOND / self.factor - time.monotonic())
