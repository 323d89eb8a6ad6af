"""The next candle that touches what rests at the exchange: searched in blocks, so that most candles are never read."""

from typing import Final

import numpy as np

from roottrading.domain.columns import Ints

_BLOCK: Final = 64  # rows
_NEAR: Final = 8  # blocks looked at one by one: so few are read quicker than an array is made
_BLOCKS: Final = 64  # blocks looked at together, beyond them
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
        self._lows, self._highs = self._block_low.data, self._block_high.data

    def first(self, row: int, stop: int, below: int | None, above: int | None) -> int:
        """Return the first such row in `row:stop`, `stop` where there is none."""
        low = _NEVER_BELOW if below is None else below
        high = _NEVER_ABOVE if above is None else above
        if row >= stop:
            return stop
        block, last = row // _BLOCK, (stop - 1) // _BLOCK + 1
        lows, highs = self._lows, self._highs
        for near in range(block, min(block + _NEAR, last)):
            if lows[near] <= low or highs[near] >= high:
                found = self._in_block(near, row, stop, low, high)
                if found >= 0:
                    return found
        block += _NEAR
        while block < last:
            until = min(block + _BLOCKS, last)
            touched = (self._block_low[block:until] <= low) | (self._block_high[block:until] >= high)
            for place in np.flatnonzero(touched).tolist():
                found = self._in_block(block + place, row, stop, low, high)
                if found >= 0:
                    return found
            block = until
        return stop

    def _in_block(self, block: int, row: int, stop: int, low: int, high: int) -> int:
        """Return the first such row of a block that lies in `row:stop`, -1 where there is none."""
        first, end = max(row, block * _BLOCK), min(stop, (block + 1) * _BLOCK)
        touched = (self._low[first:end] <= low) | (self._high[first:end] >= high)
        place = int(touched.argmax())
        return first + place if touched[place] else -1
