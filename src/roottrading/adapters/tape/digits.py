"""Decimal text to exact integers, whole columns at once.

A number becomes two integers: its whole part, and its fraction in units of 1e-8. The quick way takes plain digits
only and gives up on everything else; the careful way then decides number by number, and says what is wrong.
"""

import re
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import MAX_UNITS, UNITS, UNITS_DIGITS, Ints, rescaled

Bytes = npt.NDArray[np.uint8]
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
MOST_DIGITS: Final = 18  # of a part that surely fits 64 bits
_ZERO, _POINT = 48, 46
_POWERS: Final = 10 ** np.arange(UNITS_DIGITS + 1, dtype=np.int64)


class Exact(Struct, frozen=True):
    """A column of numbers in units of 10^-`digits`."""

    units: Ints
    digits: int

    def finest(self) -> "Exact":
        """Return the same numbers in units of 1e-8, or in the finest that fit 64 bits.

        Raises ValueError where a number has more digits after the point than that.
        """
        largest = int(np.abs(self.units).max()) if len(self.units) else 0
        digits = UNITS_DIGITS
        while digits > self.digits and largest * 10 ** (digits - self.digits) > MAX_UNITS:
            digits -= 1
        return Exact(rescaled(self.units, self.digits, digits), digits)


class Parts(Struct, frozen=True):
    """A column of numbers: `whole` + `fraction` * 1e-8, both with the number's sign."""

    whole: Ints
    fraction: Ints

    def exact(self) -> Exact:
        """Return the numbers in the finest units that fit, 1e-8 if possible; ValueError where digits get lost."""
        largest = int(np.abs(self.whole).max()) + 1
        digits = UNITS_DIGITS
        while largest * 10**digits > MAX_UNITS:
            digits -= 1
        fraction = rescaled(self.fraction, UNITS_DIGITS, digits)
        return Exact(np.asarray(self.whole * 10**digits + fraction, dtype=np.int64), digits)


def joined(parts: list[Parts]) -> Parts:
    """Return columns that follow each other as one."""
    return Parts(np.concatenate([part.whole for part in parts]), np.concatenate([part.fraction for part in parts]))


def quick_parts(text: Bytes, starts: Ints, ends: Ints) -> Parts | None:
    """Read the numbers `text[start:end]`; None where one is more than digits and a point, or very long."""
    points = _points(text, starts, ends)
    if points is None:
        return None
    wholes, decimals = points - starts, np.maximum(ends - points - 1, 0)
    most_decimals = int(decimals.max())
    if int((wholes + decimals).min()) < 1 or int(wholes.max()) > MOST_DIGITS or most_decimals > UNITS_DIGITS:
        return None
    whole = _digits(text, points, wholes)
    fraction = _digits(text, ends, decimals)
    if whole is None or fraction is None:
        return None
    return Parts(whole, fraction * _POWERS[UNITS_DIGITS - decimals])


def _points(text: Bytes, starts: Ints, ends: Ints) -> Ints | None:
    """Return where every number's point stands (its end, where it has none); None where one has several."""
    first = text[starts[0] : ends[0]].tobytes()
    if b"." in first:  # most files write as many decimals in every number of a column
        points = ends - (len(first) - first.index(b"."))
        if (points >= starts).all() and (text[points] == _POINT).all():
            return np.asarray(points)
    found = np.append(np.flatnonzero(text == _POINT), [len(text), len(text)])
    at = np.searchsorted(found, starts)
    if (found[at + 1 - (found[at] >= ends)] < ends).any():
        return None
    return np.asarray(np.minimum(found[at], ends))


def _digits(text: Bytes, ends: Ints, lengths: Ints) -> Ints | None:
    """Return the numbers that stand in the `length` digits before each end, 0 where there are none."""
    value = np.zeros(len(ends), dtype=np.int64)
    shortest = int(lengths.min())
    for place in range(int(lengths.max()), 0, -1):
        digit = text.take(ends - place, mode="clip") - np.uint8(_ZERO)
        if place > shortest:
            digit[lengths < place] = 0
        if (digit > 9).any():
            return None
        value *= 10
        value += digit
    return value


def careful_parts(text: str) -> tuple[int, int]:
    """Read one number exactly: whole part and fraction in units of 1e-8.

    Raises ValueError saying what it is not: a number, finite, of at most 8 digits after the point.
    """
    plain = text.strip().strip('"')
    if not NUMBER.fullmatch(plain):
        raise ValueError("not a number")
    units = Decimal(plain).scaleb(UNITS_DIGITS)
    whole_units = int(units)
    if units != whole_units:
        raise ValueError("more than 8 digits after the point")
    sign = -1 if whole_units < 0 else 1
    whole, fraction = divmod(abs(whole_units), UNITS)
    if whole >= 10**MOST_DIGITS:
        raise ValueError("too large")
    return sign * whole, sign * fraction
