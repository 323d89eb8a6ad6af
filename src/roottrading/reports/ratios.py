"""Ratios of a curve: Sharpe, Sortino, Calmar, drawdown. Floats: these are statistics, not money."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Floats, Ints
from roottrading.domain.time import DAY, Time

DAYS_A_YEAR: Final = 365  # the market never closes
LEAST_DAYS: Final = 30  # fewer say nothing (trading-rules 6.3)
_MOST_POWER: Final = 700.0  # e to more is beyond floats
_EULER: Final = 0.5772156649015329


class Drawdown(Struct, frozen=True):
    """The deepest fall from a peak, as a fraction of it; both instants are None where nothing ever fell."""

    depth: float
    since: Time | None
    until: Time | None


def daily_returns(times: Ints, equity: Floats, flows: Sequence[tuple[Time, float]] = ()) -> Floats:
    """Return the returns from each 00:00 UTC to the next, less what was put in between (`flows`)."""
    at_midnight = times % DAY == 0
    days, marks = times[at_midnight], equity[at_midnight]
    if len(marks) < 2:
        return np.empty(0)
    added = np.zeros(len(marks))
    for time, amount in flows:
        row = int(np.searchsorted(days, time, side="left"))
        if 0 < row < len(marks):
            added[row] += amount
    before = marks[:-1]
    if (before <= 0).any():
        return np.empty(0)
    returns: Floats = (marks[1:] - added[1:]) / before - 1
    return returns


def sharpe(returns: Floats) -> float | None:
    """Return mean over standard deviation of daily returns, a year's; None under 30 days or where nothing moved."""
    if len(returns) < LEAST_DAYS or _is_constant(returns):
        return None
    return _finite(float(np.mean(returns) / np.std(returns, ddof=1)) * math.sqrt(DAYS_A_YEAR))


def sortino(returns: Floats) -> float | None:
    """Return mean over downside deviation (from 0) of daily returns, a year's; None without any loss."""
    if len(returns) < LEAST_DAYS:
        return None
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0) ** 2)))
    return _finite(float(np.mean(returns)) / downside * math.sqrt(DAYS_A_YEAR)) if downside else None


def annual_return(returns: Floats) -> float | None:
    """Return the yearly growth that the daily returns compound to; None under 30 days."""
    if len(returns) < LEAST_DAYS:
        return None
    if returns.min() <= -1:
        return -1.0
    power = float(np.log1p(returns).mean()) * DAYS_A_YEAR
    return math.expm1(power) if power < _MOST_POWER else None


def calmar(returns: Floats, drawdown: float) -> float | None:
    """Return yearly growth over the maximum drawdown; None where nothing ever fell."""
    growth = annual_return(returns)
    return None if growth is None or drawdown <= 0 else _finite(growth / drawdown)


def drawdown_of(times: Ints, equity: Floats) -> Drawdown:
    """Return the deepest fall of a curve: from the last time it stood at its peak to the trough."""
    if not len(equity):
        return Drawdown(0.0, None, None)
    peaks = np.maximum.accumulate(equity)
    if (peaks <= 0).any():
        return Drawdown(0.0, None, None)
    depths = (peaks - equity) / peaks
    trough = int(np.argmax(depths))
    if depths[trough] <= 0:
        return Drawdown(0.0, None, None)
    peak = int(np.flatnonzero(equity[: trough + 1] == peaks[trough])[-1])
    return Drawdown(float(depths[trough]), int(times[peak]), int(times[trough]))


def deflated_sharpe(returns: Floats, tried: int, tried_sharpes: Sequence[float] = ()) -> float | None:
    """Return the probability that the true Sharpe ratio is above 0 although the best of `tried` sets was picked.

    After Bailey and Lopez de Prado (2014). The spread of the tried sets' (annual) Sharpe ratios is estimated from
    `tried_sharpes`, or, where fewer than two are known, as that of chance alone. None under 30 days.
    """
    count = len(returns)
    if count < LEAST_DAYS or tried < 2 or _is_constant(returns):
        return None
    spread = float(np.std(tried_sharpes, ddof=1)) / math.sqrt(DAYS_A_YEAR) if len(tried_sharpes) > 1 else 0.0
    centered = returns - np.mean(returns)
    deviation = float(np.std(returns))
    ratio = float(np.mean(returns)) / float(np.std(returns, ddof=1))
    skew = float(np.mean(centered**3)) / deviation**3
    kurtosis = float(np.mean(centered**4)) / deviation**4
    return probabilistic_sharpe(ratio, luckiest(tried, spread or 1 / math.sqrt(count - 1)), count, skew, kurtosis)


def luckiest(tried: int, spread: float) -> float:
    """Return the Sharpe ratio to expect of the best of so many worthless sets, given the spread of their ratios."""
    normal = NormalDist()
    return spread * ((1 - _EULER) * normal.inv_cdf(1 - 1 / tried) + _EULER * normal.inv_cdf(1 - 1 / (tried * math.e)))


def probabilistic_sharpe(ratio: float, against: float, count: int, skew: float, kurtosis: float) -> float | None:
    """Return the probability that the true ratio beats `against` (both per day, kurtosis 3 for a normal one)."""
    variance = 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2
    if variance <= 0:
        return None
    return NormalDist().cdf((ratio - against) * math.sqrt(count - 1) / math.sqrt(variance))


def _is_constant(returns: Floats) -> bool:
    return bool(np.all(returns == returns[0]))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
