"""Exact decimal arithmetic: a sum or product that would have to be rounded raises instead.

Importing this module sets the process's decimal context (60 digits, `Inexact` trapped), so that a rounding nobody
asked for can not happen; the functions below are the only places that round, each in the direction its name says.
"""

import decimal
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

_EXACT: Final = decimal.Context(
    prec=60,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
decimal.DefaultContext.prec = _EXACT.prec
for _signal in (decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow):
    decimal.DefaultContext.traps[_signal] = True
decimal.setcontext(_EXACT.copy())

_ROUNDING: Final = decimal.Context(
    prec=60, rounding=ROUND_HALF_EVEN, traps=[decimal.InvalidOperation, decimal.DivisionByZero]
)

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
QUOTIENT_STEP: Final = Decimal("1E-8")


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value` (which is not negative)."""
    return value // step * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `value` (which is not negative)."""
    floored = value // step * step
    return floored if floored == value else floored + step


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Divide, half-even at 1e-8: for prices that are stored and shown, never computed with (trading-rules 5.6)."""
    return _ROUNDING.quantize(_ROUNDING.divide(dividend, divisor), QUOTIENT_STEP)


def quotient_down(dividend: Decimal, divisor: Decimal, digits: int = 8) -> Decimal:
    """Divide, rounded down at `digits` after the point: for sizes and costs, which err to the careful side."""
    scaled = dividend.scaleb(digits) // divisor
    return scaled.scaleb(-digits)


def significant(value: float) -> Decimal:
    """Bring a strategy's float to 12 significant digits: its door into Decimal (trading-rules 4.3)."""
    return Decimal(format(value, ".11e"))


def conviction_of(value: float) -> Decimal:
    """Round a strategy's conviction to 6 decimals at its door (trading-rules 4.3); -0.0 becomes 0."""
    return Decimal(format(value + 0.0, ".6f")) + ZERO


def plain(value: Decimal) -> str:
    """Write a decimal exactly, never in exponent form and without idle zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
