"""The link to Binance: requests out over the faster door, events in, the clock kept, the account compared."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Final, cast

from roottrading.adapters.exchange.binance.breaker import Breaker, BreakerSettings
from roottrading.adapters.exchange.binance.budget import Budget
from roottrading.adapters.exchange.binance.carrying_out import Carrier
from roottrading.adapters.exchange.binance.doors import Doors
from roottrading.adapters.exchange.binance.errors import NOT_ALLOWED, Failure
from roottrading.adapters.exchange.binance.first_questions import check_listed, learn_clock
from roottrading.adapters.exchange.binance.keeping_up import KeptSocket
from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.questions import Questions, Unanswered, missed
from roottrading.adapters.exchange.binance.replies import Events, refused_here
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import Endpoints, LinkSettings
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.socket_api import SocketApi
from roottrading.adapters.exchange.binance.user_events import read_event
from roottrading.adapters.exchange.binance.wire import Malformed
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import (
    AnyRequest,
    InstrumentChanged,
    LinkChanged,
    ReconcileDue,
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
        self._questions = Questions(self._doors, self._reader)
        self._kept = KeptSocket(
            self._doors,
            endpoints.socket,
            self._settings,
            self._make_socket,
            self._hear,
            self._greet,
            self._went_down,
            self._tell,
        )
        self.instruments: dict[str, Instrument] = {}
        self._queue: asyncio.Queue[Events | None] = asyncio.Queue()
        self._carrier = Carrier(self._doors, self._questions, self._reader, self._clock, self._settings, self._put)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = False
        self._under_way: dict[asyncio.Task[None], AnyRequest] = {}

    # ---- as runtimes see it

    async def open(self) -> None:
        """Connect, learn the exchange's clock, limits and instruments. Raises LinkError where that is not possible."""
        await self._doors.rest.open()
        try:
            await self._learn()
        except BaseException:
            await self._doors.rest.close()
            raise
        self._is_open = True
        self._start(self._kept.run())
        self._start(self._keep_comparing())
        self._start(self._keep_clock())

    async def close(self) -> None:
        """End all connections; requests under way are heard no more."""
        self._is_open = False
        while self._tasks:  # again where a library swallowed it
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=1)
        await self._doors.rest.close()
        self._queue.put_nowait(None)

    def now(self) -> Time:
        """Return the exchange's time. Raises RuntimeError before the link was opened."""
        return self._clock.now()

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out, in their order; returns at once and never raises.

        A question that is being asked already is not asked beside that, and what changes something is sent once only.
        """
        for request in cast("Sequence[AnyRequest]", requests):
            if not self._is_open:
                self._put((refused_here(request, NOT_ALLOWED, "not sent: the link is closed", 0),))
            elif self._carrier.takes(request):
                task = self._start(self._carrier.carry_out(request))
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
    def under_way(self) -> tuple[AnyRequest, ...]:
        """The requests that no event has answered yet."""
        return tuple(self._under_way.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the exchange: for its events, or for answers to requests."""
        kept = 3  # the socket, the comparing and the clock are looked after all the time
        return (
            self._queue.empty() and self._carrier.compared.is_set() and len(self._tasks) == kept + len(self._under_way)
        )

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
            self._start(self._tell_balances())
        elif isinstance(told, str):
            self._kept.renew(missing=told == "terminated")
        else:
            self._put(told)

    async def _tell_balances(self) -> None:
        try:
            self._put((await self._questions.account(),))
        except (Unanswered, Malformed) as error:
            _LOG.warning("balances changed, and the account does not answer: %s", error)

    def _went_down(self) -> None:
        self._carrier.compared.clear()

    async def _greet(self) -> None:
        """Tell what was missed, again and again until it is told; then entries go out."""
        while True:
            try:
                await self._questions.rates(self._symbols)
                await self._look_at_instruments(everything=True)
                self._put(await missed(self._questions, self._reader, self._symbols))
                break
            except (Unanswered, Malformed) as error:
                self._tell("user_data", "comparing", str(error))
                await asyncio.sleep(1)
        self._put((ReconcileDue("", "", self._clock.now()),))
        self._carrier.compared.set()

    # ---- what is looked at again and again

    async def _learn(self) -> None:
        await learn_clock(self._doors.rest, self._clock)
        try:
            self.instruments = await self._questions.instruments(self._symbols)
            await self._questions.account()
        except Unanswered as error:
            if isinstance(error.answer, Failure) and error.answer.code in _BAD_KEY:
                raise LinkError(
                    f"the exchange refuses the API key ({error}): check key, secret, its rights and the addresses it "
                    "may be used from"
                ) from None
            raise LinkError(f"the exchange did not answer a first question: {error}") from None
        except Malformed as error:
            raise LinkError(f"the exchange's first answer is not in Binance's form: {error}") from None
        pairs = self.instruments.items()
        self._reader.assets = {symbol: (each.base_asset, each.quote_asset) for symbol, each in pairs}
        check_listed(self._symbols, self.instruments)

    async def _look_at_instruments(self, everything: bool) -> None:
        found = await self._questions.instruments(self._symbols)
        for symbol, instrument in found.items():
            if everything or instrument != self.instruments.get(symbol):
                self._put((InstrumentChanged(symbol, "", self._clock.now(), instrument.status, instrument),))
        self.instruments.update(found)

    async def _keep_comparing(self) -> None:
        while True:
            surprised = await self._until_minute_or_surprise()
            try:
                await self._look_at_instruments(everything=False)
            except Unanswered as error:
                _LOG.warning("the exchange's instruments could not be looked at: %s", error)
            if surprised:
                await asyncio.sleep(_BETWEEN_LOOKS)
            elif self._carrier.compared.is_set():
                await self._tell_balances()  # word of a change may have been lost, and books are held against it
                self._put((ReconcileDue("", "", self._clock.now()),))

    async def _until_minute_or_surprise(self) -> bool:
        """Wait for the next comparison, a minute of the exchange's; say whether a filter refused something before."""
        surprised = self._carrier.surprised
        # an accelerated exchange has minutes more often
        pause = self._settings.reconcile_every / SECOND / self._settings.clock_rate
        waiting = asyncio.ensure_future(surprised.wait())
        try:
            await asyncio.wait({waiting}, timeout=pause)
        finally:
            waiting.cancel()
        found = surprised.is_set()
        surprised.clear()
        return found

    async def _keep_clock(self) -> None:
        """Measure the clock now and then, and at once where the exchange refused a time."""
        while True:
            try:
                async with asyncio.timeout(self._settings.reconcile_every / SECOND):
                    await self._carrier.doubted.wait()
                self._clock.doubt()
            except TimeoutError:
                pass
            self._carrier.doubted.clear()
            if not await self._doors.rest.measure_clock():
                await asyncio.sleep(1)

    # ---- inside

    def _put(self, events: Events) -> None:
        if events:
            self._queue.put_nowait(events)

    def _tell(self, part: str, state: str, reason: str) -> None:
        at = self._clock.now() if self._clock.is_set else 0
        self._put((LinkChanged("", "", at, part, state, reason),))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a task of the link to the exchange ended", exc_info=error)
