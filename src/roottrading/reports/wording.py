"""How figures are worded for people: rounded here and nowhere else."""

from decimal import Decimal

from roottrading.domain.money import plain
from roottrading.domain.time import Time, iso
from roottrading.reports.report import Header

NONE = "–"


def money(value: Decimal | float | None, sign: bool = False) -> str:
    """Return an amount in quote to two decimals, for reading only."""
    return NONE if value is None else f"{float(value):{'+' if sign else ''},.2f}"


def percent(value: float | None, sign: bool = False) -> str:
    """Return a fraction in percent."""
    return NONE if value is None else f"{value * 100:{'+' if sign else ''}.2f} %"


def number(value: float | None, sign: bool = False) -> str:
    """Return a ratio to two decimals."""
    return NONE if value is None else f"{value:{'+' if sign else ''}.2f}"


def day(time: Time | None) -> str:
    """Return an instant's date."""
    return NONE if time is None else iso(time)[:10]


def minute(time: Time) -> str:
    """Return an instant to the minute."""
    return iso(time)[:16].replace("T", " ")


def lasting(seconds: float | None) -> str:
    """Return a span of time in the two units that matter."""
    if seconds is None:
        return NONE
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min" if minutes else f"{seconds:g} s"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def basis_points(fraction: float | None) -> str:
    """Return a fraction in hundredths of a percent."""
    return NONE if fraction is None else f"{fraction * 10_000:.1f} bp"


def counted(count: int, one: str, many: str) -> str:
    """Return how many there are, with the word for one or for many."""
    return f"{count:,} {one if count == 1 else many}"


def fill_model(header: Header) -> str:
    """Return in a line how fills were simulated and what they cost."""
    fees = header.fee_schedule
    rates = (
        f"fees {percent(float(fees.maker))} maker, {percent(float(fees.taker))} taker{' in BNB' if fees.in_bnb else ''}"
    )
    return (
        f"{header.fill_model + ', ' if header.fill_model else ''}slippage {plain(header.slippage * 10_000)} bp, {rates}"
    )


def protection(header: Header) -> str:
    """Return in a line how long positions were without a resting stop."""
    if header.unprotected_spans:
        spans = counted(header.unprotected_spans, "span", "spans")
        first = f"{spans} unprotected, the longest {lasting(header.longest_unprotected_seconds)}"
    else:
        first = "never without a resting stop"
    if header.closing_spans:
        return f"{first}; {header.closing_spans} spent closing, the longest {lasting(header.longest_closing_seconds)}"
    return first
