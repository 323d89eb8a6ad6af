"""PPO: trend and momentum of two averages in percent."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.indicators import ppo
from roottrading.strategies.levels import ROUNDING, direction

PERCENT: Final = 100 * ROUNDING


class Ppo(Strategy, frozen=True):
    """Momentum: full where the percentage price oscillator and its histogram agree in sign, none where they differ."""

    family: ClassVar[Family] = "momentum"

    fast: Annotated[int, Meta(ge=2, le=200, description="candles of the fast average")] = 12
    slow: Annotated[int, Meta(ge=3, le=400, description="candles of the slow average")] = 26
    signal: Annotated[int, Meta(ge=2, le=200, description="candles of the signal line")] = 9

    @property
    def lookback(self) -> int:
        """An EMA of EMAs forgets its start to 1e-8 in 10 times their periods."""
        return 10 * (self.fast + self.slow + self.signal)

    def evaluate(self, columns: Columns) -> Floats:
        """Return the mean of both signs."""
        line, average = ppo(columns.close, self.fast, self.slow, self.signal)
        return 0.5 * (direction(line, PERCENT) + direction(line - average, PERCENT))
