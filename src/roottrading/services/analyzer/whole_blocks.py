"""Opinions of a whole tape: each block is evaluated once, and what is asked for is read out of the columns."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from roottrading.domain.columns import Candles, candle_at, columns_of
from roottrading.domain.money import significant
from roottrading.domain.time import Time, iso
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import Row
from roottrading.messages.signals import Opinion
from roottrading.services.analyzer.anchored_windows import Feed
from roottrading.services.analyzer.door import MICRO
from roottrading.services.analyzer.evaluation import KINDS, Failure
from roottrading.services.analyzer.market_state import ATR, REGIME, REGIMES
from roottrading.services.analyzer.opinion_columns import OpinionColumns, opinion_columns
from roottrading.services.analyzer.opinions import Evaluated
from roottrading.services.analyzer.plan import Placement, Plan, Stream
from roottrading.services.analyzer.signal_rows import direction_of, signal_row
from roottrading.services.analyzer.state import SignalRow, StandingOpinion
from roottrading.services.analyzer.turnover import TapeTurnover

Fold = Callable[[Candles, str], Candles]  # finest candles and a timeframe -> the candles of that timeframe


class WholeBlocks:
    """The port `Opinions` over a tape that is known in full; columns are evaluated when first asked for.

    It needs no candle to be taken: any T may be asked for, and what stands at T is known without those before it.
    """

    def __init__(self, plan: Plan, tape: Mapping[str, Candles], fold: Fold, begin: Time = 0) -> None:
        """Take the finest candles by symbol; directions count from the first T at or after `begin` on."""
        self._plan = plan
        self._tape = tape
        self._fold = fold
        self._begin = begin
        self._candles: dict[Stream, Candles] = {}
        self._feeds: dict[Stream, Feed] = {}
        self._columns: dict[tuple[Stream, str], OpinionColumns] = {}
        self._readers: dict[Stream, _StreamReader] = {}

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
        return tuple(self._evaluated(stream, placement) for placement in self._plan.placed(stream))

    def market(self, stream: Stream) -> OpinionColumns:
        """Return the market's own measures on a stream: `own` holds ATR(14) and the regime's code."""
        return self._evaluated(stream, self._plan.measured(stream))

    def signals(self, stream: Stream) -> Iterator[SignalRow]:
        """Yield the rows of all opinions of a stream that change direction, strategy by strategy."""
        candles = self.candles(stream)
        for columns in self.opinions(stream):
            for place, row in enumerate(columns.changes.tolist()):
                standing = _standing(self._plan, columns, place)
                yield signal_row(standing, columns.readout.opinion(row), candle_at(candles, row).close)

    def _evaluated(self, stream: Stream, placement: Placement) -> OpinionColumns:
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
            begins = int(columns.open_time[0]) if len(columns) else None
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
            reader = _StreamReader(self._plan, self.opinions(stream), self.market(stream), TapeTurnover(finest))
            self._readers[stream] = reader
        return reader.at(at)

    def state(self) -> Mapping[str, Mapping[Any, Any]]:
        """Return nothing: all of it follows from the tape."""
        return {}


class _StreamReader:
    """Reads the candles of one stream, quickest where they are asked for in order."""

    def __init__(
        self, plan: Plan, opinions: tuple[OpinionColumns, ...], market: OpinionColumns, turnover: TapeTurnover
    ) -> None:
        self._open_time = market.open_time.data
        self._span = market.placement.anchor.span
        self._market = market
        self._cursors = tuple(_Cursor(plan, columns) for columns in opinions)
        self._turnover = turnover
        self._finest_begins = turnover.begins
        self._standing: tuple[StandingOpinion | None, ...] = ()

    def at(self, at: Time) -> Evaluated:
        row = bisect_left(self._open_time, at - self._span)
        if row == len(self._open_time) or self._open_time[row] != at - self._span:
            placement = self._market.placement
            raise ValueError(
                f"the tape has no {placement.use.timeframe} candle of {placement.symbol} closed at {iso(at)}"
            )
        opinions = tuple([cursor.opinion(row) for cursor in self._cursors])
        standing = tuple([cursor.standing for cursor in self._cursors])
        if standing == self._standing:
            standing = self._standing
        self._standing = standing
        failures = tuple([(i, c.failure(row)) for i, c in enumerate(self._cursors) if opinions[i].state == "failed"])
        market = self._market.readout
        atr, regime = market.own(ATR, row), market.own(REGIME, row)
        return Evaluated(
            opinions,
            standing,
            failures,
            None if atr is None else significant(atr),
            "" if regime is None else REGIMES[int(regime)],
            self._turnover.mean(at),
            self._turnover.day(at, self._finest_begins),
        )


class _Cursor:
    """The place in one strategy's columns that was read last; what has not changed since is not made anew."""

    __slots__ = ("_changes", "_columns", "_last", "_next", "_plan", "_readout", "_since", "_value", "standing")

    def __init__(self, plan: Plan, columns: OpinionColumns) -> None:
        self._plan = plan
        self._columns = columns
        self._readout = columns.readout
        self._changes = columns.changes.tolist()
        self._since = self._next = -1
        self._value: tuple[int, int] | None = None
        self._last: Opinion | None = None
        self.standing: StandingOpinion | None = None

    def opinion(self, row: int) -> Opinion:
        if not self._since <= row < self._next:
            self._move(row)
        readout = self._readout
        if readout.plain:
            value = readout.value(row)
            if value == self._value and self._last is not None:
                return self._last
            self._value = value
        standing = self.standing
        self._last = readout.opinion(row, 0 if standing is None else standing.signal_id)
        return self._last

    def _move(self, row: int) -> None:
        place = bisect_right(self._changes, row) - 1
        self._since = self._changes[place] if place >= 0 else 0
        self._next = self._changes[place + 1] if place + 1 < len(self._changes) else len(self._columns.open_time)
        self.standing = _standing(self._plan, self._columns, place) if place >= 0 else None
        self._last = None

    def failure(self, row: int) -> Failure:
        """Return the first failure of the row's kind."""
        return self._columns.failures[KINDS[int(self._columns.marks[row])]][1]


def _standing(plan: Plan, columns: OpinionColumns, place: int) -> StandingOpinion:
    row = int(columns.changes[place])
    placement = columns.placement
    at = int(columns.open_time[row]) + placement.anchor.span
    conviction = MICRO * int(columns.micros[row])
    return StandingOpinion(
        placement.symbol,
        placement.use.timeframe,
        placement.use.name,
        direction_of(conviction),
        abs(conviction),
        plan.signal_id(placement, at),
        at,
    )
