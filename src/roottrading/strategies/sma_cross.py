"""SMA cross: long while the fast simple average is above the slow one."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import sma
from roottrading.strategies.levels import above


class SmaCross(Strategy, frozen=True):
    """Trend following: conviction is +1 while the fast average is above the slow one, -1 while it is below."""

    family: ClassVar[Family] = "trend"

    fast: Annotated[int, Meta(ge=2, le=500, description="candles of the fast average")] = 20
    slow: Annotated[int, Meta(ge=3, le=1000, description="candles of the slow average")] = 50

    @property
    def lookback(self) -> int:
        """The averages hold nothing older."""
        return max(self.fast, self.slow)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the sign of the distance between the averages."""
        return above(sma(columns.close, self.fast), sma(columns.close, self.slow))
