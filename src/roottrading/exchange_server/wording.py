"""How the wire writes numbers and times."""

from collections.abc import Callable
from decimal import Decimal

from roottrading.domain.money import ZERO
from roottrading.domain.time import MILLISECOND, Time

Stamp = Callable[[Time], int]  # an instant in the unit that the caller asked for


def amount(value: Decimal | None) -> str:
    """Return a price or a quantity with eight decimals; nothing is 0."""
    return format(ZERO if value is None else value, ".8f")


def milliseconds(time: Time) -> int:
    """Return the instant in Binance's usual unit; -1 stays what it is: never."""
    return time // MILLISECOND if time >= 0 else -1


def microseconds(time: Time) -> int:
    """Return the instant in the finer unit, for who asked for it."""
    return time


def stamp_of(micro: bool) -> Stamp:
    """Return the unit's way to write an instant."""
    return microseconds if micro else milliseconds
