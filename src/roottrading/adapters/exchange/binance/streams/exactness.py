"""The door for numbers and times of the wire: exact and sensible, or refused (design 3.3)."""

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal
from typing import Final

from roottrading.domain.time import MILLISECOND, Time

# 28 digits, none below 1e-18: products of two such numbers fit the 60 digits of the domain's exact arithmetic
_DOOR: Final = Context(prec=28, Emin=-18, Emax=27, traps=[Inexact, InvalidOperation, Overflow, Subnormal])
_LARGEST: Final = Decimal(10) ** 24
_MOST_MILLISECONDS: Final = 10**14  # as milliseconds beyond the year 5000, as microseconds before 1973
_LARGEST_ID: Final = 2**63


def exact(number: Decimal) -> Decimal:
    """Return a price or quantity; ValueError or ArithmeticError where it is negative, no number, or out of all measure.

    An exchange writes "0.00012300"; "1e-400" or "NaN" must not come as far as our sums.
    """
    checked = _DOOR.plus(number)
    if not 0 <= checked < _LARGEST:
        raise ValueError(f"{number} is no price or quantity")
    return checked


def microseconds(time: int) -> Time:
    """Return a time of the wire in microseconds, whichever of both units it was said in; ValueError beyond 2^63."""
    if time < _MOST_MILLISECONDS:
        time *= MILLISECOND
    if not 0 < time < _LARGEST_ID:
        raise ValueError(f"{time} is no time")
    return time


def identity(number: int) -> int:
    """Return an id of a trade or an update; ValueError where it is negative or beyond 2^63."""
    if not 0 <= number < _LARGEST_ID:
        raise ValueError(f"{number} is no id")
    return number
