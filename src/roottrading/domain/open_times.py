"""Open times of a stream's candles, and at which rows they stand: found by arithmetic, as candles come at a beat."""

from bisect import bisect_right

import numpy as np

from roottrading.domain.columns import Ints
from roottrading.domain.time import Time


class OpenTimes:
    """Ascending open times; where none is left out, a row follows from the time alone, and almost so elsewhere."""

    __slots__ = ("_column", "_count", "_first", "_left_out", "_rows", "_step", "_times")

    def __init__(self, times: Ints, step: int) -> None:
        """Take the open times, each later than the one before, of candles that last `step` microseconds."""
        self._column = np.ascontiguousarray(times)
        self._times = self._column.data
        self._count = len(times)
        self._first, last = (int(times[0]), int(times[-1])) if len(times) else (0, -1)
        steps = np.diff(times)
        on_beat = bool((steps == step).all()) or not (steps % step).any()
        self._step = step if on_beat else 1  # else the beat is that of microseconds
        self._left_out = (last - self._first) // self._step + 1 - self._count
        self._rows: Ints | None = None  # by beat since the first time: the first row from there on; made when asked for

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> Time:
        time: Time = self._times[row]
        return time

    def last_by(self, time: Time) -> int:
        """Return the last row that opens at `time` or earlier, -1 for none."""
        left_out, count = self._left_out, self._count
        stop = (time - self._first) // self._step + 1  # how many would have opened by then, had none been left out
        if stop <= 0 or not count:
            return -1
        if not left_out:
            return (stop if stop < count else count) - 1
        stop = min(stop, count + left_out)
        return bisect_right(self._times, time, max(0, stop - left_out), min(stop, count)) - 1

    def row_of(self, time: Time) -> int:
        """Return the row that opens at `time`, -1 where there is none."""
        row = self.last_by(time)
        return row if row >= 0 and self._times[row] == time else -1

    def rows_from(self, times: Ints) -> Ints:
        """Return, for each of many times, the first row that opens then or later, as `searchsorted` does."""
        if self._step == 1:
            return self._column.searchsorted(times)
        beats = -((self._first - times) // self._step)
        beats = np.clip(beats, 0, self._count + self._left_out)
        if not self._left_out:
            return beats
        if self._rows is None:
            every = np.arange(self._count + self._left_out + 1, dtype=np.int64)
            self._rows = self._column.searchsorted(self._first + self._step * every)
        return self._rows[beats]
