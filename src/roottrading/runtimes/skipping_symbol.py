"""One symbol on its way through a tape of which most is left out."""

from decimal import Decimal

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.service import CandleMissing, CandleObserved, Input, Watch
from roottrading.runtimes.search_columns import Grid, SymbolColumns
from roottrading.runtimes.search_verdicts import CloseSearch, VerdictSearch
from roottrading.runtimes.skipping_exchange import NEVER


class Followed:
    """One symbol on its way: what is watched of it, where that comes next, and what was delivered of its streams."""

    __slots__ = (
        "_closes",
        "_columns",
        "_due",
        "_finest",
        "_grid",
        "_places",
        "_slower_streams",
        "_verdicts",
        "_watch",
        "next_at",
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
        self._slower_streams = tuple(enumerate(columns.streams[:-1]))
        self._due = [0] * len(columns.streams)  # the T of the last candle, or absence, that was delivered
        self.next_place = grid.count
        self.next_time = self.next_close = self.next_open = NEVER
        self.next_at = NEVER  # the earliest of these

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
        if (watch.every or watch.above is not None or watch.below is not None) and found > place:
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
        for number, stream in self._slower_streams:
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
