"""How a number becomes a conviction: levels in [-1, 1], 0 where the number is unknown."""

from typing import Final

import numpy as np
import numpy.typing as npt

from roottrading.domain.columns import Floats
from roottrading.strategies.indicators import ratio

ROUNDING: Final = 1e-11  # differences below this share of what is compared come from rounding


def direction(distance: Floats, least: Floats | float = 0.0) -> Floats:
    """1 where the distance is above `least`, -1 where it is below -`least`; 0 between, and where unknown."""
    return np.asarray((distance > least).astype(np.float64) - (distance < -least))


def above(one: Floats, other: Floats) -> Floats:
    """1 where one price is above the other, -1 where it is below; 0 where they differ by no more than rounding does."""
    return direction(one - other, ROUNDING * other)


def graded(distance: Floats, full: Floats | float) -> Floats:
    """The distance as a share of the one at which conviction is full; 0 where that is not above 0."""
    level = distance / full if isinstance(full, float) else ratio(distance, full, 0.0)
    np.minimum(level, 1.0, out=level)
    np.maximum(level, -1.0, out=level)
    level[np.isnan(level)] = 0.0
    return level


def against(values: Floats, low: float, high: float, bottom: float, top: float) -> Floats:
    """Conviction against an extreme: 0.5 just below `low`, 1 at `bottom`; -0.5 just above `high`, -1 at `top`."""
    level = np.zeros(len(values))
    cheap, dear = values < low, values > high
    level[cheap] = np.minimum(0.5 + 0.5 * (low - values[cheap]) / (low - bottom), 1.0)
    level[dear] = np.maximum(-0.5 - 0.5 * (values[dear] - high) / (top - high), -1.0)
    return level


def only(level: Floats, where: npt.NDArray[np.bool_]) -> Floats:
    """The level where a condition holds, elsewhere 0."""
    return np.where(where, level, 0.0)


def plan(distance: Floats) -> Floats:
    """A stop or target distance; NaN, which means none, where it is not above 0."""
    return np.where(distance > 0, distance, np.nan)
