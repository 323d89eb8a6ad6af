"""The next T at which a symbol's verdict or close is one that somebody watches."""

from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from roottrading.domain.columns import UNITS_DIGITS, Ints
from roottrading.domain.time import duration
from roottrading.messages.service import Watch
from roottrading.runtimes.search_columns import Grid
from roottrading.services.signal_aggregator.columns import VerdictColumns

_VERDICT_DIGITS = 6
_FIRST_LOOK = 256  # rows


class VerdictSearch:
    """Answers "the first T from here on" for the bounds that are asked for, each prepared once for the whole run."""

    def __init__(self, verdicts: VerdictColumns, threshold: Decimal) -> None:
        """Take a symbol's verdicts; at or below minus `threshold` an incomplete one matters too (trading-rules 3.3)."""
        self._verdicts = verdicts
        self._sells = verdicts.value <= -units(threshold, _VERDICT_DIGITS)
        self._prepared: dict[tuple[Decimal | None, Decimal | None], memoryview] = {}
        self._by_watch: dict[int, tuple[Watch, memoryview]] = {}

    def next_places(self, watch: Watch) -> memoryview:
        """Return, for every place, the first one from there on at which the watched verdict must be delivered.

        Where there is none, it is the number of places. Incomplete verdicts change nothing but by selling.
        """
        known = self._by_watch.get(id(watch))
        if known is None:
            bounds = (watch.below, watch.above)
            if bounds not in self._prepared:
                self._prepared[bounds] = _next_places(self._hits(watch))
            known = self._by_watch[id(watch)] = (watch, self._prepared[bounds])
        return known[1]

    def _hits(self, watch: Watch) -> npt.NDArray[np.bool_]:
        value = self._verdicts.value
        hits = np.zeros(len(value), dtype=np.bool_)
        if watch.below is not None:
            hits |= value <= units(watch.below, _VERDICT_DIGITS, down=True)
        if watch.above is not None:
            hits |= value >= units(watch.above, _VERDICT_DIGITS)
        hits &= self._verdicts.complete
        if watch.below is not None:
            hits |= self._sells
        return hits


class CloseSearch:
    """Answers "the first T from here on" for a watch on a symbol's close, or on every candle of a timeframe."""

    def __init__(self, grid: Grid, close: Ints) -> None:
        """Take the closes at every T, 0 where there is none."""
        self._grid = grid
        self._close = close

    def first(self, watch: Watch, place: int, stop: int) -> int:
        """Return the first place in `place:stop` that the watch asks for, `stop` where there is none."""
        if watch.every:
            stop = min(stop, self._first_of(duration(watch.every), place))
        if watch.above is not None or watch.below is not None:
            stop = self._first_beyond(watch, place, stop)
        return stop

    def _first_of(self, span: int, place: int) -> int:
        at = self._grid.time(place)
        return place + (-at % span) // self._grid.step

    def _first_beyond(self, watch: Watch, place: int, stop: int) -> int:
        above = None if watch.above is None else units(watch.above, UNITS_DIGITS)
        below = None if watch.below is None else units(watch.below, UNITS_DIGITS, down=True)
        look = _FIRST_LOOK
        while place < stop:
            closes = self._close[place : min(place + look, stop)]
            beyond: Any = False
            if above is not None:
                beyond = closes >= above
            if below is not None:
                beyond |= (closes <= below) & (closes > 0)
            row = int(beyond.argmax())
            if beyond[row]:
                return place + row
            place += len(closes)
            look *= 4
        return stop


def units(value: Decimal, digits: int, *, down: bool = False) -> int:
    """Return a bound in whole units of 10^-`digits`: up for one from above, down for one from below."""
    exact = value.scaleb(digits)
    whole = int(exact)  # towards zero
    if whole == exact:
        return whole
    return whole - (exact < 0) if down else whole + (exact > 0)


def _next_places(hits: npt.NDArray[np.bool_]) -> memoryview:
    count = len(hits)
    places = np.full(count + 1, count, dtype=np.int32)
    places[:-1][hits] = np.flatnonzero(hits)
    np.minimum.accumulate(places[::-1], out=places[::-1])
    return places.data
