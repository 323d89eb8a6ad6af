"""A strategy's opinions on all candles of a stream: every block is evaluated once."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Columns, Floats, Ints
from roottrading.domain.time import Time
from roottrading.services.analyzer.anchored_windows import Feed, is_full, window
from roottrading.services.analyzer.door import Flags, Micros, Readout, admit, refusal
from roottrading.services.analyzer.evaluation import (
    KINDS,
    NOT_A_NUMBER,
    OK,
    OUT_OF_RANGE,
    Failure,
    Marks,
    RawOpinions,
    evaluate,
    failure_at,
    failure_from,
    mark_of,
)
from roottrading.services.analyzer.plan import Placement

_PIECE: Final = 16_384  # rows


class OpinionColumns(Struct, frozen=True):
    """One row per candle of the stream: `micros` are convictions in millionths, `marks` what became of the candle.

    `changes` are the rows at which the direction changed, counted from `begin` on. `plan` and `own` hold the floats
    as the strategy gave them (NaN: none). `failures` counts what went wrong by kind, with the first of it.
    """

    placement: Placement
    open_time: Ints
    micros: Micros
    marks: Marks
    changes: Ints
    plan: Mapping[str, Floats]
    own: Mapping[str, Floats]
    readout: Readout
    failures: Mapping[str, tuple[int, Failure]]

    @property
    def at(self) -> Ints:
        """The close instants T."""
        return self.open_time + self.placement.anchor.span

    @property
    def changed_at(self) -> Ints:
        """The close instants T at which the direction changed."""
        return self.open_time[self.changes] + self.placement.anchor.span

    @property
    def has_opinion(self) -> Flags:
        """Where the strategy was neither warming up nor failed."""
        return np.asarray(self.marks == OK)


class _Gathering:
    """Columns of the whole stream in the making."""

    def __init__(self, length: int) -> None:
        self.raw = RawOpinions(np.zeros(length), {}, {}, None)
        self.marks: Marks = np.zeros(length, dtype=np.uint8)
        self.short: Flags = np.zeros(length, dtype=np.bool_)
        self.raised: dict[str, Failure] = {}
        self._length = length

    def put(self, first: int, stop: int, raw: RawOpinions) -> None:
        """Take the last rows of a window as those from `first` to `stop`."""
        skipped = len(raw.conviction) - (stop - first)
        self.raw.conviction[first:stop] = raw.conviction[skipped:]
        self.marks[first:stop] = OK
        for given, kept in ((raw.plan, self.raw.plan), (raw.own, self.raw.own)):
            for name, column in given.items():
                if name not in kept:
                    kept[name] = np.full(self._length, np.nan)
                kept[name][first:stop] = column[skipped:]
        if raw.tag is not None:
            if self.raw.tag is None:
                self.raw.tag = np.full(self._length, "", dtype=object)
            self.raw.tag[first:stop] = raw.tag[skipped:]

    def admitted(self) -> Micros:
        """Judge all rows and return their convictions in millionths, by pieces that fit a processor's cache."""
        micros = np.empty(self._length, dtype=np.int32)
        for first in range(0, self._length, _PIECE):
            stop = min(first + _PIECE, self._length)
            micros[first:stop] = admit(self.raw.rows(first, stop), self.marks[first:stop], self.short[first:stop])
        return micros


def opinion_columns(placement: Placement, own: Feed, inputs: Mapping[str, Feed], begin: Time = 0) -> OpinionColumns:
    """Evaluate a strategy on all candles of a stream, the same bits as candle by candle.

    Directions count from the first T at or after `begin` on: before it nothing stands.
    """
    gathering = _Gathering(len(own.columns))
    with np.errstate(all="ignore"):
        for first, stop in _blocks(own.columns, placement):
            _evaluate_block(placement, own, inputs, first, stop, gathering)
        micros = gathering.admitted()
    raw, marks = gathering.raw, gathering.marks
    failures = _failures(placement, gathering)
    raw.conviction = np.zeros(0)  # it lives on in `micros`
    open_time = own.columns.open_time
    return OpinionColumns(
        placement,
        open_time,
        micros,
        marks,
        _changes(micros, int(open_time.searchsorted(begin - own.span))),
        raw.plan,
        raw.own,
        Readout(placement.use.name, raw, marks.data, micros.data),
        failures,
    )


def _blocks(columns: Columns, placement: Placement) -> list[tuple[int, int]]:
    anchor = placement.anchor
    if not len(columns):
        return []
    span = anchor.block * anchor.span
    first, last = (int(columns.open_time[row]) // span for row in (0, -1))
    bounds = columns.open_time.searchsorted(np.arange(first, last + 2) * span).tolist()
    return [(first, stop) for first, stop in pairwise(bounds) if first < stop]


def _evaluate_block(
    placement: Placement, own: Feed, inputs: Mapping[str, Feed], first: int, stop: int, gathering: _Gathering
) -> None:
    anchor = placement.anchor
    start = anchor.window_start(int(own.columns.open_time[first]))
    if not is_full(own, inputs, start):
        return
    columns = window(own, inputs, start, stop)
    window_first = stop - len(columns)
    first = max(first, window_first)
    # Where the market left candles out, a window may be shorter than the lookback. A strategy may then do otherwise
    # on the longer window of the whole block than on the candle's own, so such candles are evaluated by themselves.
    whole_from = min(stop, max(first, window_first + anchor.lookback))
    if whole_from < stop:
        try:
            gathering.put(whole_from, stop, evaluate(placement.use.strategy, columns))
        except Exception:  # whatever a strategy raises: find out at which candles it does
            whole_from = stop
    for row in range(first, whole_from):
        _evaluate_row(placement, window(own, inputs, start, row + 1), row, gathering)


def _evaluate_row(placement: Placement, columns: Columns, row: int, gathering: _Gathering) -> None:
    short = len(columns) <= placement.anchor.lookback
    try:
        raw = evaluate(placement.use.strategy, columns)
    except Exception as error:  # whatever a strategy raises is its own affair
        if not short:
            mark = mark_of(error)
            gathering.marks[row] = mark
            if KINDS[mark] not in gathering.raised:
                gathering.raised[KINDS[mark]] = failure_from(placement.use.strategy, error)
        return
    gathering.put(row, row + 1, raw)
    gathering.short[row] = short


def _failures(placement: Placement, gathering: _Gathering) -> dict[str, tuple[int, Failure]]:
    found: dict[str, tuple[int, Failure]] = {}
    for mark, kind in KINDS.items():
        rows = np.flatnonzero(gathering.marks == mark)
        if not len(rows):
            continue
        if mark in (NOT_A_NUMBER, OUT_OF_RANGE):
            reason = refusal(gathering.raw, int(rows[0]))
            found[kind] = (len(rows), failure_at(placement.use.strategy, mark, reason))
        else:
            found[kind] = (len(rows), gathering.raised[kind])
    return found


def _changes(micros: Micros, begin: int) -> Ints:
    directions = np.zeros(len(micros) - begin + 1, dtype=np.int8)  # before the first: none
    directions[1:] = (micros[begin:] > 0).view(np.int8) - (micros[begin:] < 0).view(np.int8)
    return np.flatnonzero(directions[1:] != directions[:-1]) + begin
