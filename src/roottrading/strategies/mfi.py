"""MFI: RSI with volume, against the extremes."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import mfi
from roottrading.strategies.levels import against


class Mfi(Strategy, frozen=True):
    """Mean reversion by volume: buys while the money flow index is below `oversold`, sells above `overbought`."""

    family: ClassVar[Family] = "volume"

    period: Annotated[int, Meta(ge=2, le=500, description="candles of the index")] = 14
    oversold: Annotated[float, Meta(ge=1, le=50, description="index below which it buys")] = 20.0
    overbought: Annotated[float, Meta(ge=50, le=99, description="index above which it sells")] = 80.0

    @property
    def lookback(self) -> int:
        """The index holds nothing older."""
        return self.period + 1

    def evaluate(self, columns: Columns) -> Floats:
        """Return half a conviction at the bounds and a full one at the ends of the scale."""
        index = mfi(columns.high, columns.low, columns.close, columns.volume, self.period)
        return against(index, self.oversold, self.overbought, 0.0, 100.0)
