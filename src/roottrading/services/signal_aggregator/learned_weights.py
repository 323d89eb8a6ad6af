"""Learned weights: a strategy's weight from the record of its BUY opinions (trading-rules 3.7 and 3.8).

Pure functions of stored signals and candles. Records are integers summed per day, so the order in which outcomes come
says nothing, and a day's weights can be made again from the same records at any time.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from operator import mul
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.time import DAY, Time
from roottrading.messages.service import WeightsSet
from roottrading.services.signal_aggregator.correlation import CoMovement, correlated_groups
from roottrading.services.signal_aggregator.formula import MICRO, decimal_of, micro, rounded
from roottrading.services.signal_aggregator.settings import LearningSettings
from roottrading.services.signal_aggregator.shadow_outcomes import Outcomes

_NANO: Final = 10**9  # what an opinion counts is in units of 1e-9
_HALF_LIVES: Final = 10  # older opinions count less than a thousandth: they are left out


class Record(Struct, frozen=True):
    """A strategy's outcomes by the UTC day on which they were known, from `first_day` on: how many, and their sum.

    Sums are in units of 1e-6 R.
    """

    strategy: str
    first_day: Time
    opinions: tuple[int, ...] = ()
    net: tuple[int, ...] = ()


def record_of(strategy: str, outcomes: Iterable[Outcomes]) -> Record:
    """Return the record of a strategy's outcomes, those of all symbols pooled."""
    parts = list(outcomes)
    days = np.concatenate([part.known_at // DAY for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    if not len(days):
        return Record(strategy, 0)
    net = np.concatenate([part.net for part in parts])
    first = int(days.min())
    count = np.bincount(days - first)
    total = np.bincount(days - first, weights=net)  # whole numbers far below 2^53: exact
    return Record(strategy, first * DAY, tuple(count.tolist()), tuple(int(each) for each in total))


def joined(records: Iterable[Record]) -> Record:
    """Return the records of one strategy, at least one, as one: what each knows of a day adds up."""
    parts = list(records)
    known = [part for part in parts if part.net]
    if not known:
        return parts[0]
    first = min(part.first_day for part in known)
    length = max((part.first_day - first) // DAY + len(part.net) for part in known)
    opinions, net = [0] * length, [0] * length
    for part in known:
        start = (part.first_day - first) // DAY
        for place in range(len(part.net)):
            opinions[start + place] += part.opinions[place]
            net[start + place] += part.net[place]
    return Record(known[0].strategy, first, tuple(opinions), tuple(net))


def remembered_from(day: Time, settings: LearningSettings) -> Time:
    """Return the first day (its 00:00 UTC) of which the weights of `day` still depend on anything."""
    return day - max(_HALF_LIVES * settings.half_life_days, settings.correlation_days) * DAY


def weights_of_day(
    day: Time,
    strategies: Sequence[str],
    records: Iterable[Record],
    movements: Iterable[CoMovement],
    settings: LearningSettings,
) -> WeightsSet:
    """Return the weights that rule verdicts with T > 01:00 UTC of `day` (its 00:00 UTC), from what was known before it.

    Each is before the user's own factor. A strategy without a record keeps the prior, the weight of equals: 1/N.
    """
    if day % DAY:
        raise ValueError(f"{day} us is no 00:00 UTC: learned weights are those of a day")
    by_name = {record.strategy: record for record in records}
    weights = {
        name: decimal_of(_weight(day, by_name.get(name), len(strategies), settings)) for name in sorted(strategies)
    }
    begin = day - settings.correlation_days * DAY
    recent = (movement for movement in movements if begin <= movement.day < day)
    return WeightsSet(day, weights, correlated_groups(strategies, recent, float(settings.correlation)))


def _weight(day: Time, record: Record | None, count: int, settings: LearningSettings) -> int:
    """Return posterior mean over prior, at least 0 and at most the cap, divided by N; in units of 1e-6."""
    prior = micro(settings.prior)
    seen, earned = _remembered(day, record, settings.half_life_days) if record is not None else (0, 0)
    trusted = settings.prior_opinions * _NANO
    mean = max(0, prior * trusted + earned)  # over (trusted + seen): R, in units of 1e-6
    weight = rounded(mean * MICRO, (trusted + seen) * prior * count)
    return min(weight, rounded(settings.cap * MICRO, count))


def _remembered(day: Time, record: Record, half_life_days: int) -> tuple[int, int]:
    """Return how many opinions were known before the day and what they earned, each fading with its age."""
    fading = _fading(half_life_days)
    end = min(len(record.net), max(0, (day - record.first_day) // DAY))
    newest_age = (day - record.first_day) // DAY - end + 1
    counts = fading[newest_age:]
    start = max(0, end - len(counts))
    newest_first = slice(end - 1, start - 1 if start else None, -1) if end else slice(0, 0)
    return sum(map(mul, record.opinions[newest_first], counts)), sum(map(mul, record.net[newest_first], counts))


@cache
def _fading(half_life_days: int) -> tuple[int, ...]:
    """Return what an opinion counts by its age in days: half of it after each half-life, in units of 1e-9."""
    context = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[])
    half_lives = (context.divide(Decimal(age), half_life_days) for age in range(_HALF_LIVES * half_life_days + 1))
    return tuple(int(context.divide(_NANO, context.power(2, each)).to_integral_value()) for each in half_lives)
