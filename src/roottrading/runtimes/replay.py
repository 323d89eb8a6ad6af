"""The tape as a market: instant after instant, which candles close and which open."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.columns import UNITS_DIGITS, Candles
from roottrading.domain.money import ONE
from roottrading.domain.open_times import OpenTimes
from roottrading.domain.time import Time, duration
from roottrading.messages.service import CandleMissing

_UNIT: Final = ONE.scaleb(-UNITS_DIGITS)


class Instant(Struct, frozen=True, gc=False):
    """What the market does at one close instant of the finest timeframe.

    `closed` holds, by symbol, the candle that closes here or that there was none; `opening` the candles that open
    here: an order sent at this instant meets their open (trading-rules 5.1).
    """

    at: Time
    closed: tuple[Candle | CandleMissing, ...]
    opening: tuple[Candle, ...]


class CandleReader:
    """One symbol's exact columns, read a candle at a time: units become Decimal only here."""

    def __init__(self, candles: Candles) -> None:
        self.symbol = candles.symbol
        self.timeframe = candles.timeframe
        self.candles = candles
        self.span = duration(candles.timeframe)
        self._times = OpenTimes(candles.open_time, self.span)
        self.last_by = self._times.last_by  # the last row that opens at a time or earlier, -1 for none
        self._open_time, self._open, self._high, self._low, self._close, self._volume = (
            np.ascontiguousarray(column).data
            for column in (candles.open_time, candles.open, candles.high, candles.low, candles.close, candles.volume)
        )
        self._volume_unit = ONE.scaleb(-candles.volume_digits)

    def __len__(self) -> int:
        return len(self._times)

    def open_time(self, row: int) -> Time:
        """Return the row's open time."""
        return self._times[row]

    def first_at_or_after(self, time: Time) -> int:
        """Return the first row that opens at `time` or later."""
        return int(np.searchsorted(self.candles.open_time, time))

    def candle(self, row: int) -> Candle:
        """Return the row as a Candle."""
        return Candle(
            self.symbol,
            self.timeframe,
            self._open_time[row],
            _UNIT * self._open[row],
            _UNIT * self._high[row],
            _UNIT * self._low[row],
            _UNIT * self._close[row],
            self._volume_unit * self._volume[row],
        )

    def close(self, row: int) -> Decimal:
        """Return the row's close."""
        return _UNIT * self._close[row]


def instants(readers: Mapping[str, CandleReader], start: Time, end: Time) -> Iterator[Instant]:
    """Yield every close instant of the finest timeframe in `(start, end]`, none left out, symbols in order.

    A symbol without a candle there has a CandleMissing: a halt, before its listing or after its end.
    """
    symbols = sorted(readers)
    if not symbols:
        return
    timeframe = readers[symbols[0]].timeframe
    step = duration(timeframe)
    rows = {symbol: readers[symbol].first_at_or_after(start) for symbol in symbols}
    ready: dict[str, Candle | None] = {}
    for symbol in symbols:
        ready[symbol] = _candle_opening(readers[symbol], rows, start)
    for open_time in range(start, end, step):
        at = open_time + step
        closed: list[Candle | CandleMissing] = []
        opening: list[Candle] = []
        for symbol in symbols:
            closed.append(ready[symbol] or CandleMissing(symbol, timeframe, open_time))
            following = ready[symbol] = _candle_opening(readers[symbol], rows, at)
            if following is not None:
                opening.append(following)
        yield Instant(at, tuple(closed), tuple(opening))


def _candle_opening(reader: CandleReader, rows: dict[str, int], time: Time) -> Candle | None:
    row = rows[reader.symbol]
    if row < len(reader) and reader.open_time(row) == time:
        rows[reader.symbol] = row + 1
        return reader.candle(row)
    return None
