"""All units and the simulated exchange, moved by a market that is heard over a wire instead of read from a tape.

Nothing in here waits or knows a socket: whole instants are handed in as they come, and played as a replay plays them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.store.port import Loaded, Store
from roottrading.config.settings import Settings
from roottrading.domain.candle import Candle
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time, duration
from roottrading.messages.exchange import InstrumentChanged
from roottrading.messages.service import Row, WeightsSet
from roottrading.runtimes.assembly import Cast, assemble, builders, fee_symbol, open_exchange
from roottrading.runtimes.controlling import Controls, Inbox, SimulatedAccount
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.embedded import Observer, Progress
from roottrading.runtimes.keeping import Keeper, position_of
from roottrading.runtimes.linked.connecting import LinkedMarket
from roottrading.runtimes.linked.warming import closes_in
from roottrading.runtimes.loading import given_until, load_units, restore_exchange
from roottrading.runtimes.replay import Instant
from roottrading.runtimes.session import Position, Session, play_instant
from roottrading.runtimes.settle import addressed
from roottrading.services.analyzer import NewestWindows


def heard_symbols(settings: Settings, cast: Cast) -> tuple[str, ...]:
    """Return whose candles such a run needs: what is traded, what strategies look at, and what prices the fees."""
    priced_by = fee_symbol(settings)
    return tuple(sorted({symbol for symbol, _ in cast.plan.streams} | ({priced_by} if priced_by else set())))


def starts_after(loaded: Loaded, finest: str, now: Time) -> Time:
    """Return the T from which on candles are wanted: the last one that was played, else the last one there was."""
    step = duration(finest)
    position = position_of(loaded)
    return now - now % step if position is None else given_until(position, step)


class MarketSession:
    """A session that begins at `starts_after`, with the candles (rows of `market_data`) that its windows need.

    `market` is what is traded; `instruments` are those of all `heard_symbols`. `observe` is told of every rest, and
    may stop the run by False. What raises ends the session: memory that was not kept is never acted on
    (consistency-rules 3.2), so that afterwards everything is answered by False.
    """

    def __init__(
        self,
        settings: Settings,
        cast: Cast,
        instruments: Mapping[str, Instrument],
        store: Store,
        loaded: Loaded,
        after: Time,
        opinions: NewestWindows,
        candles: Sequence[Row],
        observe: Observer = lambda _: True,
    ) -> None:
        self._resumed = position_of(loaded)
        self.last = self._resumed or Position(after, "candles")
        market = LinkedMarket(cast.plan.symbols, instruments, cast.plan.finest)
        self._instruments = instruments
        priced_by = fee_symbol(settings)
        self._listed = tuple(sorted({*cast.plan.symbols, *(() if priced_by is None else (priced_by,))}))
        self.exchange: SimulatedExchange = open_exchange(settings, {name: instruments[name] for name in self._listed})
        wiring = assemble(builders(settings, cast, market), opinions, self.exchange)
        load_units(wiring.units, loaded, candles)
        restore_exchange(self.exchange, loaded)
        foreign = frozenset(instruments).difference(self._listed)
        self.session = Session(wiring, self.exchange, cast.decision_step, Deadlines(loaded.deadlines), None, foreign)
        self.session.closes.update(closes_in(candles))
        self._before = _newest(candles)
        self._keeper = Keeper(store, self.session)
        traded = {symbol: instruments[symbol] for symbol in cast.plan.symbols}
        account = SimulatedAccount(self.exchange)
        controls = Controls(self.session, account, traded, settings.account.quote_asset)
        self._inbox = Inbox(store, controls, self._keeper, loaded.control)
        self._observe = observe
        self.begun = False
        self._is_broken = False

    def begin(self) -> bool:
        """Go on where an earlier run stopped; one that is new begins with its first instant.

        Returns False where the observer stopped the run.
        """
        return self._whole(self._go_on)

    def play(self, instant: Instant) -> bool:
        """Play a T; returns False where the observer stopped the run."""
        return self._whole(lambda: self._play(instant))

    def obey(self) -> bool:
        """Take what a person commanded meanwhile; returns False where the observer stopped the run.

        Raises Fenced where the state is another process's by now.
        """
        return self._whole(self._obey)

    def change(self, said: InstrumentChanged) -> bool:
        """Take a symbol's new status or filters, from now on; returns False where the observer stopped the run."""
        return self._whole(lambda: self._change(said))

    def weigh(self, weights: WeightsSet) -> bool:
        """Give the aggregator the weights of a day; returns False where the observer stopped the run."""
        return self._whole(lambda: self._weigh(weights))

    def end(self) -> None:
        """Keep what nobody had to wait for."""
        if self.begun:
            self._keeper.commit(self.last)

    # ---- inside

    def _whole(self, work: Callable[[], bool]) -> bool:
        """Do all of it, or nothing where something was left half done."""
        if self._is_broken:
            return False
        self._is_broken = True  # until all of it was done
        wanted = work()
        self._is_broken = False
        return wanted

    def _go_on(self) -> bool:
        if self._resumed is None:
            return True
        self._begin()
        known = self._instruments  # what was kept of statuses and filters may be older
        told = [InstrumentChanged(each, "", self.last.at, known[each].status, known[each]) for each in self._listed]
        return all(self._change(each) for each in told)

    def _play(self, instant: Instant) -> bool:
        if not self.begun:
            self._stand({candle.symbol: candle for candle in instant.closed if isinstance(candle, Candle)})
            self._begin()
        return play_instant(self.session, instant, self._at_rest, self._resumed or Position(-1, "candles"))

    def _obey(self) -> bool:
        if self.begun and self._inbox.empty(self.last.at):
            return self._at_rest(self.last)
        return True

    def _change(self, said: InstrumentChanged) -> bool:
        if said.symbol not in self._listed:
            return True
        events = self.exchange.set_status(said.symbol, said.status, self.last.at)
        if said.instrument is not None:
            events = self.exchange.change_filters(said.instrument, self.last.at)  # it says the status as well
        self.session.give(addressed(self.session.wiring, events), self.last.at)
        return self._at_rest(self.last)

    def _weigh(self, weights: WeightsSet) -> bool:
        self.session.give([(self.session.wiring.units["signal_aggregator"], weights)], self.last.at)
        return self._at_rest(self.last)

    def _begin(self) -> None:
        """Let every unit know that it was loaded: recovery is start-up."""
        self.begun = True
        self.session.resume(self.last.at)

    def _stand(self, opening: Mapping[str, Candle]) -> None:
        """Tell a fresh exchange where its symbols stand: on the open of their first candle, in a halt on a close."""
        for symbol in self._listed:
            if symbol in opening:
                self.exchange.candle_opens(opening[symbol], self.last.at)
            elif symbol in self._before:
                self.exchange.candle_closed(self._before[symbol], self._before[symbol].at)

    def _at_rest(self, position: Position) -> bool:
        self.last = position
        rows = self.session.flush()
        self._keeper.at_rest(position, rows)
        return self._observe(Progress(position, rows, self.session))


def _newest(candles: Iterable[Row]) -> dict[str, Candle]:
    """Return the last candle of every symbol."""
    found: dict[str, Candle] = {}
    for row in candles:
        candle: Candle = row.values
        if candle.symbol not in found or candle.at > found[candle.symbol].at:
            found[candle.symbol] = candle
    return found
