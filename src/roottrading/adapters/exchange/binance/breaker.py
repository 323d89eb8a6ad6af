"""The circuit breaker around REST: closed, open after failures in a row, half-open for one probe at a time."""

from typing import Annotated, Literal

from msgspec import Struct

from roottrading.domain.bounds import Bounds
from roottrading.domain.time import SECOND, Time

State = Literal["closed", "open", "half_open"]


class BreakerSettings(Struct, frozen=True):
    """When the breaker opens, and how long it stays so."""

    failures: Annotated[int, Bounds(ge=1, le=100, description="failures in a row that open the breaker")] = 5
    first_pause: Annotated[Time, Bounds(ge=SECOND // 10, le=60 * SECOND, description="microseconds it stays open")] = (
        2 * SECOND
    )
    longest_pause: Annotated[
        Time, Bounds(ge=SECOND, le=600 * SECOND, description="microseconds it stays open at most, after probes failed")
    ] = 30 * SECOND
    probe_patience: Annotated[
        Time, Bounds(ge=SECOND, le=60 * SECOND, description="microseconds after which a silent probe counts as failed")
    ] = 15 * SECOND


class Breaker:
    """Keeps calls from a door that does not answer. A failure is no answer, or a 5xx; a refusal is an answer.

    Protection is always let through: it is the best probe there is.
    """

    def __init__(self, settings: BreakerSettings | None = None) -> None:
        self._settings = settings or BreakerSettings()
        self.state: State = "closed"
        self.reason = ""
        self._failed = 0
        self._pause = self._settings.first_pause
        self._until: Time = 0
        self._probing_since: Time | None = None

    def allows(self, now: Time, always: bool = False) -> bool:
        """Say whether a call may go out; the one that may while half-open is the probe."""
        if self.state == "closed":
            return True
        if self.state == "open" and now >= self._until:
            self.state = "half_open"
            self._probing_since = None
        if always:
            return True
        if self.state == "open":
            return False
        since = self._probing_since
        if since is not None and now < since + self._settings.probe_patience:
            return False
        self._probing_since = now
        return True

    def succeeded(self) -> bool:
        """Note an answer; says whether that closed the breaker."""
        changed = self.state != "closed"
        self.state, self.reason = "closed", ""
        self._failed, self._pause, self._probing_since = 0, self._settings.first_pause, None
        return changed

    def failed(self, now: Time, reason: str) -> bool:
        """Note that no answer came, or a 5xx; says whether that opened the breaker."""
        self._failed += 1
        if self.state == "closed" and self._failed < self._settings.failures:
            return False
        changed = self.state != "open"
        if self.state == "half_open":
            self._pause = min(2 * self._pause, self._settings.longest_pause)
        if changed:
            self._until = now + self._pause
        self.state, self.reason, self._probing_since = "open", reason, None
        return changed
