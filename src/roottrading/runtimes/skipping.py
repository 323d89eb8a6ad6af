"""Play a recorded market from event to event: a candle that changes nothing is never delivered (consistency-rules 1.5).

Services and exchange say what they must see: watches, resting orders, deadlines. The search finds the next instant at
which any of that happens; there the session's own phases do the rest, as if every candle had come.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.exchange import ExchangeEvent
from roottrading.messages.service import CandleMissing, CandleObserved, Input, InstantComplete, Watch
from roottrading.runtimes.replay import CandleReader
from roottrading.runtimes.search_columns import Grid, SymbolColumns
from roottrading.runtimes.search_equity import EquitySearch
from roottrading.runtimes.search_verdicts import CloseSearch, VerdictSearch
from roottrading.runtimes.session import Position, Session
from roottrading.runtimes.settle import addressed
from roottrading.runtimes.skipping_exchange import NEVER, SkippingExchange
from roottrading.runtimes.step import Unit


class Holder(Protocol):
    """The coordinator, as the search for equity asks it."""

    def holdings(self) -> tuple[Decimal, dict[str, Decimal]]:
        """Return cash and own base by symbol."""


class Skipper:
    """Takes a session through the instants at which something happens."""

    def __init__(
        self,
        session: Session,
        exchange: SkippingExchange,
        holder: Holder,
        symbols: Sequence[SymbolColumns],
        grid: Grid,
        span: tuple[Time, Time],
        threshold: Decimal,
    ) -> None:
        """Take a session, to be resumed at the start of `span` before the play, and the columns of all symbols."""
        self._session = session
        self._exchange = exchange
        self._holder = holder
        self._grid = grid
        self.start, self._end = span
        self._followed = {
            columns.symbol: _Followed(columns, grid, threshold)
            for columns in sorted(symbols, key=lambda columns: columns.symbol)
        }
        self._equity = EquitySearch({columns.symbol: columns.worth for columns in symbols})
        self._judged = 0  # the first place of the grid that has neither been delivered nor passed over
        self._changed: set[str] = set(self._followed)
        units = session.wiring.units
        self._gateway = units["gateway"]
        self._judges = (units["coordinator"], units["portfolio"])
        self._finest = {columns.symbol: columns.finest for columns in symbols}
        self.instants = 0  # how many were delivered

    def play(self, at_rest: Callable[[Position], bool]) -> bool:
        """Play to the end; `at_rest` is told of every instant and may stop the run. Returns whether the end came."""
        at = self.start
        self._hear()
        while True:
            self._look_ahead(at)
            at = self._next()
            if at > self._end:
                return True
            self._instant(at)
            self.instants += 1
            if not at_rest(Position(at, "candles")):
                return False

    # ---- what comes next

    def _hear(self) -> None:
        """Take what services and exchange said they must see."""
        watches = self._session.effects.watches
        for _, watch in watches:
            if watch.subject == "equity":
                self._equity.watch(watch)
                continue
            symbol = watch.subject.removeprefix("verdict/")
            self._followed[symbol].watch(watch)
            self._changed.add(symbol)
        watches.clear()
        if self._exchange.asked:
            self._changed |= self._exchange.asked
            self._exchange.asked.clear()

    def _look_ahead(self, at: Time) -> None:
        """Search again for the symbols of which anything has changed or was delivered."""
        place = self._grid.place(at + 1)
        for symbol in self._changed:
            followed = self._followed[symbol]
            followed.search(place)
            followed.next_open = self._exchange.next_open(symbol, at)
            followed.next_close = self._exchange.next_touch(symbol, at, min(followed.next_time, self._end))
        self._changed.clear()

    def _next(self) -> Time:
        """Return the next instant at which something happens, after the end where nothing does any more."""
        at = self._session.deadlines.next()
        when = NEVER if at is None else at
        if not self._judged and self._grid.first < when:
            when = self._grid.first  # the first T opens the day and sets the mark, whatever it says
        for followed in self._followed.values():
            when = min(when, followed.next_time, followed.next_close, followed.next_open)
        if self._equity.active:
            stop = self._grid.place(min(when, self._end + 1))
            if stop > self._judged:
                found = self._equity.first(self._judged, stop, *self._holder.holdings())
                self._judged = found
                if found < stop:
                    return self._grid.time(found)
        return when

    # ---- one instant

    def _instant(self, at: Time) -> None:
        session = self._session
        self._fills(at)
        due = session.deadlines.next()
        if due is not None and due <= at:
            session.due(at)
            self._hear()
        place, between = divmod(at - self._grid.first, self._grid.step)
        if between or place < 0:
            return
        inputs: list[tuple[Unit, Input]] = []
        for symbol, followed in self._followed.items():
            if symbol in self._changed:
                followed.search(place)
            if followed.next_place == place:
                inputs.extend((self._gateway, given) for given in followed.deliver(at))
                self._changed.add(symbol)
        complete = InstantComplete(at, Closes(self._finest, at, self.start), self._equity.taken())
        session.give(inputs, at, [(unit, complete) for unit in self._judges])
        self._judged = place + 1
        self._hear()

    def _fills(self, at: Time) -> None:
        events: list[ExchangeEvent] = []
        for followed in self._followed.values():
            if followed.next_close == at:
                events.extend(self._exchange.candle_closed(followed.finest_closed(at), at))
        for followed in self._followed.values():
            if followed.next_open == at:
                events.extend(self._exchange.candle_opens(followed.finest_opening(at), at))
        if events:
            self._session.give(addressed(self._session.wiring, events), at)
        self._hear()


class Closes(Mapping[str, Decimal]):
    """The last close of every symbol by T, looked up where somebody asks."""

    __slots__ = ("_at", "_readers", "_start")

    def __init__(self, readers: Mapping[str, CandleReader], at: Time, start: Time) -> None:
        """Take the finest candles; those that opened before `start` are before the run."""
        self._readers = readers
        self._at = at
        self._start = start

    def get(self, symbol: str, default: Any = None) -> Any:
        """Return a symbol's last close."""
        reader = self._readers.get(symbol)
        if reader is None:
            return default
        row = reader.last_by(self._at - reader.span)
        return reader.close(row) if row >= 0 and reader.open_time(row) >= self._start else default

    def __getitem__(self, symbol: str) -> Decimal:
        close: Decimal | None = self.get(symbol)
        if close is None:
            raise KeyError(symbol)
        return close

    def __iter__(self) -> Iterator[str]:
        return (symbol for symbol in self._readers if self.get(symbol) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Followed:
    """One symbol on its way: what is watched of it, where that comes next, and what was delivered of its streams."""

    __slots__ = (
        "_closes",
        "_columns",
        "_due",
        "_finest",
        "_grid",
        "_places",
        "_verdicts",
        "_watch",
        "next_close",
        "next_open",
        "next_place",
        "next_time",
    )

    def __init__(self, columns: SymbolColumns, grid: Grid, threshold: Decimal) -> None:
        self._columns = columns
        self._finest = columns.finest
        self._grid = grid
        self._verdicts = VerdictSearch(columns.verdicts, threshold)
        self._closes = CloseSearch(grid, columns.close)
        self._watch = Watch("", "")
        self._places = self._verdicts.next_places(self._watch)
        self._due = [0] * len(columns.streams)  # the T of the last candle, or absence, that was delivered
        self.next_place = grid.count
        self.next_time = self.next_close = self.next_open = NEVER

    def watch(self, watch: Watch) -> None:
        """Take a watch on the symbol's verdict or close, or its withdrawal."""
        if watch.subject == self._columns.symbol:
            self._watch = watch
        else:
            self._places = self._verdicts.next_places(watch)

    def search(self, place: int) -> None:
        """Find the first place from `place` on that must be delivered."""
        count = self._grid.count
        found = self._places[place] if place < count else count
        watch = self._watch
        if found > place and (watch.every or watch.above is not None or watch.below is not None):
            found = min(found, self._closes.first(watch, place, found))
        self.next_place = found
        self.next_time = self._grid.time(found) if found < count else NEVER

    def finest_closed(self, at: Time) -> Candle:
        """Return the finest candle that closes at `at`."""
        return self._finest.candle(self._finest.last_by(at - self._finest.span))

    def finest_opening(self, at: Time) -> Candle:
        """Return the finest candle that opens at `at`."""
        return self._finest.candle(self._finest.last_by(at))

    def deliver(self, at: Time) -> list[Input]:
        """Return the candles with which the verdict of T comes about as if none had been left out.

        Of every stream that is its last one by T, and that there was none at T where so it is.
        """
        given: list[Input] = []
        fastest = self._columns.streams[-1]
        row = fastest.last_by(at)
        before = fastest.at[row] if row >= 0 else 0
        if before < at and before > self._due[-1]:
            self._slower(before, given)
            given.append(CandleObserved(fastest.reader.candle(row)))
        self._slower(at, given)
        if before == at:
            given.append(CandleObserved(fastest.reader.candle(row)))
        else:
            given.append(CandleMissing(self._columns.symbol, fastest.timeframe, at - fastest.span))
        self._due[-1] = at
        return given

    def _slower(self, at: Time, given: list[Input]) -> None:
        """Add what is due by T on the slower timeframes and was not delivered, the longest first."""
        for number, stream in enumerate(self._columns.streams[:-1]):
            due = at - at % stream.span
            if due < stream.first or due == self._due[number]:
                continue
            row = stream.last_by(due)
            closed = stream.at[row] if row >= 0 else 0
            if closed > self._due[number]:
                given.append(CandleObserved(stream.reader.candle(row)))
            if closed != due:
                given.append(CandleMissing(self._columns.symbol, stream.timeframe, due - stream.span))
            self._due[number] = due
