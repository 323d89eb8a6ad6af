"""How often we may speak and knock: a window that slides, and back-off between attempts."""

from collections import deque

from roottrading.adapters.exchange.binance.streams.settings import Reconnecting
from roottrading.domain.time import Time


class Pace:
    """At most `most` times within any span of `window` microseconds."""

    def __init__(self, most: int, window: Time) -> None:
        """Begin with nothing done."""
        self._times: deque[Time] = deque(maxlen=most)
        self._most = most
        self._window = window

    def free_at(self, now: Time) -> Time:
        """Return when the next one is allowed; `now` where it is already."""
        if len(self._times) < self._most:
            return now
        return max(now, self._times[0] + self._window)

    def note(self, now: Time) -> None:
        """Count one; also one that could not wait, such as the answer to a ping."""
        self._times.append(now)


class Attempts:
    """When a connection may be attempted: all of them share one window, and what the exchange said it waits for."""

    def __init__(self, settings: Reconnecting) -> None:
        """Begin with none made."""
        self._settings = settings
        self._pace = Pace(settings.most, settings.window)
        self._closed_until: Time = 0

    def free(self, now: Time) -> bool:
        """Say whether one may be made now."""
        return now >= self._closed_until and self._pace.free_at(now) <= now

    def note(self, now: Time) -> None:
        """Count one."""
        self._pace.note(now)

    def hold_until(self, time: Time) -> None:
        """Make none before `time`: the exchange has said so (429 and 418 with Retry-After)."""
        self._closed_until = max(self._closed_until, time)

    def pause(self, failures: int, chance: float) -> Time:
        """Return how long to wait after so many failures in a row; `chance` in [0, 1) shortens it by up to a half."""
        if failures < 1:
            return 0
        settings = self._settings
        doubled = settings.shortest << min(failures - 1, 40)
        whole = min(doubled, settings.longest)
        return whole - int(whole * chance / 2)
