"""Play a recorded market from event to event: a candle that changes nothing is never delivered (consistency-rules 1.5).

Services and exchange say what they must see: watches, resting orders, deadlines. The search finds the next instant at
which any of that happens; there the session's own phases do the rest, as if every candle had come.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Final, Protocol

from roottrading.domain.time import Time
from roottrading.messages.exchange import ExchangeEvent
from roottrading.messages.service import Input, InstantComplete
from roottrading.runtimes.search_columns import Grid, SymbolColumns
from roottrading.runtimes.search_equity import EquitySearch
from roottrading.runtimes.session import Position, Session
from roottrading.runtimes.settle import addressed
from roottrading.runtimes.skipping_closes import Closes
from roottrading.runtimes.skipping_exchange import NEVER, SkippingExchange
from roottrading.runtimes.skipping_symbol import Followed
from roottrading.runtimes.step import Unit

_NEXT_AT: Final = attrgetter("next_at")


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
            columns.symbol: Followed(columns, grid, threshold)
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
        if watches:
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
            followed.next_at = min(followed.next_time, followed.next_open, followed.next_close)
        self._changed.clear()

    def _next(self) -> Time:
        """Return the next instant at which something happens, after the end where nothing does any more."""
        at = self._session.deadlines.next()
        when = min(map(_NEXT_AT, self._followed.values()), default=NEVER)
        if at is not None:
            when = min(when, at)
        if not self._judged:
            when = min(when, self._grid.first)  # the first T opens the day and sets the mark, whatever it says
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
                inputs += [(self._gateway, given) for given in followed.deliver(at)]
                self._changed.add(symbol)
        complete = InstantComplete(at, Closes(self._finest, at, self.start), self._equity.taken())
        session.give(inputs, at, [(unit, complete) for unit in self._judges])
        self._judged = place + 1
        self._hear()

    def _fills(self, at: Time) -> None:
        met = [each for each in self._followed.values() if each.next_close == at or each.next_open == at]
        if not met:
            return
        events: list[ExchangeEvent] = []
        for followed in met:
            if followed.next_close == at:
                events.extend(self._exchange.candle_closed(followed.finest_closed(at), at))
        for followed in met:
            if followed.next_open == at:
                events.extend(self._exchange.candle_opens(followed.finest_opening(at), at))
        if events:
            self._session.give(addressed(self._session.wiring, events), at)
        self._hear()
