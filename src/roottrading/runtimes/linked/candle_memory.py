"""Candles of the past as learning looks at them: fetched from an exchange's history once, kept while needed."""

import asyncio
from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Candles, rescaled
from roottrading.domain.time import Time, duration
from roottrading.runtimes.linked.recorded import columns_from
from roottrading.runtimes.linked.warming import CandleHistory, Stream, fetched


class _Kept(Struct, frozen=True):
    """The candles of a stream that open at `since` or later and close by `until`."""

    since: Time
    until: Time
    candles: Candles


class CandleMemory:
    """Closed candles by stream; each is asked for once, and forgotten when nobody will want it any more."""

    def __init__(self, history: CandleHistory) -> None:
        """Nothing is asked yet."""
        self._history = history
        self._kept: dict[Stream, _Kept] = {}

    async def candles(self, wanted: Mapping[Stream, Time], until: Time) -> dict[Stream, Candles]:
        """Return the candles that close by `until`, by stream from the open time wanted on; earlier ones are forgotten.

        Raises HistoryUnavailable where the exchange does not tell them now: what it told before is kept.
        """
        return {stream: await self._of(stream, since, until) for stream, since in sorted(wanted.items())}

    async def _of(self, stream: Stream, since: Time, until: Time) -> Candles:
        kept = self._kept.get(stream)
        if kept is None or since < kept.since:
            kept = _Kept(since, since, _none(stream))
        if kept.until < until:
            found = await fetched(self._history, stream, kept.until, until)
            candles = kept.candles
            if found:
                candles = _joined(candles, await asyncio.to_thread(columns_from, found))
            span = duration(stream[1])
            kept = _Kept(kept.since, until - until % span, candles)
        candles = kept.candles.slice(int(kept.candles.open_time.searchsorted(since)), len(kept.candles))
        self._kept[stream] = _Kept(since, kept.until, candles)
        return candles.slice(0, int(candles.at.searchsorted(until, side="right")))


def _none(stream: Stream) -> Candles:
    nothing = np.zeros(0, dtype=np.int64)
    return Candles(*stream, nothing, nothing, nothing, nothing, nothing, nothing)


def _joined(earlier: Candles, later: Candles) -> Candles:
    if not len(earlier):
        return later
    digits = min(earlier.volume_digits, later.volume_digits)
    volumes = [rescaled(each.volume, each.volume_digits, digits) for each in (earlier, later)]
    return Candles(
        earlier.symbol,
        earlier.timeframe,
        np.concatenate((earlier.open_time, later.open_time)),
        np.concatenate((earlier.open, later.open)),
        np.concatenate((earlier.high, later.high)),
        np.concatenate((earlier.low, later.low)),
        np.concatenate((earlier.close, later.close)),
        np.concatenate(volumes),
        digits,
    )
