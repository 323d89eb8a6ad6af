"""TRIX: momentum of a thrice smoothed price."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import trix
from roottrading.strategies.levels import ROUNDING, direction

PERCENT: Final = 100 * ROUNDING


class Trix(Strategy, frozen=True):
    """Momentum: +1 while TRIX is above its signal line and above 0, -1 while below both, none in between."""

    family: ClassVar[Family] = "momentum"

    period: Annotated[int, Meta(ge=2, le=200, description="candles of each of the three averages")] = 15
    signal: Annotated[int, Meta(ge=2, le=100, description="candles of the signal line")] = 9

    @property
    def lookback(self) -> int:
        """Three averages upon each other forget more slowly than one."""
        return 20 * self.period + 10 * self.signal

    def evaluate(self, columns: Columns) -> Floats:
        """Return the mean of both signs."""
        line, average = trix(columns.close, self.period, self.signal)
        return 0.5 * (direction(line, PERCENT) + direction(line - average, PERCENT))
