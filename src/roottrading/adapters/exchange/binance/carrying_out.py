"""One request from its sending to its outcome: sent once, unknown where nothing came, a late answer told after all."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Final

from roottrading.adapters.exchange.binance.ahead import Ahead
from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.calls import Call, call_of
from roottrading.adapters.exchange.binance.doors import Doors
from roottrading.adapters.exchange.binance.errors import BROKEN_FILTER, CLOCK, Failure
from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.questions import Questions, Unanswered
from roottrading.adapters.exchange.binance.replies import Events, failed, refused_here, succeeded, unknown
from roottrading.adapters.exchange.binance.server_clock import ServerClock, StandingClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.wire import Malformed
from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import AnyRequest, ListFills

_LOG: Final = logging.getLogger(__name__)
_MOST_REMEMBERED: Final = 50_000
_HURRY: Final = 16  # requests at most of which each is waited for: of more the last waits longer than signing takes
_PACE: Final = 0.025  # seconds a unit of weight before the same question is asked again: 2,400 of 6,000 a minute

Name = tuple[object, ...]


class Carrier:
    """Carries requests out; whatever comes of one is put as events.

    `compared` is set while nothing of the account is missed: only then do entries go out. `doubted` is set where the
    exchange refused a time, `surprised` where it refused a request by a filter: the rules may be other ones by now.
    """

    def __init__(
        self,
        doors: Doors,
        questions: Questions,
        reader: Reader,
        clock: ServerClock,
        settings: LinkSettings,
        put: Callable[[Events], None],
    ) -> None:
        self.compared = asyncio.Event()
        self.doubted = asyncio.Event()
        self.surprised = asyncio.Event()
        self._doors = doors
        self._questions = questions
        self._reader = reader
        self._clock = clock
        self._settings = settings
        self._put = put
        self._asking: set[Name] = set()
        self._sent: dict[Name, None] = {}
        self._calls: Ahead[AnyRequest, Call] = Ahead(call_of)
        self._asked: dict[Name, float] = {}  # when, by the loop's clock
        self._pace = 0.0 if isinstance(clock, StandingClock) else _PACE  # between two moves nothing may be waited for

    def takes(self, request: AnyRequest) -> bool:
        """Say whether a request is to be carried out, and note that it now is.

        A question that is being asked is not asked beside that. What changes something is never sent twice: its id is
        spent, and only its fate can be asked for.
        """
        name = name_of(request)
        if name in self._asking:
            return False
        self._asking.add(name)
        return True

    def prepare(self, requests: Sequence[AnyRequest]) -> None:
        """Write and sign what changes something: its timestamp is its own, so it will be the same when it is sent."""
        for request in requests if len(requests) <= _HURRY else ():
            call = self._calls.prepare(request)
            if call.changes:
                self._doors.prepare(call)

    async def carry_out(self, request: AnyRequest) -> None:
        """Carry out a request that was taken, up to its outcome."""
        try:
            call = self._calls.take(request)
            if not call.changes:
                await self._pause(name_of(request), call.weight)
                self._put(await self._answered(request, call))
            elif self._is_spent(name_of(request)):
                self._put((unknown(request, self._clock.now()),))
            elif call.purpose != "entry" or await self._may_enter(request):
                await self._change(request, call)
        except Exception:
            # a defect of ours must not keep an outcome to itself
            _LOG.exception("the request %s of %s failed", request.client_order_id, request.symbol)
            self._put((unknown(request, self._clock.now()),))
        finally:
            self._asking.discard(name_of(request))

    async def _pause(self, name: Name, weight: int) -> None:
        """Wait a little where the same was asked just now: doubt asks again and again, and must leave some budget."""
        now = asyncio.get_running_loop().time
        again = self._asked.pop(name, -math.inf) + weight * self._pace
        if again > now():
            await asyncio.sleep(again - now())
        self._asked[name] = now()
        if len(self._asked) > _MOST_REMEMBERED:
            del self._asked[next(iter(self._asked))]

    def _is_spent(self, name: Name) -> bool:
        """Say whether this was sent before; from now on it was."""
        if name in self._sent:
            return True
        self._sent[name] = None
        if len(self._sent) > _MOST_REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return False

    async def _may_enter(self, request: AnyRequest) -> bool:
        """Wait until nothing is missed any more, as long as the request is taken; else refuse it here."""
        if self.compared.is_set():
            return True
        left = request.issued_at + self._settings.receive_window - self._clock.now()
        try:
            async with asyncio.timeout(max(0, left) / SECOND / self._settings.clock_rate):
                await self.compared.wait()
        except TimeoutError:
            words = "not sent: the account was not compared with the exchange in time"
            self._put((refused_here(request, CLOCK, words, self._clock.now()),))
            return False
        return True

    async def _change(self, request: AnyRequest, call: Call) -> None:
        """Send once; after a while without an answer say that nobody knows, and pass a late answer on as well."""
        overdue = False

        def forsake() -> None:
            nonlocal overdue
            overdue = True
            self._put((unknown(request, self._clock.now()),))

        # a timer, and no task beside this one: what is sent is written now, before anybody else has his turn
        patience = asyncio.get_running_loop().call_later(self._settings.patience / SECOND, forsake)
        try:
            answer = await self._doors.call(call)
        finally:
            patience.cancel()
        if not (overdue and isinstance(answer, Silence)):
            self._put(self._events_of(request, answer, self._clock.now()))

    async def _answered(self, request: AnyRequest, call: Call) -> Events:
        asked_at = self._clock.earliest()
        if not isinstance(request, ListFills):
            return self._events_of(request, await self._doors.call(call), asked_at)
        try:
            found = await self._questions.executions(request.symbol, request.client_order_id, request.from_trade_id)
        except Unanswered as error:
            return self._events_of(request, error.answer, asked_at)
        except Malformed as error:
            self._reader.strangers.note("answers", f"ListFills: {error}")
            return (unknown(request, self._clock.now()),)
        return (found,)

    def _events_of(self, request: AnyRequest, answer: Answer, at: Time) -> Events:
        """Return what an answer says; what is not there was not there at `at`."""
        now = self._clock.now()
        match answer:
            case Success():
                return succeeded(self._reader, request, answer.told, answer.asked_at)
            case Failure():
                if answer.meaning == "clock":
                    self.doubted.set()
                elif answer.code == BROKEN_FILTER and answer.meaning == "refused":
                    self.surprised.set()
                return failed(self._reader, request, answer, at)
            case NotSent():
                return (refused_here(request, answer.code, answer.message, now),)
            case Silence():
                return (unknown(request, now),)


def name_of(request: AnyRequest) -> Name:
    """Return what is asked, whenever it is asked."""
    first = request.from_trade_id if isinstance(request, ListFills) else 0
    return type(request), request.symbol, request.client_order_id, first
