"""Candle columns: a span of one symbol's candles as NumPy arrays, for analysis and for search."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import duration

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
UNITS_DIGITS: Final = 8
UNITS: Final = 10**UNITS_DIGITS  # prices and volumes of a tape are int64 in units of 1e-8: exact
MAX_UNITS: Final = 2**63 - 1
_SPLIT: Final = 2**53 // UNITS  # below it a volume in units of 1e-8 is a float exactly


class Candles(Struct, frozen=True):
    """Exact columns of one symbol and timeframe: times in microseconds, prices and volume in units of 1e-8.

    Candles that the market did not have are missing here too: nothing is filled in. Volumes that do not fit units of
    1e-8 (coins counted in billions) are in units of 10^-`volume_digits` instead, exact as well.
    """

    symbol: str
    timeframe: str
    open_time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    volume_digits: int = UNITS_DIGITS

    def __len__(self) -> int:
        return len(self.open_time)

    @property
    def at(self) -> Ints:
        """The close instants T."""
        return self.open_time + duration(self.timeframe)

    def slice(self, first: int, last: int) -> "Candles":
        """Return the rows `first:last` as views."""
        return Candles(
            self.symbol,
            self.timeframe,
            self.open_time[first:last],
            self.open[first:last],
            self.high[first:last],
            self.low[first:last],
            self.close[first:last],
            self.volume[first:last],
            self.volume_digits,
        )


class Columns(Struct, frozen=True):
    """What a strategy sees: floats of closed candles, oldest first, and the inputs it declared.

    `inputs` maps `SYMBOL/timeframe` (or `*/timeframe` for the symbol itself) to columns joined as of each candle's T.
    """

    open_time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    inputs: Mapping[str, "Columns"] = {}

    def __len__(self) -> int:
        return len(self.open_time)


def to_floats(units: npt.NDArray[Any]) -> Floats:
    """Turn units of 1e-8 into the nearest floats (one correctly rounded division)."""
    return np.asarray(units, dtype=np.float64) / UNITS


def candle_at(candles: Candles, row: int) -> Candle:
    """Return one row as a candle of Decimals, the same digits."""
    return Candle(
        candles.symbol,
        candles.timeframe,
        int(candles.open_time[row]),
        Decimal(int(candles.open[row])).scaleb(-UNITS_DIGITS),
        Decimal(int(candles.high[row])).scaleb(-UNITS_DIGITS),
        Decimal(int(candles.low[row])).scaleb(-UNITS_DIGITS),
        Decimal(int(candles.close[row])).scaleb(-UNITS_DIGITS),
        Decimal(int(candles.volume[row])).scaleb(-candles.volume_digits),
    )


def rescaled(units: Ints, digits: int, wanted: int) -> Ints:
    """Return numbers in units of 10^-`digits` in units of 10^-`wanted`, the same values.

    Raises ValueError where a value would lose a digit or does not fit 64 bits.
    """
    if wanted >= digits:
        factor = 10 ** (wanted - digits)
        if len(units) and int(np.abs(units).max()) * factor > MAX_UNITS:
            raise ValueError(f"a value does not fit 64 bits with {wanted} digits after the point")
        return np.asarray(units * factor, dtype=np.int64)
    divisor = 10 ** (digits - wanted)
    if (units % divisor).any():
        raise ValueError(f"a value has more than {wanted} digits after the point")
    return np.asarray(units // divisor, dtype=np.int64)


def volume_floats(units: Ints, digits: int) -> Floats:
    """Turn volumes into floats: the same floats for the same volumes, in whatever units they are held."""
    unit = 10**digits
    wholes = units // unit
    if not len(units) or int(wholes.max()) < _SPLIT:
        return np.asarray(units / unit, dtype=np.float64)
    return np.asarray(np.where(wholes < _SPLIT, units / unit, wholes + (units % unit) / unit), dtype=np.float64)


def to_float(units: int) -> float:
    """Return what `to_floats` makes of one price."""
    return float(units) / UNITS


def volume_float(units: int, digits: int) -> float:
    """Return what `volume_floats` makes of one volume."""
    unit: int = 10**digits
    whole, rest = divmod(units, unit)
    return units / unit if whole < _SPLIT else whole + rest / unit


def columns_of(candles: Candles) -> Columns:
    """Return the floats of exact columns."""
    return Columns(
        candles.open_time,
        to_floats(candles.open),
        to_floats(candles.high),
        to_floats(candles.low),
        to_floats(candles.close),
        volume_floats(candles.volume, candles.volume_digits),
    )
