"""A slot: the connection that holds a set of streams, and the one that is to replace it; decided by given times."""

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.pacing import Attempts
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.domain.time import Time

_MOST_DOUBLINGS: Final = 5


class Action(Struct, frozen=True):
    """Open the connection `link`, or close it, since `why`."""

    do: Literal["open", "close"]
    link: int
    why: str = ""


class Link(Struct):
    """A connection of the slot: when it was opened, when it served all streams, and since when it is to end."""

    number: int
    opened_at: Time
    serving_at: Time | None = None
    leaving_at: Time | None = None
    why: str = ""


class Slot:
    """Keeps one connection serving, make before break: a second one overlaps it while it is being replaced.

    Reasons to replace are its age, and `replace` (a stall, a shutdown that was announced). The old one is closed when
    the new one has served for `overlap`, or after `grace` where it was to end; it may also just end. Attempts are
    bounded by `attempts`, which all slots share.
    """

    def __init__(
        self,
        settings: StreamSettings,
        attempts: Attempts,
        number_link: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        """Begin without a connection; `number_link` names a new one, `chance` in [0, 1) spreads what would collide."""
        self.current: Link | None = None
        self.successor: Link | None = None
        self.failures = 0
        self.retry_at: Time = 0
        self._settings = settings
        self._attempts = attempts
        self._number_link = number_link
        self._chance = chance
        self._lifetime = self._draw_lifetime()
        self._mute_lives = 0

    @property
    def first_word(self) -> Time:
        """How long a connection may serve without a word: twice as long after each that was mute, up to 32 times."""
        return self._settings.silence.first << min(self._mute_lives, _MOST_DOUBLINGS)

    def lived(self, *, mute: bool) -> None:
        """Take that a connection that served has ended, and whether it ever heard a word."""
        self._mute_lives = self._mute_lives + 1 if mute else 0

    def tick(self, now: Time) -> list[Action]:
        """Return what is to be done now."""
        actions: list[Action] = []
        current, successor = self.current, self.successor
        if successor is not None and successor.serving_at is not None:
            if current is None or now - successor.serving_at >= self._settings.overlap:
                actions += self._promote()
                current = self.current
        elif (
            current is not None and current.leaving_at is not None and now - current.leaving_at >= self._settings.grace
        ):
            actions.append(Action("close", current.number, current.why))
            self._failed(now)
            self.current = current = None
        if current is None and self.successor is not None:
            self.current, self.successor = self.successor, None
        elif current is None:
            if (link := self._attempt(now)) is not None:
                self.current = link
                actions.append(Action("open", link.number))
        elif self.successor is None and self._replaceable(current, now) and (link := self._attempt(now)) is not None:
            self.successor = link
            actions.append(Action("open", link.number))
        return actions

    def serving(self, number: int, now: Time) -> None:
        """Take that a connection has all its streams."""
        link = self._link(number)
        if link is not None and link.serving_at is None:
            link.serving_at = now

    def replace(self, number: int, now: Time, why: str) -> bool:
        """Take that a connection is to end: it stalled, or its server shuts down; say whether that was news."""
        link = self._link(number)
        if link is None or link.leaving_at is not None:
            return False
        link.leaving_at, link.why = now, why
        return True

    def ended(self, number: int, now: Time) -> None:
        """Take that a connection is gone, or never came about."""
        link = self._link(number)
        if link is None:
            return
        if link.serving_at is not None and now - link.serving_at >= self._settings.reconnecting.proven:
            self.failures = 0
            self.retry_at = now
        else:
            self._failed(now)
        if link is self.successor:
            self.successor = None
        else:
            self.current, self.successor = self.successor, None

    def _attempt(self, now: Time) -> Link | None:
        if now < self.retry_at or not self._attempts.free(now):
            return None
        self._attempts.note(now)
        return Link(self._number_link(), now)

    def _link(self, number: int) -> Link | None:
        for link in (self.current, self.successor):
            if link is not None and link.number == number:
                return link
        return None

    def _replaceable(self, link: Link, now: Time) -> bool:
        return link.leaving_at is not None or (link.serving_at is not None and now - link.opened_at >= self._lifetime)

    def _promote(self) -> list[Action]:
        """Let the successor take the place; it is what served, so the row of failures is over."""
        old, self.current, self.successor = self.current, self.successor, None
        self._lifetime = self._draw_lifetime()
        if old is None:
            return []
        return [Action("close", old.number, old.why or "replaced by age")]

    def _failed(self, now: Time) -> None:
        self.failures += 1
        self.retry_at = now + self._attempts.pause(self.failures, self._chance())

    def _draw_lifetime(self) -> Time:
        """Return an age of up to a tenth below the bound, so that connections are not all replaced at once."""
        lifetime = self._settings.lifetime
        return lifetime - int(lifetime * self._chance() / 10)
