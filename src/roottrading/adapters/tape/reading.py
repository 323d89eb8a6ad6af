"""One file's candles, put together from its columns of numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from roottrading.adapters.tape.digits import Exact
from roottrading.adapters.tape.errors import tape_error
from roottrading.domain.columns import UNITS_DIGITS, Candles, Ints
from roottrading.domain.time import MILLISECOND

COLUMNS: Final = ("open_time", "open", "high", "low", "close", "volume")
FIRST_MILLISECONDS: Final = 10**11  # 1973 in milliseconds
FIRST_MICROSECONDS: Final = 10**15  # 2001 in microseconds, the year 33658 in milliseconds
DECIMALS_ALLOWED: Final = "decimals of at most 8 digits after the point and 18 in all"
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


def assemble(source: Source, times: Ints, columns: Sequence[Exact]) -> Reading:
    """Turn columns of numbers - open, high, low, close, volume - into candles.

    Times are in milliseconds (the archive before 2025) or microseconds, each told by its size. Raises TapeError for a
    number that is no time, or does not fit.
    """
    wrong = (times < FIRST_MILLISECONDS) | (times >= 10 * FIRST_MICROSECONDS)
    if wrong.any():
        row = int(wrong.argmax())
        place, value = source.place(row), times[row]
        raise tape_error(source.path, "no time:", place=place, column="open_time", value=value, allowed=TIMES_ALLOWED)
    microseconds = np.where(times >= FIRST_MICROSECONDS, times, times * MILLISECOND)
    opened, high, low, close, volume = (
        _finest(source, name, column) for name, column in zip(COLUMNS[1:], columns, strict=True)
    )
    return Reading(
        source,
        Candles(
            source.symbol,
            source.timeframe,
            microseconds,
            opened.units,
            high.units,
            low.units,
            close.units,
            volume.units,
            volume.digits,
        ),
    )


def _finest(source: Source, name: str, column: Exact) -> Exact:
    try:
        exact = column.finest()
    except ValueError as error:
        raise tape_error(source.path, str(error), column=name, allowed=DECIMALS_ALLOWED) from None
    if name != "volume" and exact.digits != UNITS_DIGITS:
        row = int(np.abs(exact.units).argmax())
        value = f"about {exact.units[row] // 10**exact.digits}"
        raise tape_error(
            source.path, "price too large:", place=source.place(row), column=name, value=value, allowed="below 9.2e10"
        )
    return exact
