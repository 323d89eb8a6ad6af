"""The link to Binance: requests out over the faster door, events in, the clock kept, the account compared."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, cast

from roottrading.adapters.exchange.binance.background import Background
from roottrading.adapters.exchange.binance.breaker import Breaker, BreakerSettings
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.carrying_out import Carrier
from roottrading.adapters.exchange.binance.comparing import Comparing
from roottrading.adapters.exchange.binance.doors import Doors
from roottrading.adapters.exchange.binance.errors import NOT_ALLOWED
from roottrading.adapters.exchange.binance.keeping_up import KeptSocket
from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.questions import Questions
from roottrading.adapters.exchange.binance.replies import Events, refused_here
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import Endpoints, LinkSettings
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.socket_api import SocketApi
from roottrading.adapters.exchange.binance.user_events import read_event
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    AnyRequest,
    LinkChanged,
    Request,
)

_LOG: Final = logging.getLogger(__name__)
_BETWEEN_LOOKS: Final = 1.0  # seconds between two looks at instruments of which a filter made doubtful
_BAD_KEY: Final = frozenset({-2014, NOT_ALLOWED, -1022})


class BinanceLink:
    """One account at Binance, or at a server that speaks its protocol: an `ExchangeLink`.

    Of the account's events all are passed on, of other symbols and by other hands, too. `fees` are assumed until the
    exchange has told the account's rates.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        credentials: Credentials,
        symbols: Sequence[str],
        settings: LinkSettings | None = None,
        breaker: BreakerSettings | None = None,
        fees: FeeSchedule | None = None,
        clock: ServerClock | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._settings = settings or LinkSettings()
        self._symbols = tuple(symbols)
        self._credentials = credentials
        self._clock = clock or ServerClock(lambda: time.monotonic_ns() // 1_000, self._settings.clock_rate)
        self._budget = budget or Budget()
        self._reader = Reader(fees)
        rest = Rest(endpoints.rest, self._settings, credentials, self._clock, self._budget)
        self._doors = Doors(rest, self._budget, Breaker(breaker), self._clock, self._settings, self._tell)
        questions = Questions(self._doors, self._reader)
        self._queue: asyncio.Queue[Events | None] = asyncio.Queue()
        self._carrier = Carrier(self._doors, questions, self._reader, self._clock, self._settings, self._put)
        self._comparing = Comparing(
            tuple(symbols),
            questions,
            self._reader,
            self._carrier,
            rest,
            self._clock,
            self._settings,
            self._put,
            self._tell,
        )
        self._kept = KeptSocket(
            self._doors,
            endpoints.socket,
            self._settings,
            self._make_socket,
            self._hear,
            self._comparing.greet,
            self._went_down,
            self._tell,
        )
        self._background = Background()
        self._is_open = False
        self._under_way: dict[asyncio.Task[None], AnyRequest] = {}

    # ---- as runtimes see it

    async def open(self) -> None:
        """Connect, learn the exchange's clock, limits and instruments. Raises LinkError where that is not possible."""
        await self._doors.rest.open()
        try:
            await self._comparing.learn()
        except BaseException:
            await self._doors.rest.close()
            raise
        self._is_open = True
        for work in (self._kept.run(), self._comparing.keep_comparing(), self._comparing.keep_clock()):
            self._background.start(work)

    async def close(self) -> None:
        """End all connections; requests under way are heard no more."""
        self._is_open = False
        await self._background.end()
        await self._doors.rest.close()
        self._queue.put_nowait(None)

    def now(self) -> Time:
        """Return the exchange's time. Raises RuntimeError before the link was opened."""
        return self._clock.now()

    def prepare(self, requests: Sequence[Request]) -> None:
        """Write and sign what `send` may be given soon; nothing leaves, and nothing needs to."""
        if self._is_open:
            self._carrier.prepare(cast("Sequence[AnyRequest]", requests))

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out, in their order; returns at once and never raises.

        A question that is being asked already is not asked beside that, and what changes something is sent once only.
        """
        for request in cast("Sequence[AnyRequest]", requests):
            if not self._is_open:
                self._put((refused_here(request, NOT_ALLOWED, "not sent: the link is closed", 0),))
            elif self._carrier.takes(request):
                task = self._background.start(self._carrier.carry_out(request))
                self._under_way[task] = request
                task.add_done_callback(lambda done: self._under_way.pop(done, None))

    async def events(self) -> AsyncIterator[Events]:
        """Return all events in the order in which they came, those together that are there; ends with the link."""
        while (told := await self._queue.get()) is not None:
            together = list(told)
            while not self._queue.empty():
                more = self._queue.get_nowait()
                if more is None:
                    yield together
                    return
                together += more
            yield together

    @property
    def instruments(self) -> dict[str, Instrument]:
        """The symbols' instruments as they are now."""
        return self._comparing.instruments

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests that no event has answered yet."""
        return tuple(self._under_way.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange: for its events, or for answers to requests."""
        kept = 3  # the socket, the comparing and the clock are looked after all the time
        at_work = len(self._background) - kept - len(self._under_way)
        return self._queue.empty() and self._carrier.compared.is_set() and not at_work

    @property
    def frames(self) -> dict[str, int]:
        """The frames that were read and dealt with, by the local address of their connection."""
        socket = self._doors.socket
        return {} if socket is None else {socket.local: socket.frames}

    @property
    def strangers(self) -> dict[tuple[str, str], int]:
        """What the exchange said that nobody knows, and how often."""
        return dict(self._reader.strangers.counts)

    # ---- the account's events

    def _make_socket(self, hear: Any) -> SocketApi:
        return SocketApi(self._settings, self._credentials, self._clock, self._budget, self._reader.strangers, hear)

    def _hear(self, event: Any) -> None:
        told = read_event(self._reader, event)
        if told == "balances":
            self._background.start(self._comparing.tell_balances())
        elif isinstance(told, str):
            self._kept.renew(missing=told == "terminated")
        else:
            self._put(told)

    def _went_down(self) -> None:
        self._carrier.compared.clear()

    # ---- inside

    def _put(self, events: Events) -> None:
        if events:
            self._queue.put_nowait(events)

    def _tell(self, part: str, state: str, reason: str) -> None:
        at = self._clock.now() if self._clock.is_set else 0
        self._put((LinkChanged("", "", at, part, state, reason),))
