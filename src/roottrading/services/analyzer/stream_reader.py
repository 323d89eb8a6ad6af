"""Reading single candles out of a stream's columns, quickest where they are asked for in order."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import compress

from roottrading.domain.money import significant
from roottrading.domain.time import Time, iso
from roottrading.messages.signals import Opinion
from roottrading.services.analyzer.door import MICRO
from roottrading.services.analyzer.evaluation import KINDS, Failure
from roottrading.services.analyzer.market_state import ATR, REGIME, REGIMES
from roottrading.services.analyzer.opinion_columns import OpinionColumns
from roottrading.services.analyzer.opinions import Evaluated
from roottrading.services.analyzer.plan import Plan
from roottrading.services.analyzer.signal_rows import direction_of
from roottrading.services.analyzer.state import StandingOpinion
from roottrading.services.analyzer.turnover import TapeTurnover


class StreamReader:
    """What all strategies said of the candles of one stream of a known tape."""

    def __init__(
        self, plan: Plan, opinions: tuple[OpinionColumns, ...], market: OpinionColumns, turnover: TapeTurnover
    ) -> None:
        """Take the columns of the strategies, in the plan's order, and of the market's own measures."""
        self._open_time = market.open_time.data
        self._span = market.placement.anchor.span
        self._market = market
        self._cursors = tuple(_Cursor(columns, plan.signal_ids(columns.placement)) for columns in opinions)
        self._can_fail = tuple(bool(columns.failures) for columns in opinions)
        self._turnover = turnover

    def at(self, at: Time) -> Evaluated:
        """Return the evaluation of the candle of T; ValueError where the tape has none."""
        open_time = at - self._span
        row = bisect_left(self._open_time, open_time)
        if row == len(self._open_time) or self._open_time[row] != open_time:
            placement = self._market.placement
            raise ValueError(
                f"the tape has no {placement.use.timeframe} candle of {placement.symbol} closed at {iso(at)}"
            )
        opinions = tuple([cursor.opinion(row) for cursor in self._cursors])
        began = [cursor.began(row) for cursor in self._cursors if cursor.since == row]
        failures = [
            (place, self._cursors[place].failure(row))
            for place in compress(range(len(opinions)), self._can_fail)
            if opinions[place].state == "failed"
        ]
        market = self._market.readout
        atr, regime = market.own(ATR, row), market.own(REGIME, row)
        return Evaluated(
            opinions,
            tuple([each for each in began if each is not None]),
            tuple(failures),
            None if atr is None else significant(atr),
            "" if regime is None else REGIMES[int(regime)],
            self._turnover.mean(at),
            self._turnover.day(at, self._turnover.begins),
        )


class _Cursor:
    """The place in one strategy's columns that was read last; what has not changed since is not made anew."""

    __slots__ = (
        "_changes",
        "_columns",
        "_id_at",
        "_last",
        "_mark",
        "_marks",
        "_micros",
        "_next",
        "_opinion_of",
        "_place",
        "_plain",
        "_signal",
        "_value",
        "since",
    )

    def __init__(self, columns: OpinionColumns, id_at: Callable[[Time], int]) -> None:
        self._columns = columns
        self._id_at = id_at
        self._changes = columns.changes.data
        self._marks, self._micros = columns.marks.data, columns.micros.data
        self._opinion_of = columns.readout.opinion
        self._plain = columns.readout.plain
        self._place = 0
        self._signal = 0
        self._value = self._mark = -1
        self._last: Opinion | None = None
        self.since = self._next = -1  # rows of the last change of direction, and of the next

    def opinion(self, row: int) -> Opinion:
        """Return the opinion of a row."""
        if not self.since <= row < self._next:
            self._move(row)
        if not self._plain:
            return self._opinion_of(row, self._signal)
        micros = self._micros[row]
        # a candle without an opinion has a conviction of 0 as well: its mark tells
        if micros == self._value and (micros or self._marks[row] == self._mark) and self._last is not None:
            return self._last
        self._value, self._mark = micros, self._marks[row]
        self._last = self._opinion_of(row, self._signal)
        return self._last

    def _move(self, row: int) -> None:
        changes, place, count = self._changes, self._place, len(self._changes)
        near = min(place + 8, count)
        if place and changes[place - 1] <= row and (near == count or row < changes[near]):
            place = bisect_right(changes, row, place, near)
        else:
            place = bisect_right(changes, row)
        self._place = place
        self.since = changes[place - 1] if place else 0
        self._next = changes[place] if place < count else len(self._marks)
        self._signal = self._id_at(self._at(self.since)) if place else 0
        self._last = None

    def _at(self, row: int) -> Time:
        return int(self._columns.open_time[row]) + self._columns.placement.anchor.span

    def began(self, row: int) -> StandingOpinion | None:
        """Return the opinion that begins at the row to which the cursor was moved."""
        return standing_from(self._columns, row, self._id_at) if self._place else None

    def failure(self, row: int) -> Failure:
        """Return the first failure of the row's kind."""
        return self._columns.failures[KINDS[int(self._marks[row])]][1]


def standing_from(columns: OpinionColumns, row: int, id_at: Callable[[Time], int]) -> StandingOpinion:
    """Return the opinion that begins at a row where the direction changes."""
    placement = columns.placement
    at = int(columns.open_time[row]) + placement.anchor.span
    conviction = MICRO * int(columns.micros[row])
    return StandingOpinion(
        placement.symbol,
        placement.use.timeframe,
        placement.use.name,
        direction_of(conviction),
        abs(conviction),
        id_at(at),
        at,
    )
