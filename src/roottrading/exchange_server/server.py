"""The server's heart: one way for every request, whichever wire it came by, from the door to the answer."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final
from zlib import crc32

from msgspec import Struct

from roottrading.domain.time import MILLISECOND, SECOND, Time
from roottrading.exchange_server.endpoint import SIGNED, Call, Endpoint
from roottrading.exchange_server.errors import ApiError, missing
from roottrading.exchange_server.keys import KeyRing
from roottrading.exchange_server.limits import Limits, LimitSettings
from roottrading.exchange_server.names import Names
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.ports import Clock, MarketStreams, Meddler
from roottrading.exchange_server.socket_settings import SocketSettings
from roottrading.exchange_server.subscribers import Subscribers
from roottrading.exchange_server.traffic import Traffic
from roottrading.exchange_server.venue import TradingVenue
from roottrading.exchange_server.wording import stamp_of

USUAL_WINDOW: Final = 5_000 * MILLISECOND
WIDEST_WINDOW: Final = 60_000
AHEAD: Final = SECOND


class Inbound(Struct, frozen=True):
    """A request as a wire brought it in: `payload` is what a signature must fit, `account` that of a session."""

    endpoint: Endpoint
    parameters: Parameters
    address: str
    key: str | None
    payload: bytes
    micro: bool
    account: str = ""


class ExchangeServer:
    """Everything that the wires share."""

    def __init__(
        self,
        venue: TradingVenue,
        clock: Clock,
        endpoints: Iterable[Endpoint],
        limits: LimitSettings,
        streams: MarketStreams | None = None,
        meddler: Meddler | None = None,
        traffic: Traffic | None = None,
        sockets: SocketSettings | None = None,
    ) -> None:
        self.venue = venue
        self.clock = clock
        self.keys = KeyRing()
        self.limits = Limits(limits)
        self.streams = streams
        self.meddler = meddler
        self.traffic = Traffic() if traffic is None else traffic
        self.sockets = SocketSettings() if sockets is None else sockets
        self.subscribers = Subscribers()
        self.names = Names()
        self.rest: dict[tuple[str, str], Endpoint] = {}
        self.methods: dict[str, Endpoint] = {}
        self.offer(endpoints)
        venue.user_listeners += [self.limits.hear, self._publish]

    def offer(self, endpoints: Iterable[Endpoint]) -> None:
        """Offer more endpoints."""
        known = tuple(endpoints)
        self.rest |= {(each.method, each.path): each for each in known if each.method}
        self.methods |= {each.words: each for each in known if each.words}

    def uid(self, account: str) -> int:
        """Return the number by which Binance would call the account."""
        return crc32(account.encode())

    async def answer(self, inbound: Inbound) -> Any:
        """Take a request from the door to its answer; ApiError where it is refused.

        Every request is counted first, so that refusals weigh, too; trading that succeeds weighs nothing.
        """
        endpoint, parameters = inbound.endpoint, inbound.parameters
        now = self.clock.now()
        weight = endpoint.weight_of(parameters)
        self.limits.charge(inbound.address, weight, now)
        account = self._account_of(inbound, now)
        may_trade = self.keys.may_trade(inbound.key)
        if endpoint.trades and not may_trade:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        _check_names(endpoint, parameters)
        if endpoint.trades:
            name = parameters.text("newClientOrderId") or parameters.text("listClientOrderId") or ""
            await self.clock.turn(parameters.text("symbol") or "", name)
            now = self.clock.now()
            if endpoint.security == "signed":
                check_instant(parameters, now)  # once more, just before the engine
        call = Call(self, parameters, account, now, stamp_of(inbound.micro), may_trade)
        if endpoint.orders:
            self.limits.take_orders(account, endpoint.orders, now)
        try:
            result = endpoint.handler(call)
        except ApiError:
            if endpoint.orders:
                self.limits.give_back(account, endpoint.orders, now)
            raise
        if endpoint.trades:
            self.limits.refund(inbound.address, weight, now)
        return result

    def _account_of(self, inbound: Inbound, now: Time) -> str:
        """Return whose request it is; ApiError where it does not say so, or too early, or too late."""
        security, parameters = inbound.endpoint.security, inbound.parameters
        if security == "none":
            return ""
        if security == "key":
            return inbound.account or self.keys.account_of(inbound.key)
        if inbound.account:
            check_instant(parameters, now)
            return inbound.account
        self.keys.account_of(inbound.key)
        parameters.required("timestamp")
        signature = parameters.required("signature")
        check_instant(parameters, now)
        return self.keys.check(inbound.key, inbound.payload, signature)

    def _publish(self, account: str, event: Any) -> None:
        """Hand an event to the account's subscribers, unless somebody meddles with it."""
        events = (event,) if self.meddler is None else self.meddler.user_events(account, event)
        for each in events:
            self.subscribers.publish(account, each)


def check_instant(parameters: Parameters, now: Time) -> None:
    """Refuse a request from outside its recvWindow, or more than a second ahead (-1021)."""
    if "timestamp" not in parameters:
        raise missing("timestamp")
    timestamp = parameters.instant("timestamp")
    window = USUAL_WINDOW
    wanted = parameters.decimal("recvWindow")
    if wanted is not None:
        if wanted > WIDEST_WINDOW:
            raise ApiError(-1131, "recvWindow must be less than 60000.")
        window = int(wanted * Decimal(MILLISECOND))
    assert timestamp is not None  # it is there
    if timestamp >= now + AHEAD:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - timestamp > window:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _check_names(endpoint: Endpoint, parameters: Parameters) -> None:
    known = endpoint.parameters if endpoint.security == "none" else endpoint.parameters | SIGNED
    surplus = parameters.names - known
    if surplus:
        read, sent = len(parameters) - len(surplus), len(parameters)
        raise ApiError(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")
