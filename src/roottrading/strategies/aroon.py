"""Aroon: with the younger extreme."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import aroon
from roottrading.strategies.levels import graded, only


class Aroon(Strategy, frozen=True):
    """Trend following: how much younger the last candles' high is than their low, where the difference is clear."""

    family: ClassVar[Family] = "trend"

    period: Annotated[int, Meta(ge=2, le=500, description="candles in which the extremes are looked for")] = 25
    threshold: Annotated[float, Meta(ge=0, le=100, description="Aroon oscillator below which there is no opinion")] = (
        50.0
    )

    @property
    def lookback(self) -> int:
        """The extremes lie inside."""
        return self.period + 1

    def evaluate(self, columns: Columns) -> Floats:
        """Return the oscillator in [-1, 1]."""
        oscillator = aroon(columns.high, columns.low, self.period)
        return only(graded(oscillator, 100.0), np.abs(oscillator) >= self.threshold)
