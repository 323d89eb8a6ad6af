"""Stochastic: the turn out of the lowest or highest part of the range."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import stochastic
from roottrading.strategies.levels import against, only


class Stochastic(Strategy, frozen=True):
    """Mean reversion: buys while %K has turned up through %D in the oversold zone, sells the opposite."""

    family: ClassVar[Family] = "reversion"

    period: Annotated[int, Meta(ge=2, le=200, description="candles of the range")] = 14
    smoothing: Annotated[int, Meta(ge=1, le=50, description="candles of each smoothing")] = 3
    oversold: Annotated[float, Meta(ge=1, le=50, description="%D below which it buys")] = 20.0
    overbought: Annotated[float, Meta(ge=50, le=99, description="%D above which it sells")] = 80.0

    @property
    def lookback(self) -> int:
        """Range and averages hold nothing older."""
        return self.period + 2 * self.smoothing

    def evaluate(self, columns: Columns) -> Floats:
        """Return how deep in its zone %D is, where %K has turned already."""
        fast, slow = stochastic(columns.high, columns.low, columns.close, self.period, self.smoothing)
        level = against(slow, self.oversold, self.overbought, 0.0, 100.0)
        return only(level, (fast - slow) * level > 0)
