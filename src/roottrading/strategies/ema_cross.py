"""EMA cross: long while the fast average is above the slow one."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import ema
from roottrading.strategies.levels import above


class EmaCross(Strategy, frozen=True):
    """Trend following: conviction is +1 while the fast EMA is above the slow EMA, -1 while it is below."""

    family: ClassVar[Family] = "trend"

    fast: Annotated[int, Meta(ge=2, le=400, description="candles of the fast average")] = 12
    slow: Annotated[int, Meta(ge=3, le=800, description="candles of the slow average")] = 26

    @property
    def lookback(self) -> int:
        """EMA(n) forgets by (1 - 2/(n+1)) a candle: after 10 n candles less than 1e-8 of the start is left."""
        return 10 * max(self.fast, self.slow)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the sign of the distance between the averages; 0 while they warm up."""
        return above(ema(columns.close, self.fast), ema(columns.close, self.slow))
