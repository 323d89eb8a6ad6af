"""Listen keys, for clients from before February 2026: user data as a stream beside those of the market.

Binance has none any more; an exchange has them only where it is told to.
"""

from base64 import b32encode
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final, Protocol

from msgspec import Struct

from roottrading.domain.time import MINUTE, Time
from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.subscribers import Subscribers
from roottrading.exchange_server.user_events import UserEvent
from roottrading.exchange_server.wording import Stamp

LIFETIME: Final = 60 * MINUTE
PATH: Final = "/api/v3/userDataStream"


class Speaking(Protocol):
    """Who sends a stream's messages to all who listen to it by name."""

    def say(self, name: str, written: Callable[[Stamp], Any]) -> None:
        """Send one message."""


class _Key(Struct):
    name: str
    until: Time
    leave: Callable[[], None]


class ListenKeys:
    """One key an account, good for an hour after its last use."""

    def __init__(self, subscribers: Subscribers, streams: Speaking) -> None:
        self._subscribers = subscribers
        self._streams = streams
        self._keys: dict[str, _Key] = {}
        self._made = 0

    def open(self, account: str, now: Time) -> str:
        """Return the account's key, made anew where it has none."""
        known = self._keys.get(account)
        if known is not None and now <= known.until:
            known.until = now + LIFETIME
            return known.name
        if known is not None:
            self.close(account, known.name, known.until)
        self._made += 1
        name = b32encode(blake2b(f"listen {self._made}".encode(), digest_size=40).digest()).decode()[:60]

        def hear(event: UserEvent) -> None:
            self._streams.say(name, event.shown)

        self._keys[account] = _Key(name, now + LIFETIME, self._subscribers.add(account, hear))
        return name

    def keep(self, account: str, name: str, now: Time) -> None:
        """Let a key be good for another hour; ApiError -1125 for one that is not."""
        self._known(account, name, now).until = now + LIFETIME

    def close(self, account: str, name: str, now: Time) -> None:
        """Let a key be good no longer."""
        self._known(account, name, now).leave()
        del self._keys[account]

    def _known(self, account: str, name: str, now: Time) -> _Key:
        known = self._keys.get(account)
        if known is None or known.name != name or now > known.until:
            raise ApiError(-1125, "This listenKey does not exist.")
        return known


def endpoints(keys: ListenKeys) -> tuple[Endpoint, ...]:
    """Return what can be asked of listen keys."""

    def begin(call: Call) -> dict[str, str]:
        return {"listenKey": keys.open(call.account, call.now)}

    def keep(call: Call) -> dict[str, str]:
        keys.keep(call.account, call.parameters.required("listenKey"), call.now)
        return {}

    def close(call: Call) -> dict[str, str]:
        keys.close(call.account, call.parameters.required("listenKey"), call.now)
        return {}

    named = frozenset({"listenKey"})
    return (
        Endpoint("POST", PATH, "", begin, frozenset(), "key", 2),
        Endpoint("PUT", PATH, "", keep, named, "key", 2),
        Endpoint("DELETE", PATH, "", close, named, "key", 2),
    )
