"""Reading single candles out of a stream's columns, quickest where they are asked for in order."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import compress
from math import isnan

import numpy as np

from roottrading.domain.money import significant
from roottrading.domain.open_times import OpenTimes
from roottrading.domain.time import Time, iso
from roottrading.messages.signals import Opinion
from roottrading.services.analyzer.evaluation import KINDS, OK, Failure
from roottrading.services.analyzer.market_state import ATR, REGIME, REGIMES
from roottrading.services.analyzer.opinion_columns import OpinionColumns
from roottrading.services.analyzer.opinions import Evaluated
from roottrading.services.analyzer.plan import Plan
from roottrading.services.analyzer.turnover import TapeTurnover


class StreamReader:
    """What all strategies said of the candles of one stream of a known tape."""

    def __init__(
        self, plan: Plan, opinions: tuple[OpinionColumns, ...], market: OpinionColumns, turnover: TapeTurnover
    ) -> None:
        """Take the columns of the strategies, in the plan's order, and of the market's own measures."""
        self._span = market.placement.anchor.span
        self._rows = OpenTimes(market.open_time, self._span)
        self._market = market
        self._measured = market.marks.data
        self._atr, self._regime = _column(market, ATR), _column(market, REGIME)
        self._cursors = tuple(_Cursor(columns, plan.signal_ids(columns.placement)) for columns in opinions)
        self._can_fail = tuple(bool(columns.failures) for columns in opinions)
        self._turnover = turnover

    def at(self, at: Time) -> Evaluated:
        """Return the evaluation of the candle of T; ValueError where the tape has none."""
        row = self._rows.row_of(at - self._span)
        if row < 0:
            placement = self._market.placement
            raise ValueError(
                f"the tape has no {placement.use.timeframe} candle of {placement.symbol} closed at {iso(at)}"
            )
        opinions = tuple([cursor.opinion(row) for cursor in self._cursors])
        began = [place for place, cursor in enumerate(self._cursors) if cursor.began == row]
        failures = [
            (place, self._cursors[place].failure(row))
            for place in compress(range(len(opinions)), self._can_fail)
            if opinions[place].state == "failed"
        ]
        atr, regime = self._atr[row], self._regime[row]
        known = self._measured[row] == OK
        mean, day = self._turnover.by(at)
        return Evaluated(
            opinions,
            tuple(began),
            tuple(failures),
            significant(atr) if known and not isnan(atr) else None,
            REGIMES[int(regime)] if known and not isnan(regime) else "",
            mean,
            day,
        )


def _column(market: OpinionColumns, name: str) -> memoryview:
    column = market.own.get(name)
    return (np.full(len(market.open_time), np.nan) if column is None else column).data


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
        "_open_time",
        "_opinion_of",
        "_place",
        "_plain",
        "_signal",
        "_since",
        "_span",
        "_value",
        "began",
    )

    def __init__(self, columns: OpinionColumns, id_at: Callable[[Time], int]) -> None:
        self._columns = columns
        self._id_at = id_at
        self._changes = columns.changes.data
        self._open_time, self._span = columns.open_time.data, columns.placement.anchor.span
        self._marks, self._micros = columns.marks.data, columns.micros.data
        self._opinion_of = columns.readout.opinion
        self._plain = columns.readout.plain
        self._place = 0
        self._signal = 0
        self._value = self._mark = -1
        self._last: Opinion | None = None
        self._since = self._next = -1  # rows of the last change of direction (or the first of all), and of the next
        self.began = -1  # the row with which the opinion that stands began

    def opinion(self, row: int) -> Opinion:
        """Return the opinion of a row."""
        if not self._since <= row < self._next:
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
        self._next = changes[place] if place < count else len(self._marks)
        if place:
            self._since = self.began = began = changes[place - 1]
            self._signal = self._id_at(self._open_time[began] + self._span)
        else:
            self._since, self.began, self._signal = 0, -1, 0
        self._last = None

    def failure(self, row: int) -> Failure:
        """Return the first failure of the row's kind."""
        return self._columns.failures[KINDS[int(self._marks[row])]][1]
