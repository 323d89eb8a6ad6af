"""The bit that tells a crossing from a verdict that merely stays above the threshold (trading-rules 3.4)."""

from decimal import Decimal

from msgspec import Struct


class Reading(Struct, frozen=True, gc=False):
    """What a complete verdict does to a symbol's bit: `crosses` upward, or is above at the symbol's `first` T."""

    below: bool
    crosses: bool
    first: bool


_BELOW = Reading(True, False, False)
_STAYS_ABOVE = Reading(False, False, False)
_CROSSES = Reading(False, True, False)
_ABOVE_AT_FIRST = Reading(False, True, True)


def read(below: bool | None, value: Decimal, threshold: Decimal) -> Reading:
    """Read a complete verdict's value; `below` is the bit of the last one, None before the symbol's first.

    A value above at the first T is a crossing as well, one that is spent: nobody knows what was before it.
    """
    if value < threshold:
        return _BELOW
    if below is None:
        return _ABOVE_AT_FIRST
    return _CROSSES if below else _STAYS_ABOVE
