"""The budget: request weight and order count as the exchange's own answers tell them, shared by urgency.

Protection, then cancels, exits and reconciliation, go before entries, and these before market data (trading-rules
1.13). Limits come from exchangeInfo, what is used from headers and `rateLimits`; windows are aligned to the clock.
"""

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.time import DAY, HOUR, MINUTE, SECOND, Time

Purpose = Literal["protection", "exit", "question", "entry", "market"]
LimitKind = Literal["REQUEST_WEIGHT", "ORDERS"]

# What part of a limit a purpose may use up.
WEIGHT_SHARE: Final[dict[Purpose, float]] = {
    "protection": 1.0,
    "exit": 1.0,
    "question": 0.95,
    "entry": 0.8,
    "market": 0.5,
}
ORDER_SHARE: Final[dict[Purpose, float]] = {
    "protection": 1.0,
    "exit": 1.0,
    "question": 1.0,
    "entry": 0.5,
    "market": 0.5,
}
INTERVALS: Final[dict[str, Time]] = {"SECOND": SECOND, "MINUTE": MINUTE, "HOUR": HOUR, "DAY": DAY}
_LETTERS: Final = {"S": "SECOND", "M": "MINUTE", "H": "HOUR", "D": "DAY"}
_SHORTEST_BAN: Final = 2 * MINUTE


class Limit(Struct):
    """One limit of the exchange: `most` in each window of `span`; `used` counts in the window that began at `begun`."""

    kind: LimitKind
    span: Time
    most: int
    used: int = 0
    begun: Time = 0

    def roll(self, now: Time) -> None:
        """Begin the window of `now` where another one is over."""
        begun = now - now % self.span
        if begun > self.begun:
            self.begun, self.used = begun, 0


class Denied(Struct, frozen=True):
    """Not now: what is used up, and when there is room again (exchange time)."""

    what: str
    until: Time


class Budget:
    """Counts what is used, by the exchange's word where it gives one, and says whether there is room for more."""

    def __init__(self) -> None:
        self._limits: dict[tuple[LimitKind, Time], Limit] = {}
        self.blocked_until: Time = 0  # 429 and 418: nobody asks before
        self.banned = False
        self.orders_blocked_until: Time = 0  # -1015: no new orders before
        self.set_limit("REQUEST_WEIGHT", MINUTE, 6_000)
        self.set_limit("ORDERS", 10 * SECOND, 50)
        self.set_limit("ORDERS", DAY, 160_000)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Every limit as it now stands."""
        return tuple(self._limits.values())

    def set_limit(self, kind: LimitKind, span: Time, most: int) -> None:
        """Take a limit from exchangeInfo; what was counted stays."""
        known = self._limits.get((kind, span))
        if known is None:
            self._limits[kind, span] = Limit(kind, span, most)
        else:
            known.most = most

    def is_banned(self, now: Time) -> bool:
        """Whether the exchange has shut us out: whoever knocks meanwhile is shut out for longer."""
        return self.banned and now < self.blocked_until

    def admit(self, purpose: Purpose, weight: int, orders: int, now: Time) -> Denied | None:
        """Take what a request needs, or say when there is room for it; protection is only ever stopped by a block."""
        if now < self.blocked_until:
            return Denied("banned" if self.banned else "asked to wait", self.blocked_until)
        if orders and now < self.orders_blocked_until:
            return Denied("order count", self.orders_blocked_until)
        for limit in self._limits.values():
            limit.roll(now)
            needed, share = (weight, WEIGHT_SHARE) if limit.kind == "REQUEST_WEIGHT" else (orders, ORDER_SHARE)
            if needed and purpose != "protection" and limit.used + needed > limit.most * share[purpose]:
                name = "request weight" if limit.kind == "REQUEST_WEIGHT" else "order count"
                return Denied(name, limit.begun + limit.span)
        for limit in self._limits.values():
            limit.used += weight if limit.kind == "REQUEST_WEIGHT" else orders
        return None

    def told(self, kind: LimitKind, span: Time, used: int, now: Time) -> None:
        """Take the exchange's own count: it knows of other users of this address and account, too."""
        limit = self._limits.get((kind, span))
        if limit is not None and used >= 0:
            limit.roll(now)
            limit.used = used

    def told_by_headers(self, headers: Iterable[tuple[str, str]], now: Time) -> None:
        """Take the counts in an answer's headers; what is none is passed over."""
        for name, value in headers:
            upper = name.upper()
            if not upper.startswith(("X-MBX-USED-WEIGHT-", "X-MBX-ORDER-COUNT-")) or not value.isdecimal():
                continue
            span = span_of(upper.rpartition("-")[2])
            if span is not None:
                self.told("REQUEST_WEIGHT" if "WEIGHT" in upper else "ORDERS", span, int(value[:12]), now)

    def refused(self, status: int, code: int, retry_after: Time, now: Time) -> None:
        """Obey a 429 or 418: `retry_after` microseconds, or until the window ends where none was told."""
        if code == -1015:
            ends = max((self._window_end(limit, now) for limit in self._limits.values() if _is_short(limit)), default=0)
            self.orders_blocked_until = max(self.orders_blocked_until, now + retry_after if retry_after else ends)
            return
        if status == 418:
            self.banned = True
            wait = retry_after or _SHORTEST_BAN
        else:
            self.banned = self.banned and now < self.blocked_until
            wait = retry_after or MINUTE - now % MINUTE
        self.blocked_until = max(self.blocked_until, now + wait)

    def _window_end(self, limit: Limit, now: Time) -> Time:
        return now - now % limit.span + limit.span


def span_of(text: str) -> Time | None:
    """Return the span that a header's end names (1M is a minute, 10S ten seconds), or None."""
    number, letter = text[:-1], text[-1:]
    if not number.isascii() or not number.isdigit() or letter not in _LETTERS:
        return None
    return int(number[:6]) * INTERVALS[_LETTERS[letter]] or None


def _is_short(limit: Limit) -> bool:
    return limit.kind == "ORDERS" and limit.span < HOUR
