"""Opinions of a whole tape: each block is evaluated once, and what is asked for is read out of the columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from roottrading.domain.columns import Candles, candle_at, columns_of
from roottrading.domain.time import Time
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import Row
from roottrading.services.analyzer.anchored_windows import Feed
from roottrading.services.analyzer.opinion_columns import OpinionColumns, opinion_columns
from roottrading.services.analyzer.opinions import Evaluated
from roottrading.services.analyzer.plan import Placement, Plan, Stream
from roottrading.services.analyzer.signal_rows import signal_row
from roottrading.services.analyzer.state import SignalRow
from roottrading.services.analyzer.stream_reader import StreamReader
from roottrading.services.analyzer.turnover import TapeTurnover

Fold = Callable[[Candles, str], Candles]  # finest candles and a timeframe -> the candles of that timeframe


class WholeBlocks:
    """The port `Opinions` over a tape that is known in full; columns are evaluated when first asked for.

    It needs no candle to be taken: any T may be asked for, and what stands at T is known without those before it.
    """

    def __init__(
        self,
        plan: Plan,
        tape: Mapping[str, Candles],
        fold: Fold,
        begin: Time = 0,
        histories: Mapping[Stream, Time] | None = None,
    ) -> None:
        """Take the finest candles by symbol; directions count from the first T at or after `begin` on.

        `histories` are the open times with which streams begin where the candles are only a later part of them.
        """
        self._plan = plan
        self._tape = tape
        self._fold = fold
        self._begin = begin
        self._histories = histories or {}
        self._candles: dict[Stream, Candles] = {}
        self._feeds: dict[Stream, Feed] = {}
        self._columns: dict[tuple[Stream, str], OpinionColumns] = {}
        self._readers: dict[Stream, StreamReader] = {}

    # ---- columns, for search and reports

    def candles(self, stream: Stream) -> Candles:
        """Return a stream's exact candles; KeyError where the tape has no such symbol."""
        known = self._candles.get(stream)
        if known is None:
            symbol, timeframe = stream
            if symbol not in self._tape:
                raise KeyError(f"the tape has no candles of {symbol}: it has {', '.join(sorted(self._tape))}")
            finest = self._tape[symbol]
            known = self._candles[stream] = finest if timeframe == finest.timeframe else self._fold(finest, timeframe)
        return known

    def opinions(self, stream: Stream) -> tuple[OpinionColumns, ...]:
        """Return the opinions of all strategies on a stream, in the plan's order."""
        return tuple(self.evaluated(stream, placement) for placement in self._plan.placed(stream))

    def market(self, stream: Stream) -> OpinionColumns:
        """Return the market's own measures on a stream: `own` holds ATR(14) and the regime's code."""
        return self.evaluated(stream, self._plan.measured(stream))

    def signals(self, stream: Stream) -> Iterator[SignalRow]:
        """Yield the rows of all opinions of a stream that change direction, strategy by strategy."""
        candles = self.candles(stream)
        for columns in self.opinions(stream):
            id_at = self._plan.signal_ids(columns.placement)
            for row in columns.changes.tolist():
                at = columns.placement.anchor.span + int(columns.open_time[row])
                yield signal_row(columns.readout.opinion(row, id_at(at)), *stream, at, candle_at(candles, row).close)

    def evaluated(self, stream: Stream, placement: Placement) -> OpinionColumns:
        """Return the opinions of one strategy on a stream."""
        key = (stream, placement.use.name)
        known = self._columns.get(key)
        if known is None:
            inputs = {i.declared: self.feed(i.stream) for i in placement.inputs}
            known = self._columns[key] = opinion_columns(placement, self.feed(stream), inputs, self._begin)
        return known

    def feed(self, stream: Stream) -> Feed:
        """Return a stream's candles as strategies see them."""
        known = self._feeds.get(stream)
        if known is None:
            columns = columns_of(self.candles(stream))
            for column in (columns.open, columns.high, columns.low, columns.close, columns.volume):
                column.flags.writeable = False
            begins = self._histories.get(stream, int(columns.open_time[0]) if len(columns) else None)
            known = self._feeds[stream] = Feed(columns, self._plan.span(stream), begins)
        return known

    # ---- the port

    def restore(self, rows: Iterable[Row]) -> None:
        """Take nothing: the tape is the state."""

    def take(self, given: CandleClosed | CandleAbsent) -> tuple[Row, ...]:
        """Learn nothing: the tape is known."""
        return ()

    def ready(self, stream: Stream, at: Time) -> bool:
        """Say yes: all candles are known."""
        return True

    def at(self, stream: Stream, at: Time) -> Evaluated:
        """Read out what all strategies said of the stream's candle of T; ValueError where the tape has none."""
        reader = self._readers.get(stream)
        if reader is None:
            symbol = stream[0]
            finest = self.candles((symbol, self._plan.finest))
            reader = StreamReader(self._plan, self.opinions(stream), self.market(stream), TapeTurnover(finest))
            self._readers[stream] = reader
        return reader.at(at)

    def state(self) -> Mapping[str, Mapping[Any, Any]]:
        """Return nothing: all of it follows from the tape."""
        return {}
