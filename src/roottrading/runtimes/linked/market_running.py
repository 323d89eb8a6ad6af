"""A run with simulated money on a market that is heard over a wire: open, warm up, then play whatever T is whole.

It decides and fills as a replay of the same candles does, and therefore stays a candle behind: what an order would
have met is known when the candle that it meets is over.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from roottrading.adapters.exchange.binance.server_clock import StandingClock
from roottrading.adapters.exchange.binance.streams import HistoryUnavailable, MarketObservation, candles
from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.store.port import Store
from roottrading.config.settings import Settings
from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest, InstrumentChanged
from roottrading.messages.service import CandleMissing, CandleObserved, Row
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.embedded import Observer, Progress
from roottrading.runtimes.linked.heard_candles import HeardCandles
from roottrading.runtimes.linked.market_connection import MarketConnection
from roottrading.runtimes.linked.market_session import MarketSession, heard_symbols, starts_after
from roottrading.runtimes.linked.recorded import began_at
from roottrading.runtimes.linked.stepping import SteppedTime
from roottrading.runtimes.linked.warming import Stream, candles_before
from roottrading.runtimes.linked.weighing import Weigher, weigher_of
from roottrading.runtimes.linked.whole_instants import WholeInstants
from roottrading.runtimes.result import journal
from roottrading.runtimes.session import Position
from roottrading.runtimes.together import first_of, unless_stopped
from roottrading.services.analyzer import NewestWindows

NOWHERE: Final = Position(0, "candles")  # where a run stands that was stopped before it began
_CONTROL_SECONDS: Final = 0.2  # between two looks for a person's commands

Connect = Callable[[tuple[str, ...], Callable[[MarketObservation], None]], MarketConnection]


class MarketRun:
    """`run` ends when `stop` is set, or with an error.

    `connect` opens the market of these symbols and is given who hears it. Where its clock is stepped, `admin` is the
    exchange's admin door, and the run ends with the market.
    """

    def __init__(
        self,
        settings: Settings,
        cast: Cast,
        connect: Connect,
        store: Store,
        observe: Observer = lambda _: True,
        admin: str | None = None,
    ) -> None:
        self._settings = settings
        self._cast = cast
        self._store = store
        self._observe = observe
        self._admin = admin
        self._symbols = heard_symbols(settings, cast)
        self.connection = connect(self._symbols, self._hear)
        self._instants: WholeInstants | None = None
        self._kept: HeardCandles | None = None
        self._session: MarketSession | None = None
        self._weigher: Weigher | None = None
        self._changes: list[InstrumentChanged] = []
        self._heard = asyncio.Event()
        self.stop = asyncio.Event()
        self.interrupted = False
        self.started_at: Time = 0
        self.candles: list[Row] = []  # after the run: what was traded on, as rows of `market_data`

    async def run(self) -> Position:
        """Trade until `stop` is set; returns how far the market was played.

        Raises LinkError where the market cannot be reached at the start; later it is waited for.
        """
        await self.connection.open()
        try:
            begun = await unless_stopped(self.stop, self._begin())
            if begun is None:
                return NOWHERE
            session, instants = begun
            await self._live(session, instants)
            session.end()
            self.candles = await self._played(session.last.at)
            return session.last
        finally:
            await self.connection.close()

    def interrupt(self) -> None:
        """Stop because a person wants it."""
        self.interrupted = True
        self.stop.set()

    # ---- what a stepped clock wants to know

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done but waiting for the market."""
        working = self._instants is not None and self._instants.is_ready
        learning = self._weigher is not None and self._weigher.busy
        return not working and not learning and not self.connection.is_asking

    @property
    def under_way(self) -> tuple[AnyRequest, ...]:
        """Nothing: no request goes over this wire."""
        return ()

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""
        return self.connection.frames

    # ---- inside

    async def _begin(self) -> tuple[MarketSession, WholeInstants]:
        """Load what was kept, fetch what the windows need, and follow the candles from there on."""
        plan, connection = self._cast.plan, self.connection
        loaded = self._store.load()
        after = starts_after(loaded, plan.finest, connection.now())
        self.started_at = began_at(loaded.rows["gateway_streams"], plan.finest, after)
        opinions = NewestWindows(plan)
        before = await self._asked(opinions.wanted_at(after), after)
        session = self._session = MarketSession(
            self._settings,
            self._cast,
            connection.instruments,
            self._store,
            loaded,
            after,
            opinions,
            before,
            observe=self._rested,
        )
        self._weigher = weigher_of(self._settings, self._cast, connection.history)
        if self._weigher is not None:
            self._weigher.begin(loaded, journal(self._store, "signals"), self.started_at, session.last.at)
        instants = self._instants = WholeInstants(self._symbols, plan.finest, after)
        self._kept = HeardCandles(plan.symbols, after)
        followed = {candles(symbol, plan.finest): after for symbol in self._symbols}
        connection.market.follow(followed, followed)
        self._go_on(session.begin())
        return session, instants

    async def _live(self, session: MarketSession, instants: WholeInstants) -> None:
        """Play what comes until the stop; what any part raises ends all of them."""
        parts: list[Coroutine[Any, Any, None]] = [
            self.connection.market.run(),
            self._play(session, instants),
            self._obey(session),
        ]
        if self._admin is not None:
            parts.append(self._follow(self._admin, session, instants))
        await first_of(self.stop.wait(), *parts)

    def _rested(self, progress: Progress) -> bool:
        if self._weigher is not None:
            self._weigher.rested(progress.position.at, progress.rows)
        return self._observe(progress)

    async def _play(self, session: MarketSession, instants: WholeInstants) -> None:
        if session.begun:
            await self._learn(session)
        while True:
            await self._heard.wait()
            self._heard.clear()
            while session.begun and self._changes:
                self._go_on(session.change(self._changes.pop(0)))
            while not self.stop.is_set() and (instant := instants.next()) is not None:
                self._go_on(session.play(instant))
                await self._learn(session)
                await asyncio.sleep(0)

    async def _learn(self, session: MarketSession) -> None:
        """Make the weights that are due before anything later is played."""
        if self._weigher is not None:
            await self._weigher.catch_up(lambda weights: self._go_on(session.weigh(weights)))

    async def _obey(self, session: MarketSession) -> None:
        while True:
            self._go_on(session.obey())
            await asyncio.sleep(_CONTROL_SECONDS)

    async def _follow(self, admin: str, session: MarketSession, instants: WholeInstants) -> None:
        """Follow a stepped clock to the market's end, where nothing opens any more."""
        clock = self.connection.clock
        assert isinstance(clock, StandingClock)
        await SteppedTime(admin, clock, self, lambda: None, lambda: None, lambda: self._go_on(session.obey())).run()
        while not self.stop.is_set() and (instant := instants.next() or instants.last()) is not None:
            self._go_on(session.play(instant))
        self.stop.set()

    def _go_on(self, wanted: bool) -> None:
        if not wanted:
            self.stop.set()

    def _hear(self, said: MarketObservation) -> None:
        if isinstance(said, InstrumentChanged):
            self._changes.append(said)
            self._heard.set()
        elif isinstance(said, CandleMissing) or (isinstance(said, CandleObserved) and said.candle.closed):
            assert self._instants is not None  # candles are followed from then on
            assert self._kept is not None
            self._instants.arrive(said)
            if isinstance(said, CandleObserved):
                self._kept.add(said.candle)
            self._heard.set()

    async def _played(self, until: Time) -> list[Row]:
        """Return what was traded on, for the report: fetched again where not all of it was heard by this process."""
        rows = None if self._kept is None else self._kept.rows(self.started_at, until)
        if rows is not None:
            return rows
        finest = self._cast.plan.finest
        return await self._asked({(symbol, finest): self.started_at for symbol in self._cast.plan.symbols}, until)

    async def _asked(self, wanted: Mapping[Stream, Time], until: Time) -> list[Row]:
        """Fetch candles that had closed by `until`. Raises LinkError where the history does not answer."""
        try:
            return await candles_before(self.connection.history, wanted, dict.fromkeys(self._symbols, until))
        except HistoryUnavailable as error:
            raise LinkError(
                f"the market does not tell its past now ({error}): start again when it does; with --state nothing is "
                "lost"
            ) from None
