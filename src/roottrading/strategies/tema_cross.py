"""TEMA cross: the averages with less lag."""

from typing import Annotated, ClassVar

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import tema
from roottrading.strategies.levels import above


class TemaCross(Strategy, frozen=True):
    """Trend following: conviction is +1 while the fast triple average is above the slow one, -1 while it is below."""

    family: ClassVar[Family] = "trend"

    fast: Annotated[int, Meta(ge=2, le=200, description="candles of the fast average")] = 9
    slow: Annotated[int, Meta(ge=3, le=400, description="candles of the slow average")] = 21

    @property
    def lookback(self) -> int:
        """Three averages upon each other forget more slowly than one."""
        return 20 * max(self.fast, self.slow)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the sign of the distance between the averages."""
        return above(tema(columns.close, self.fast), tema(columns.close, self.slow))
