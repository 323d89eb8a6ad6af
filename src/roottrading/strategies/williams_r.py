"""Williams %R: against a close at the end of the range."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import williams_r
from roottrading.strategies.levels import against


class WilliamsR(Strategy, frozen=True):
    """Mean reversion: buys near the low of the last candles, sells near their high."""

    family: ClassVar[Family] = "reversion"

    period: Annotated[int, Meta(ge=2, le=500, description="candles of the range")] = 14
    oversold: Annotated[float, Meta(ge=-99, le=-50, description="%R below which it buys")] = -80.0
    overbought: Annotated[float, Meta(ge=-50, le=-1, description="%R above which it sells")] = -20.0

    @property
    def lookback(self) -> int:
        """The range holds nothing older."""
        return self.period

    def evaluate(self, columns: Columns) -> Floats:
        """Return half a conviction at the bounds and a full one at the ends of the scale."""
        return against(
            williams_r(columns.high, columns.low, columns.close, self.period),
            self.oversold,
            self.overbought,
            -100.0,
            0.0,
        )
