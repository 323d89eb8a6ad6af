"""MACD: momentum as the distance of two averages from its own average."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import atr, macd
from roottrading.strategies.levels import graded


class Macd(Strategy, frozen=True):
    """Momentum: conviction grows with the MACD histogram, measured in ATR so that it means the same in every market."""

    family: ClassVar[Family] = "momentum"

    fast: Annotated[int, Meta(ge=2, le=200, description="candles of the fast average")] = 12
    slow: Annotated[int, Meta(ge=3, le=400, description="candles of the slow average")] = 26
    signal: Annotated[int, Meta(ge=2, le=200, description="candles of the signal line")] = 9
    full: Annotated[float, Meta(ge=0.01, le=10, description="histogram, in ATR(14), at which conviction is full")] = (
        0.25
    )

    @property
    def lookback(self) -> int:
        """An EMA of EMAs forgets its start to 1e-8 in 10 times their periods, ATR(14) in 300."""
        return max(10 * (self.slow + self.fast + self.signal), 300)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the histogram as a share of the full one."""
        close = columns.close
        _, _, histogram = macd(close, self.fast, self.slow, self.signal)
        return graded(histogram, self.full * atr(columns.high, columns.low, close, 14))
