"""Crossings: what a verdict does to the bit that tells them from staying above, and what an entry needs of it (3.4)."""

from decimal import Decimal

from msgspec import Struct

from roottrading.messages.signals import AggregatedSignal
from roottrading.services.coordinator.state import Candidate


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


def candidate_of(verdict: AggregatedSignal, price: Decimal, first: bool) -> Candidate:
    """Return what the entry needs of a verdict: the strongest vote's strategy gives stop, target, limit and tag."""
    if verdict.entry < 0:
        raise ValueError(f"verdict {verdict.symbol}/{verdict.at} of {verdict.value} names no vote as its entry signal")
    vote = verdict.votes[verdict.entry]
    opinion = vote.opinion
    return Candidate(
        verdict.symbol,
        verdict.at,
        first,
        verdict.timeframe,
        verdict.value,
        price,
        verdict.valid_until,
        verdict.quote_volume,
        verdict.day_quote_volume,
        opinion.strategy,
        vote.timeframe,
        opinion.signal_id,
        opinion.tag,
        vote.atr,
        opinion.stop_distance,
        opinion.target_distance,
        opinion.time_limit,
        opinion.entry_limit,
        opinion.size_factor,
    )
