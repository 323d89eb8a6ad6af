"""Anchored windows: where a candle's evaluation begins, so that all who evaluate it see the same bytes.

Blocks of B candles are counted from the epoch by time. A candle's window begins `lookback` candles (by time) before
the start of its block and ends with the candle itself (trading-rules 4.3). Missing candles are left out.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Columns, Ints
from roottrading.domain.time import DAY, Time, duration


class Anchor(Struct, frozen=True, gc=False):
    """The geometry of a strategy on a timeframe: `lookback` and `block` in candles, `span` a candle's microseconds."""

    lookback: int
    block: int
    span: int

    def window_start(self, open_time: Time) -> Time:
        """Return the open time with which the window of a candle begins."""
        return open_time - open_time % (self.block * self.span) - self.lookback * self.span


def anchor_for(lookback: int, timeframe: str) -> Anchor:
    """Return the anchor of a lookback on a timeframe: B is the least power of two that holds lookback and a UTC day.

    Longer blocks would cost less per candle over a whole tape, but a run has no opinion before its first full block.
    """
    span = duration(timeframe)
    least = max(lookback, DAY // span, 1)
    return Anchor(lookback, 1 << (least - 1).bit_length(), span)


class Feed(Struct, frozen=True):
    """What is known of a stream: its columns, the span of its candles, and when its history begins (None: nothing)."""

    columns: Columns
    span: int
    begins: Time | None


def first_input_open(start: Time, span: int, input_span: int) -> Time:
    """Return the open time of the last input candle that is closed at the T of a window's first candle."""
    first_at = start + span
    return first_at - first_at % input_span - input_span


def is_full(own: Feed, inputs: Mapping[str, Feed], start: Time) -> bool:
    """Say whether all histories begin at or before the window: else there is no opinion (trading-rules 4.3)."""
    if own.begins is None or own.begins > start:
        return False
    for feed in inputs.values():
        if feed.begins is None or feed.begins > first_input_open(start, own.span, feed.span):
            return False
    return True


def window(own: Feed, inputs: Mapping[str, Feed], start: Time, stop: int) -> Columns:
    """Return the rows from the open time `start` up to row `stop` (exclusive), inputs joined as of each T.

    An input's row is its last candle closed at or before T, but none older than belongs to the window's first T: so
    the window does not depend on how much older history is at hand. Rows before the first such candle are left out.
    """
    first = int(own.columns.open_time.searchsorted(start))
    if not inputs:
        return cut(own.columns, first, stop)
    at = own.columns.open_time[first:stop] + own.span
    joined: dict[str, Ints] = {}
    skipped = 0
    for declared, feed in inputs.items():
        open_time = feed.columns.open_time
        rows = np.asarray(open_time.searchsorted(at - feed.span, side="right") - 1, dtype=np.int64)
        oldest = int(open_time.searchsorted(first_input_open(start, own.span, feed.span)))
        skipped = max(skipped, int(rows.searchsorted(oldest)))
        joined[declared] = rows
    return cut(
        own.columns,
        first + skipped,
        stop,
        {declared: _taken(inputs[declared].columns, rows[skipped:]) for declared, rows in joined.items()},
    )


def cut(columns: Columns, first: int, stop: int, inputs: Mapping[str, Columns] | None = None) -> Columns:
    """Return the rows `first:stop` as views, with these inputs."""
    return Columns(
        columns.open_time[first:stop],
        columns.open[first:stop],
        columns.high[first:stop],
        columns.low[first:stop],
        columns.close[first:stop],
        columns.volume[first:stop],
        inputs or {},
    )


def _taken(columns: Columns, rows: Ints) -> Columns:
    return Columns(
        columns.open_time[rows],
        columns.open[rows],
        columns.high[rows],
        columns.low[rows],
        columns.close[rows],
        columns.volume[rows],
    )
