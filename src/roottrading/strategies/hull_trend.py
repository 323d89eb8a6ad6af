"""Hull trend: with the slope of a quick average."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import atr, hull, previous
from roottrading.strategies.levels import graded


class HullTrend(Strategy, frozen=True):
    """Trend following: the slope of the Hull moving average over some candles, measured in ATR."""

    family: ClassVar[Family] = "trend"

    period: Annotated[int, Meta(ge=4, le=500, description="candles of the average")] = 55
    slope: Annotated[int, Meta(ge=1, le=50, description="candles over which the slope is taken")] = 3
    full: Annotated[
        float, Meta(ge=0.01, le=20, description="slope, in ATR(14) over these candles, at which conviction is full")
    ] = 0.5

    @property
    def lookback(self) -> int:
        """The average holds nothing older than 2 n, ATR(14) forgets its start in 300."""
        return max(2 * self.period + self.slope, 300)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the slope as a share of the full one."""
        average = hull(columns.close, self.period)
        volatility = atr(columns.high, columns.low, columns.close, 14)
        return graded(average - previous(average, self.slope), self.full * volatility)
