"""A session of the WebSocket API: who is logged on, what it hears of which account, and its own methods."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from roottrading.domain.time import MILLISECOND, SECOND, Time
from roottrading.exchange_server.endpoint import SIGNED, Endpoint
from roottrading.exchange_server.errors import ApiError, invalid
from roottrading.exchange_server.frames import Frame, answer_frame, read_frame
from roottrading.exchange_server.server import ExchangeServer, Inbound, check_instant
from roottrading.exchange_server.user_events import StreamTerminated, UserEvent
from roottrading.exchange_server.wording import stamp_of

MOST_ACTIVE: Final = 1_000
MOST_EVER: Final = 65_535
WEIGHT: Final = 2
_NO_ID: Final = msgspec.Raw(b"null")
Send = Callable[[bytes], None]


class Session:
    """One connection's state; `send` takes frames in the order in which they are to go out."""

    def __init__(self, server: ExchangeServer, address: str, send: Send, *, micro: bool, shows: bool) -> None:
        """Begin: nobody is logged on, nothing is heard."""
        self._server = server
        self._address = address
        self._send = send
        self._micro = micro
        self._shows = shows
        self._stamp = stamp_of(micro)
        self._connected = server.clock.now()
        self._key: str | None = None
        self._account = ""
        self._authorized: Time = -1
        self._heard: dict[int, tuple[str, bool, Callable[[], None]]] = {}  # account, by logon, the way to end it
        self._numbered = 0
        self._own: dict[str, tuple[frozenset[str], Callable[[Frame, Time], Any]]] = {
            "session.logon": (SIGNED, self._logon),
            "session.status": (frozenset(), self._status),
            "session.logout": (frozenset(), self._logout),
            "session.subscriptions": (frozenset(), self._subscriptions),
            "userDataStream.subscribe": (frozenset(), self._subscribe),
            "userDataStream.subscribe.signature": (SIGNED, self._subscribe_signed),
            "userDataStream.unsubscribe": (frozenset({"subscriptionId"}), self._unsubscribe),
        }

    @property
    def account(self) -> str:
        """Who is logged on, empty for nobody."""
        return self._account

    async def answer(self, text: str | bytes) -> bytes:
        """Answer one frame, whatever it is."""
        try:
            frame = read_frame(text)
        except ApiError as error:
            return answer_frame(_NO_ID, error.status, "error", error.body(), None)
        return await self.answer_read(frame)

    async def answer_read(self, frame: Frame) -> bytes:
        """Answer a request that was read."""
        endpoint = self._server.methods.get(frame.method)
        shows = self._shows if frame.shows is None else frame.shows
        account = ""
        try:
            if endpoint is None:
                result = self._obey(frame)
            else:
                inbound = self._inbound(frame, endpoint)
                result = await self._server.answer(inbound)
                if endpoint.orders or endpoint.counts:
                    account = inbound.account or self._server.keys.account_of(inbound.key)
        except ApiError as error:
            return answer_frame(
                frame.identity, error.status, "error", self.told(error), self._limits("") if shows else None
            )
        return answer_frame(frame.identity, 200, "result", result, self._limits(account) if shows else None)

    def end(self) -> None:
        """Hear nothing any more: the connection is gone."""
        for _, _, leave in self._heard.values():
            leave()
        self._heard.clear()

    def terminate(self, event: UserEvent) -> None:
        """Tell of an end that concerns the whole connection (serverShutdown)."""
        self._send(msgspec.json.encode({"event": event.shown(self._stamp)}))

    def told(self, error: ApiError) -> dict[str, Any]:
        """Return the error; one of limits says until when, as this wire has no headers."""
        body = error.body()
        if error.retry_after is not None and error.data is None:
            now = self._server.clock.now()
            until = now + error.retry_after * SECOND
            body["data"] = {"serverTime": now // MILLISECOND, "retryAfter": until // MILLISECOND}
        return body

    # ---- requests

    def _inbound(self, frame: Frame, endpoint: Endpoint) -> Inbound:
        key = frame.parameters.text("apiKey")
        return Inbound(
            endpoint,
            frame.parameters,
            self._address,
            key or self._key,
            frame.payload,
            self._micro,
            "" if key else self._account,
        )

    def _obey(self, frame: Frame) -> Any:
        own = self._own.get(frame.method)
        now = self._server.clock.now()
        self._server.limits.charge(self._address, WEIGHT, now)
        if own is None:
            raise ApiError(-1020, "This operation is not supported.")
        known, obey = own
        if surplus := frame.parameters.names - known:
            read, sent = len(frame.parameters) - len(surplus), len(frame.parameters)
            words = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
            raise ApiError(-1104, words)
        return obey(frame, now)

    def _limits(self, account: str) -> list[dict[str, Any]]:
        limits, now = self._server.limits, self._server.clock.now()
        orders = limits.orders_shown(account, now) if account else []
        return orders + limits.weight_shown(self._address, now)

    # ---- the session

    def _logon(self, frame: Frame, now: Time) -> dict[str, Any]:
        key = frame.parameters.required("apiKey")
        account = self._signed(frame, key, now)
        if not self._server.keys.logs_on(key):
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.")
        self._key, self._account, self._authorized = key, account, now
        return self._status(frame, now)

    def _signed(self, frame: Frame, key: str, now: Time) -> str:
        parameters = frame.parameters
        self._server.keys.account_of(key)
        parameters.required("timestamp")
        signature = parameters.required("signature")
        check_instant(parameters, now)
        return self._server.keys.check(key, frame.payload, signature)

    def _status(self, _: Frame, now: Time) -> dict[str, Any]:
        return {
            "apiKey": self._key,
            "authorizedSince": self._stamp(self._authorized) if self._key else None,
            "connectedSince": self._stamp(self._connected),
            "returnRateLimits": self._shows,
            "serverTime": self._stamp(now),
            "userDataStream": bool(self._heard),
        }

    def _logout(self, frame: Frame, now: Time) -> dict[str, Any]:
        for number, (_, by_logon, _) in list(self._heard.items()):
            if by_logon:
                self._leave(number, now)
        self._key, self._account = None, ""
        return self._status(frame, now)

    # ---- user data

    def _subscribe(self, _: Frame, now: Time) -> dict[str, Any]:
        if not self._account:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self._hear(self._account, by_logon=True)

    def _subscribe_signed(self, frame: Frame, now: Time) -> dict[str, Any]:
        return self._hear(self._signed(frame, frame.parameters.required("apiKey"), now), by_logon=False)

    def _hear(self, account: str, *, by_logon: bool) -> dict[str, Any]:
        if any(known == account for known, _, _ in self._heard.values()):
            raise ApiError(-2035, "User Data Stream subscription already active.")
        if len(self._heard) >= MOST_ACTIVE or self._numbered >= MOST_EVER:
            raise ApiError(-2042, "Maximum subscription ID reached for this connection.")
        number = self._numbered
        self._numbered += 1
        leave = self._server.subscribers.add(account, partial(self._tell, number))
        self._heard[number] = (account, by_logon, leave)
        return {"subscriptionId": number}

    def _unsubscribe(self, frame: Frame, now: Time) -> dict[str, Any]:
        number = frame.parameters.integer("subscriptionId")
        if number is None:
            for each in list(self._heard):
                self._leave(each, now)
            return {}
        if number not in self._heard:
            raise ApiError(-2036, "User Data Stream subscription not active.")
        self._leave(number, now)
        return {}

    def _subscriptions(self, _: Frame, now: Time) -> list[dict[str, int]]:
        return [{"subscriptionId": number} for number in self._heard]

    def _leave(self, number: int, now: Time) -> None:
        self._heard.pop(number)[2]()
        self._tell(number, StreamTerminated(now))

    def _tell(self, number: int, event: UserEvent) -> None:
        self._send(msgspec.json.encode({"subscriptionId": number, "event": event.shown(self._stamp)}))


def read_flag(text: str | None, name: str) -> bool:
    """Return a flag of the connection's address: true unless it says false."""
    if text is None or text.lower() == "true":
        return True
    if text.lower() == "false":
        return False
    raise invalid(name)
