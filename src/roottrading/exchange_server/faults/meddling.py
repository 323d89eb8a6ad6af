"""Meddling with answers, messages and connections, as the faults that strike say."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol
from weakref import WeakSet

from aiohttp import web

from roottrading.domain.time import Time
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.faults.altering import Altered, altered, spoiled
from roottrading.exchange_server.faults.answering import answer_api, cut_off, refused, wait_in_vain
from roottrading.exchange_server.faults.fault import ACTS, CONNECTIONS
from roottrading.exchange_server.faults.register import Register, Strike
from roottrading.exchange_server.frames import Frame
from roottrading.exchange_server.market.sockets import Connection, StreamSockets
from roottrading.exchange_server.ports import Handler
from roottrading.exchange_server.rest import parse
from roottrading.exchange_server.subscribers import Subscribers
from roottrading.exchange_server.user_events import UserEvent
from roottrading.exchange_server.wording import milliseconds
from roottrading.exchange_server.ws_api import ApiConnection


class Acting(Protocol):
    """Who does to market and accounts what faults say."""

    def act(self, strike: Strike) -> None:
        """Do it; ValueError where it cannot be."""


class Meddling:
    """Comes between the exchange and everybody who talks to it."""

    def __init__(
        self,
        register: Register,
        acting: Acting,
        streams: StreamSockets,
        subscribers: Subscribers,
        now: Callable[[], Time],
    ) -> None:
        """Strike as the register says."""
        self.register = register
        self._acting = acting
        self._streams = streams
        self._subscribers = subscribers
        self._now = now
        self._api: WeakSet[ApiConnection] = WeakSet()
        self._is_acting = False
        self._kept: dict[str, list[UserEvent]] = {}  # by account: what comes after its next event
        self._kept_frames: dict[tuple[Connection, str], list[bytes]] = {}
        register.at_once = self._at_once
        streams.on_frame = self.frame

    # ---- answers over REST

    async def reply(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer by way of `handler`, or in spite of it."""
        strikes = self.register.strike(
            f"{request.method} {request.path}", await _symbol_of(request), request.headers.get("X-MBX-APIKEY", "")
        )
        for strike in strikes:
            fault = strike.fault
            if fault.kind == "latency":
                await asyncio.sleep(strike.delay)
            elif fault.kind in ACTS:
                self._act(strike)
        for strike in strikes:
            fault = strike.fault
            if fault.kind in {"refusal", "timeout"}:
                if fault.executed:
                    await handler(request)
                return refused(fault) if fault.kind == "refusal" else await wait_in_vain(request, strike)
            if fault.kind == "drop" or (fault.kind == "cut" and fault.moment == "before"):
                return await cut_off(request, web.Response(), "before")
        response = await handler(request)
        for strike in strikes:
            fault = strike.fault
            if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
                break
            if fault.kind == "body":
                response.body = spoiled(response.body, fault)
            elif fault.kind == "field":
                response.body = altered(response.body, fault)
            elif fault.kind == "cut":
                return await cut_off(request, response, fault.moment)
        return response

    # ---- answers over the WebSocket API

    async def socket_reply(
        self, connection: ApiConnection, frame: Frame, answer: Callable[[Frame], Awaitable[bytes]]
    ) -> bytes | None:
        """Answer by way of `answer`, or in spite of it; None sends nothing."""
        self._api.add(connection)
        symbol = frame.parameters.given("symbol")
        key = frame.parameters.given("apiKey") or (connection.session.account if connection.session else "")
        strikes = self.register.strike(f"ws {frame.method}", symbol, key)
        for strike in strikes:
            if strike.fault.kind == "latency":
                await asyncio.sleep(strike.delay)
            elif strike.fault.kind in ACTS:
                self._act(strike)
            elif strike.fault.kind in CONNECTIONS:
                self._connection(connection, strike)
        return await answer_api(strikes, connection, frame, answer)

    # ---- messages

    def user_events(self, account: str, event: UserEvent) -> Iterable[UserEvent]:
        """Return what an account's subscribers hear of an event now."""
        shown = event.shown(milliseconds)
        where = f"user {shown.get('e')} {shown.get('x', '')}".rstrip()
        says = [event]
        for strike in self.register.strike(where, shown.get("s", ""), account):
            fault = strike.fault
            if fault.kind == "field":
                says = [Altered(each.at, each, fault.field, fault.value) for each in says]
            elif fault.kind == "lose":
                says = []
            elif fault.kind == "duplicate":
                says = says * 2
            elif fault.kind == "late":
                for each in says:
                    asyncio.get_running_loop().call_later(strike.delay, self._subscribers.publish, account, each)
                says = []
            elif fault.kind == "swap":
                self._kept.setdefault(account, []).extend(says)
                return []
            elif fault.kind in ACTS:
                self._act(strike)
            elif fault.kind in CONNECTIONS:
                for connection in tuple(self._api):
                    self._connection(connection, strike)
        return [*says, *self._kept.pop(account, ())] if says else says

    def frame(self, connection: Connection, name: str, frame: bytes) -> None:
        """Send a frame of a market stream, or do to it and its connection what the faults say."""
        says = [frame]
        for strike in self.register.strike(f"stream {name}", name.partition("@")[0].upper()):
            fault = strike.fault
            if fault.kind == "field":
                says = [altered(each, fault) for each in says]
            elif fault.kind == "body":
                says = [spoiled(each, fault) for each in says]
            elif fault.kind == "lose":
                says = []
            elif fault.kind == "duplicate":
                says = says * 2
            elif fault.kind in {"late", "latency"}:
                for each in says:
                    asyncio.get_running_loop().call_later(strike.delay, connection.send, each)
                says = []
            elif fault.kind == "swap":
                self._kept_frames.setdefault((connection, name), []).extend(says)
                return
            elif fault.kind in ACTS:
                self._act(strike)
            elif fault.kind in CONNECTIONS:
                self._connection(connection, strike)
        kept = self._kept_frames.pop((connection, name), []) if says else []
        for each in (*says, *kept):
            connection.send(each)

    def _act(self, strike: Strike) -> None:
        """Do to market and accounts what a fault says, where it can be done; what comes of it strikes nothing more."""
        if self._is_acting:
            self.register.fail(strike, "it would have struck at what an act of a fault caused")
            return
        self._is_acting = True
        try:
            self._acting.act(strike)
        except ValueError as error:
            self.register.fail(strike, str(error))
        finally:
            self._is_acting = False

    # ---- connections

    def _at_once(self, strike: Strike) -> None:
        """Carry out a fault without a place: on market and accounts, or on all connections that are open."""
        fault = strike.fault
        if fault.kind in ACTS:
            self._acting.act(strike)
            return
        if fault.value in {"", "streams"}:
            for connection in tuple(self._streams.connections):
                self._connection(connection, strike)
        if fault.value in {"", "ws-api"}:
            for api in tuple(self._api):
                self._connection(api, strike)

    def _connection(self, connection: Connection | ApiConnection, strike: Strike) -> None:
        kind = strike.fault.kind
        loop = asyncio.get_running_loop()
        if kind == "stall":
            connection.mute = True
            loop.call_later(strike.delay, _unmute, connection)
        elif kind == "drop":
            connection.cut()
        elif kind == "close":
            connection.stop()
        elif kind == "deaf":
            connection.deaf = True
        elif kind == "shutdown":
            if isinstance(connection, Connection):
                self._streams.shut_down(connection)
            elif connection.session is not None:
                connection.session.terminate(ServerShutdown(self._now()))
            loop.call_later(strike.delay, connection.stop)


class ServerShutdown(UserEvent, frozen=True):
    """The server will end the connection."""

    def shown(self, stamp: Callable[[Time], int]) -> dict[str, object]:
        """Return the serverShutdown."""
        return {"e": "serverShutdown", "E": stamp(self.at)}


def _unmute(connection: Connection | ApiConnection) -> None:
    connection.mute = False


async def _symbol_of(request: web.Request) -> str:
    """Return the symbol that a request is about, empty where it says none that can be read."""
    query = request.raw_path.partition("?")[2].encode("utf-8", "surrogateescape")
    body = await request.read() if request.body_exists else b""
    try:
        return parse(query, body).given("symbol")
    except ApiError:
        return ""  # it is refused behind this door
