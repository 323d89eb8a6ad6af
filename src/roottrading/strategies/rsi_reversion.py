"""RSI reversion: against an oversold or overbought market."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import rsi
from roottrading.strategies.levels import against


class RsiReversion(Strategy, frozen=True):
    """Mean reversion: buys when RSI is below `oversold`, sells when it is above `overbought`, surer the further out."""

    family: ClassVar[Family] = "reversion"

    period: Annotated[int, Meta(ge=2, le=200, description="candles of the RSI")] = 14
    oversold: Annotated[float, Meta(ge=1, le=50, description="RSI below which it buys")] = 30.0
    overbought: Annotated[float, Meta(ge=50, le=99, description="RSI above which it sells")] = 70.0

    @property
    def lookback(self) -> int:
        """Wilder's averages forget by 1 - 1/n a candle: after 20 n candles 2e-9 of the start is left."""
        return 20 * self.period

    def evaluate(self, columns: Columns) -> Floats:
        """Return half a conviction at the bounds and a full one at the ends of the scale."""
        return against(rsi(columns.close, self.period), self.oversold, self.overbought, 0.0, 100.0)
