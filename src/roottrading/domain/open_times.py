"""Open times of a stream's candles, and at which rows they stand: found by arithmetic, as candles come at a beat."""

from bisect import bisect_right

import numpy as np

from roottrading.domain.columns import Ints
from roottrading.domain.time import Time


class OpenTimes:
    """Ascending open times; where none is left out, a row follows from the time alone, and almost so elsewhere."""

    __slots__ = ("_count", "_first", "_left_out", "_step", "_times")

    def __init__(self, times: Ints, step: int) -> None:
        """Take the open times, each later than the one before, of candles that last `step` microseconds."""
        self._times = np.ascontiguousarray(times).data
        self._count = len(times)
        self._first, last = (int(times[0]), int(times[-1])) if len(times) else (0, -1)
        self._step = step if not (np.diff(times) % step).any() else 1  # off the beat: it is that of microseconds
        self._left_out = (last - self._first) // self._step + 1 - self._count

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
