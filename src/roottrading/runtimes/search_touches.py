"""The next candle that touches what rests at the exchange: searched in blocks, so that most candles are never read."""

from typing import Final

import numpy as np

from roottrading.domain.columns import Ints

_BLOCK: Final = 64  # rows
_BLOCKS: Final = 64  # blocks looked at together
_NEVER_BELOW: Final = np.iinfo(np.int64).min
_NEVER_ABOVE: Final = np.iinfo(np.int64).max


class TouchSearch:
    """Finds the first row with `low <= below` or `high >= above`, in units of the columns."""

    def __init__(self, low: Ints, high: Ints) -> None:
        """Take a symbol's lows and highs."""
        self._low = low
        self._high = high
        starts = np.arange(0, len(low), _BLOCK)
        self._block_low = np.minimum.reduceat(low, starts) if len(low) else low
        self._block_high = np.maximum.reduceat(high, starts) if len(high) else high

    def first(self, row: int, stop: int, below: int | None, above: int | None) -> int:
        """Return the first such row in `row:stop`, `stop` where there is none."""
        low = _NEVER_BELOW if below is None else below
        high = _NEVER_ABOVE if above is None else above
        end = min(stop, row + _BLOCK - row % _BLOCK)
        found = self._in_rows(row, end, low, high)
        if found < end or end == stop:
            return found
        block, last = end // _BLOCK, -(-stop // _BLOCK)
        while block < last:
            until = min(block + _BLOCKS, last)
            touched = (self._block_low[block:until] <= low) | (self._block_high[block:until] >= high)
            for place in np.flatnonzero(touched).tolist():
                first = (block + place) * _BLOCK
                end = min(first + _BLOCK, stop)
                found = self._in_rows(first, end, low, high)
                if found < end:
                    return found
            block = until
        return stop

    def _in_rows(self, row: int, stop: int, low: int, high: int) -> int:
        touched = (self._low[row:stop] <= low) | (self._high[row:stop] >= high)
        place = int(touched.argmax()) if row < stop else 0
        return row + place if row < stop and touched[place] else stop
