"""ADX trend: with the stronger direction where there is a trend at all."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import directional
from roottrading.strategies.levels import direction, graded, only


class AdxTrend(Strategy, frozen=True):
    """Trend following: the side of the larger directional index, as sure as ADX is high, and only above a threshold."""

    family: ClassVar[Family] = "trend"

    period: Annotated[int, Meta(ge=2, le=100, description="candles of ADX and DI")] = 14
    threshold: Annotated[float, Meta(ge=5, le=60, description="ADX from which on there is a trend")] = 25.0
    full: Annotated[float, Meta(ge=10, le=100, description="ADX at which conviction is full")] = 50.0

    @property
    def lookback(self) -> int:
        """ADX smooths what is smoothed already, with Wilder's slow averages."""
        return 30 * self.period

    def evaluate(self, columns: Columns) -> Floats:
        """Return ADX with the sign of the direction."""
        adx, plus, minus = directional(columns.high, columns.low, columns.close, self.period)
        return only(direction(plus - minus) * graded(adx, self.full), adx >= self.threshold)
