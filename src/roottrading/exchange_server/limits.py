"""Limits as Binance counts them: weight by address, orders by account, windows aligned to the clock."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from roottrading.domain.time import DAY, MINUTE, SECOND, Time
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.user_events import ExecutionReport, UserEvent

TAKEN_BACK_TAKER: Final = 1  # what an order's first fill gives back of its account's unfilled count
TAKEN_BACK_MAKER: Final = 5
BANNED_AFTER: Final = 20  # requests in one window that go on over the limit
FIRST_BAN: Final = 2 * MINUTE
LONGEST_BAN: Final = 3 * DAY
_USE_STREAMS: Final = "Please use WebSocket Streams for live updates to avoid polling the API."
_BANNED_USE_STREAMS: Final = "Please use WebSocket Streams for live updates to avoid bans."


class LimitSettings(Struct, frozen=True):
    """The bounds, as exchangeInfo tells them."""

    weight_a_minute: int = 6_000
    orders_10_seconds: int = 100
    orders_a_day: int = 200_000
    requests_5_minutes: int = 300_000
    connections_5_minutes: int = 300


class Window(Struct):
    """A count in the window that began at `start`."""

    span: Time
    start: Time = -1
    count: int = 0

    def at(self, now: Time) -> "Window":
        """Return the window as it is at `now`: at its boundary the count begins anew."""
        start = now - now % self.span
        if start != self.start:
            self.start = start
            self.count = 0
        return self

    def ends_in(self, now: Time) -> int:
        """Return the whole seconds until the boundary, at least 1."""
        return max(1, -(-(self.start + self.span - now) // SECOND))


class Address(Struct):
    """What came from one address: `over` counts requests over the limit, `bans` how often it was banned."""

    weight: Window
    requests: Window
    connections: Window
    over: int = 0
    banned_until: Time = 0
    bans: int = 0


class Limits:
    """All counts of a server."""

    def __init__(self, settings: LimitSettings) -> None:
        self.settings = settings
        self._addresses: dict[str, Address] = {}
        self._orders: dict[str, tuple[Window, Window]] = {}

    # ---- weight

    def charge(self, address: str, weight: int, now: Time) -> None:
        """Count a request; ApiError 429 over the limit, 418 for who goes on nevertheless."""
        known = self._address(address)
        if now < known.banned_until:
            raise self._banned(known, now)
        window, requests = known.weight.at(now), known.requests.at(now)
        if not window.count:
            known.over = 0
        window.count += weight
        requests.count += 1
        if window.count > self.settings.weight_a_minute:
            text = f"current limit is {self.settings.weight_a_minute} request weight per 1 MINUTE"
            raise self._over(known, window, now, f"Too much request weight used; {text}. {_USE_STREAMS}")
        if requests.count > self.settings.requests_5_minutes:
            text = f"current limit is {self.settings.requests_5_minutes} requests per 5 MINUTE"
            raise self._over(known, requests, now, f"Too many requests; {text}. {_USE_STREAMS}")

    def connect(self, address: str, now: Time) -> None:
        """Count an attempt to connect; ApiError 429 where there were too many."""
        known = self._address(address)
        if now < known.banned_until:
            raise self._banned(known, now)
        window, most = known.connections.at(now), self.settings.connections_5_minutes
        window.count += 1
        if window.count > most:
            text = f"Too many connection attempts from IP; current limit is {most} per '5 MINUTE'."
            raise ApiError(-1034, text, 429, retry_after=window.ends_in(now))

    def refund(self, address: str, weight: int, now: Time) -> None:
        """Take a weight back: trading that succeeds weighs nothing."""
        window = self._address(address).weight.at(now)
        window.count = max(0, window.count - weight)

    def used(self, address: str, now: Time) -> int:
        """Return the weight used in the present minute."""
        return self._address(address).weight.at(now).count

    def _address(self, address: str) -> Address:
        known = self._addresses.get(address)
        if known is None:
            known = self._addresses[address] = Address(Window(MINUTE), Window(5 * MINUTE), Window(5 * MINUTE))
        return known

    def _over(self, known: Address, window: Window, now: Time, text: str) -> ApiError:
        known.over += 1
        if known.over > BANNED_AFTER:
            known.over = 0
            known.banned_until = now + min(FIRST_BAN << known.bans, LONGEST_BAN)
            known.bans = min(known.bans + 1, 16)
            return self._banned(known, now)
        return ApiError(-1003, text, 429, retry_after=window.ends_in(now))

    def _banned(self, known: Address, now: Time) -> ApiError:
        until = known.banned_until
        text = f"Way too much request weight used; IP banned until {until // 1000}. {_BANNED_USE_STREAMS}"
        return ApiError(-1003, text, 418, retry_after=max(1, -(-(until - now) // SECOND)))

    # ---- orders

    def take_orders(self, account: str, orders: int, now: Time) -> None:
        """Count orders that are about to be placed; ApiError 429 where they would be too many."""
        for window, most, words in self._windows(account, now):
            if window.count + orders > most:
                raise ApiError(
                    -1015,
                    f"Too many new orders; current limit is {most} orders per {words}.",
                    429,
                    retry_after=window.ends_in(now),
                )
        for window, _, _ in self._windows(account, now):
            window.count += orders

    def give_back(self, account: str, orders: int, now: Time) -> None:
        """Take orders back: refused ones do not count, and a first fill gives some back."""
        for window, _, _ in self._windows(account, now):
            window.count = max(0, window.count - orders)

    def hear(self, account: str, event: UserEvent) -> None:
        """Give back what an order's first fill gives back."""
        if isinstance(event, ExecutionReport) and event.execution is not None:
            execution = event.execution
            if execution.quantity == event.executed:
                self.give_back(account, TAKEN_BACK_MAKER if execution.is_maker else TAKEN_BACK_TAKER, event.at)

    def order_counts(self, account: str, now: Time) -> tuple[int, int]:
        """Return the account's counts of the present ten seconds and of the day."""
        short, long = (window.count for window, _, _ in self._windows(account, now))
        return short, long

    def _windows(self, account: str, now: Time) -> Iterator[tuple[Window, int, str]]:
        windows = self._orders.get(account)
        if windows is None:
            windows = self._orders[account] = (Window(10 * SECOND), Window(DAY))
        yield windows[0].at(now), self.settings.orders_10_seconds, "10 SECOND"
        yield windows[1].at(now), self.settings.orders_a_day, "1 DAY"

    # ---- words

    def shown(self) -> list[dict[str, Any]]:
        """Return the bounds as exchangeInfo tells them."""
        return [
            _bound("REQUEST_WEIGHT", "MINUTE", 1, self.settings.weight_a_minute),
            _bound("ORDERS", "SECOND", 10, self.settings.orders_10_seconds),
            _bound("ORDERS", "DAY", 1, self.settings.orders_a_day),
            _bound("RAW_REQUESTS", "MINUTE", 5, self.settings.requests_5_minutes),
        ]

    def weight_shown(self, address: str, now: Time) -> list[dict[str, Any]]:
        """Return what the WebSocket API tells of weight."""
        bound = _bound("REQUEST_WEIGHT", "MINUTE", 1, self.settings.weight_a_minute)
        return [bound | {"count": self.used(address, now)}]

    def orders_shown(self, account: str, now: Time) -> list[dict[str, Any]]:
        """Return the account's order counts with their bounds."""
        short, long = self.order_counts(account, now)
        return [
            _bound("ORDERS", "SECOND", 10, self.settings.orders_10_seconds) | {"count": short},
            _bound("ORDERS", "DAY", 1, self.settings.orders_a_day) | {"count": long},
        ]


def _bound(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
