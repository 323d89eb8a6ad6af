"""What the server is given from outside: its clock, its market streams, and whoever meddles with its traffic."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from roottrading.domain.time import Time
from roottrading.exchange_server.frames import Frame
from roottrading.exchange_server.user_events import UserEvent

if TYPE_CHECKING:
    from roottrading.exchange_server.ws_api import ApiConnection


class Clock(Protocol):
    """The exchange's time: server time, recvWindow, limits and candles are all on it."""

    def now(self) -> Time:
        """Return the exchange's present instant; it never goes back."""

    async def turn(self, symbol: str, client_order_id: str) -> None:
        """Return when a trading request may be carried out: at once, unless the clock waits for rest first."""


class MarketStreams(Protocol):
    """Who serves the sockets of market data (`/ws`, `/stream`)."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take the connection until it ends."""


class Meddler(Protocol):
    """Faults by command; without one, everything is handed on as it is."""

    async def reply(self, request: web.Request, handler: "Handler") -> web.StreamResponse:
        """Answer a REST request by way of `handler`, or in spite of it."""

    async def socket_reply(
        self, connection: "ApiConnection", frame: Frame, answer: Callable[[Frame], Awaitable[bytes]]
    ) -> bytes | None:
        """Answer a request of the WebSocket API by way of `answer`, or in spite of it; None sends nothing."""

    def user_events(self, account: str, event: UserEvent) -> Iterable[UserEvent]:
        """Return what an account's subscribers hear of an event now; what comes late it publishes itself."""


class Handler(Protocol):
    """The undisturbed way to answer a REST request."""

    async def __call__(self, request: web.Request, /) -> web.StreamResponse:
        """Carry the request out and answer it."""
