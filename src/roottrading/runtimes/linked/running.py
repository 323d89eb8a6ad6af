"""A run against an exchange at the other end of a wire: open, warm up, then decide whatever comes until the stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from roottrading.adapters.exchange.link import ExchangeLink
from roottrading.adapters.store.port import Store
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time, duration
from roottrading.messages.service import CandleMissing, Row
from roottrading.runtimes.controlling import Controls, Inbox
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.keeping import Keeper, position_of
from roottrading.runtimes.linked.barrier import CandleBarrier, Observation
from roottrading.runtimes.linked.linked_session import LinkedSession, Observer
from roottrading.runtimes.linked.outbox import Outbox
from roottrading.runtimes.linked.recorded import began_at
from roottrading.runtimes.linked.shared_account import SharedAccount
from roottrading.runtimes.linked.warming import CandleHistory, candles_before, closes_in, heard_until
from roottrading.runtimes.linked.weighing import Weigher
from roottrading.runtimes.loading import load_units
from roottrading.runtimes.result import journal
from roottrading.runtimes.session import Position, Session
from roottrading.runtimes.settle import Wiring
from roottrading.services.analyzer import NewestWindows, Plan

TICK: Final = 0.02  # seconds between two looks at the clock

Assemble = Callable[[NewestWindows, Outbox, Mapping[str, Instrument]], Wiring]


class MarketData(Protocol):
    """The market as it is told: finest candles in order, none left out and none twice."""

    async def open(self) -> None:
        """Connect. Raises LinkError where that is not possible."""

    async def close(self) -> None:
        """End all connections."""

    def now(self) -> Time:
        """Return the exchange's time."""

    @property
    def history(self) -> CandleHistory:
        """The candles of the past."""

    def candles(self, timeframe: str, first: Mapping[str, Time]) -> AsyncIterator[Observation]:
        """Return the candles of these symbols, each from the one that opens at its `first` on, as they close."""


class LinkedRun:
    """Everything that a run against an exchange needs, put together; `run` ends when `stop` is set, or with an error.

    `decision_step` is the fastest timeframe in use, in microseconds; `instruments` are asked for when the link is open.
    Capital is in `quote_asset`. Where the exchange's clock is stepped, `stepped` follows it until the market's
    end; else deadlines are delivered as time goes by. A person's commands are taken from the store as they come.
    Without a `weigher` all strategies weigh the same.
    """

    def __init__(
        self,
        plan: Plan,
        decision_step: Time,
        quote_asset: str,
        assemble: Assemble,
        instruments: Callable[[], Mapping[str, Instrument]],
        link: ExchangeLink,
        market: MarketData,
        store: Store,
        observe: Observer = lambda position, rows: None,
        stepped: Callable[["LinkedRun"], Awaitable[None]] | None = None,
        weigher: Weigher | None = None,
    ) -> None:
        self._plan = plan
        self._decision_step = decision_step
        self._quote_asset = quote_asset
        self._assemble = assemble
        self._instruments = instruments
        self._link = link
        self._market = market
        self._store = store
        self._observe = observe
        self._stepped = stepped
        self._weigher = weigher
        self.stop = asyncio.Event()
        self.interrupted = False
        self.linked: LinkedSession | None = None
        self.started_at: Time = 0
        self.candles: list[Row] = []  # after the run: what was traded on, as rows of `market_data`
        self._heard: dict[str, Time] = {}  # the last T of every symbol that was decided before
        self._heard_at: Time = 0  # of what the exchange said last of the account

    async def run(self) -> Position:
        """Trade until `stop` is set; returns the last T that was decided.

        Raises LinkError where the exchange cannot be reached at the start; later it is waited for.
        """
        await self._link.open()
        try:
            await self._market.open()
            try:
                linked = await self._begin(self._instruments())
                await self._live(linked)
                linked.end()
                ended = dict.fromkeys(self._plan.symbols, linked.completed.at)
                self.candles = await candles_before(self._market.history, self._played(), ended)
                return linked.completed
            finally:
                await self._market.close()
        finally:
            await self._link.close()

    def interrupt(self) -> None:
        """Stop because a person wants it."""
        self.interrupted = True
        self.stop.set()

    def now(self) -> Time:
        """Return the exchange's time, by whichever of the two connections knows it later."""
        return max(self._link.now(), self._market.now(), self._heard_at)

    def obey(self) -> None:
        """Take what a person commanded, as whoever moves the clock asks for it."""
        if self.linked is not None:
            self.linked.obey()

    def due(self) -> None:
        """Deliver the deadlines that have come, as whoever moves the clock asks for it."""
        if self.linked is not None:
            self.linked.due()

    def next_deadline(self) -> Time | None:
        """Return the next deadline of any service."""
        return None if self.linked is None else self.linked.session.deadlines.next()

    async def _begin(self, instruments: Mapping[str, Instrument]) -> LinkedSession:
        """Load what was kept, fetch what the windows need, and let every unit know that it was loaded."""
        span = duration(self._plan.finest)
        loaded, now = self._store.load(), self.now()
        completed = position_of(loaded) or Position(now - now % span, "candles")
        self.started_at = began_at(loaded.rows["gateway_streams"], self._plan.finest, completed.at)
        if self._weigher is not None:
            self._weigher.begin(loaded, journal(self._store, "signals"), self.started_at, completed.at)
        outbox, opinions = Outbox(), NewestWindows(self._plan)
        wiring = self._assemble(opinions, outbox, instruments)
        self._heard = heard_until(loaded.units, self._symbols(), self._plan.finest, completed.at)
        wanted = opinions.wanted_at(min(self._heard.values()))
        candles = await candles_before(self._market.history, wanted, self._heard)
        load_units(wiring.units, loaded, candles)
        session = Session(wiring, outbox, self._decision_step, Deadlines(loaded.deadlines))
        session.closes.update(closes_in(candles))
        traded = {symbol: instruments[symbol] for symbol in self._plan.symbols}
        account, keeper = SharedAccount(wiring.units, traded), Keeper(self._store, session)
        linked = self.linked = LinkedSession(
            session,
            outbox,
            keeper,
            CandleBarrier(self._symbols(), self._plan.finest, completed.at),
            account,
            Inbox(self._store, Controls(session, account, traded, self._quote_asset), keeper, loaded.control),
            self.now,
            self._link.send,
            self._rested,
        )
        linked.begin(completed)
        return linked

    def _rested(self, position: Position, rows: Sequence[Row]) -> None:
        if self._weigher is not None:
            self._weigher.rested(position.at, rows)
        self._observe(position, rows)

    def _played(self) -> dict[tuple[str, str], Time]:
        return {(symbol, self._plan.finest): self.started_at for symbol in self._plan.symbols}

    def _symbols(self) -> tuple[str, ...]:
        return tuple(sorted({symbol for symbol, _ in self._plan.streams}))

    async def _live(self, linked: LinkedSession) -> None:
        """Hand in what comes until the stop; what any of them raises ends all of them."""
        working = [
            asyncio.create_task(self._hear_market(linked)),
            asyncio.create_task(self._hear_account(linked)),
            asyncio.create_task(self._watch_time(linked) if self._stepped is None else self._follow(self._stepped)),
        ]
        if self._weigher is not None:
            working.append(asyncio.create_task(self._weigher.run(linked.weigh)))
        stopping = asyncio.create_task(self.stop.wait())
        await asyncio.wait({*working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*working, stopping):
            task.cancel()
        for ended in await asyncio.gather(*working, stopping, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _hear_market(self, linked: LinkedSession) -> None:
        async for observation in self._market.candles(self._plan.finest, self._heard):
            if isinstance(observation, CandleMissing) or observation.candle.closed:
                linked.heard(observation)

    async def _hear_account(self, linked: LinkedSession) -> None:
        async for events in self._link.events():
            self._heard_at = max(self._heard_at, *(event.at for event in events))
            linked.said(events)

    async def _follow(self, stepped: Callable[["LinkedRun"], Awaitable[None]]) -> None:
        await stepped(self)
        self.stop.set()

    async def _watch_time(self, linked: LinkedSession) -> None:
        while True:
            linked.due()
            await asyncio.sleep(TICK)
