"""The verdict's formula: integers in units of 1e-6 only, so that one number and a whole column give the same digits.

Only + - * // and comparisons are used: the same function takes Python ints and NumPy int64 arrays. Rounding is defined
once: every quotient is of magnitudes, to the nearest 1e-6, halves up; the sign is put back at the end, so that BUY and
SELL mirror each other. docs/verdicts.md tells the formula in words (trading-rules 3.3).
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar

from msgspec import Struct

from roottrading.domain.columns import Ints

MICRO: Final = 1_000_000
Number = TypeVar("Number", int, Ints)


class FormulaRules(Struct, frozen=True, gc=False):
    """The formula's settings in units of 1e-6; what they mean stands in `AggregatorSettings`."""

    disagreement: int
    quorum: int
    conflict_strength: int
    conflict_factor: int


def micro(value: Decimal) -> int:
    """Return a decimal in units of 1e-6.

    Raises ValueError where it has more than 6 decimals (trading-rules 3.8, 4.3) or is no number.
    """
    if not value.is_finite() or (units := int(scaled := value.scaleb(6))) != scaled:
        raise ValueError(f"{value} is no number with at most 6 decimals: round it where it comes from")
    return units


@lru_cache(maxsize=65_536)
def decimal_of(units: int) -> Decimal:
    """Return units of 1e-6 as a decimal with 6 decimals."""
    return Decimal(units).scaleb(-6)


def rounded(dividend: Number, divisor: Number) -> Number:
    """Divide magnitudes, to the nearest unit, halves up; 0 / 0 is 0."""
    safe: Number = divisor + (divisor == 0)
    return (dividend + safe // 2) // safe


def verdict_value(
    convictions: Sequence[Number],
    weights: Sequence[Number],
    slower: Sequence[bool],
    enabled: Number,
    rules: FormulaRules,
) -> Number:
    """Return the verdict's value in [-1, 1], in units of 1e-6 (as its convictions and weights are).

    `convictions` and `weights` are those of the opinions, neutral ones (0) may be left out; `slower` marks those of
    timeframes slower than the fastest; `enabled` is the weight of all enabled strategies, whether they have an opinion
    or not. Weights are not negative and sum to less than 4e12 (four million strategies of weight 1).
    """
    nothing = enabled * 0
    directed, gross, voting, slow_directed, slow_voting = nothing, nothing, nothing, nothing, nothing
    for conviction, weight, is_slower in zip(convictions, weights, slower, strict=True):
        pull = weight * conviction
        says = weight * (conviction != 0)
        directed = directed + pull
        gross = gross + abs(pull)
        voting = voting + says
        if is_slower:
            slow_directed = slow_directed + pull
            slow_voting = slow_voting + says
    base = rounded(abs(directed), voting)
    agreement = rounded(base * MICRO, rounded(gross, voting))
    value = _scaled(base, MICRO - _scaled(MICRO - agreement, nothing + rules.disagreement))
    if rules.quorum:
        share = rounded(voting * MICRO, enabled)
        value = _scaled(value, _at_most_one(rounded(share * MICRO, nothing + rules.quorum)))
    against = (_sign(slow_directed) * _sign(directed) < 0) * (
        1 * (rounded(abs(slow_directed), slow_voting) >= rules.conflict_strength)
    )
    return _scaled(value, MICRO - against * (MICRO - rules.conflict_factor)) * _sign(directed)


def _scaled(value: Number, factor: Number) -> Number:
    return rounded(value * factor, factor * 0 + MICRO)


def _at_most_one(value: Number) -> Number:
    return value - (value > MICRO) * (value - MICRO)


def _sign(value: Number) -> Number:
    return 1 * (value > 0) - 1 * (value < 0)
