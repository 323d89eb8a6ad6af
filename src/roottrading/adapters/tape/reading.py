"""One file's candles, put together from its columns of numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from roottrading.adapters.tape.errors import tape_error
from roottrading.adapters.tape.numbers import Parts
from roottrading.domain.columns import UNITS_DIGITS, Candles, Ints
from roottrading.domain.time import MILLISECOND

COLUMNS: Final = ("open_time", "open", "high", "low", "close", "volume")
FIRST_MILLISECONDS: Final = 10**11  # 1973 in milliseconds
FIRST_MICROSECONDS: Final = 10**15  # 2001 in microseconds, the year 33658 in milliseconds
TIMES_ALLOWED: Final = "milliseconds or microseconds since 1970, UTC"


class Source(Struct, frozen=True):
    """A file of candles, and how its rows are counted: the first one is `first` of `unit`."""

    path: Path
    symbol: str
    timeframe: str
    unit: Literal["line", "row"] = "row"
    first: int = 1

    def place(self, row: int) -> str:
        """Say where a row stands in the file."""
        return f"{self.unit} {self.first + row}"


class Reading(Struct, frozen=True):
    """A file's candles in the order of the file: numbers all right, but not looked at yet."""

    source: Source
    candles: Candles


def assemble(source: Source, times: Ints, prices: Sequence[Parts], volume: Parts) -> Reading:
    """Turn columns of numbers into candles.

    Times are in milliseconds (the archive before 2025) or microseconds, each told by its size. Raises TapeError for a
    number that is no time, or too large.
    """
    wrong = (times < FIRST_MILLISECONDS) | (times >= 10 * FIRST_MICROSECONDS)
    if wrong.any():
        row = int(wrong.argmax())
        place, value = source.place(row), times[row]
        raise tape_error(source.path, "no time:", place=place, column="open_time", value=value, allowed=TIMES_ALLOWED)
    microseconds = np.where(times >= FIRST_MICROSECONDS, times, times * MILLISECOND)
    opened, high, low, close = (
        _units(source, column, parts) for column, parts in zip(COLUMNS[1:5], prices, strict=True)
    )
    try:
        volumes, digits = volume.in_fewer_digits()
    except ValueError as error:
        raise tape_error(source.path, str(error), column="volume") from None
    candles = Candles(source.symbol, source.timeframe, microseconds, opened, high, low, close, volumes, digits)
    return Reading(source, candles)


def _units(source: Source, column: str, parts: Parts) -> Ints:
    if not parts.fits(UNITS_DIGITS):
        row = int(np.abs(parts.whole).argmax())
        value = f"{parts.whole[row]}..."
        raise tape_error(source.path, "too large:", place=source.place(row), column=column, value=value)
    return parts.units()
