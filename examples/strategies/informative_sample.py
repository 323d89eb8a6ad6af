"""InformativeSample: the symbol's trend, as long as Bitcoin's quarter hours rise too."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import ema, on_its_candles, sma

LEADER = "BTCUSDT/15m"


class InformativeSample(Strategy, frozen=True):
    """Long while EMA(20) is above EMA(50) and Bitcoin above its average of 15m candles; short of both, it sells."""

    family: ClassVar[Family] = "trend"
    inputs: ClassVar[tuple[str, ...]] = (LEADER,)

    fast: Annotated[int, Meta(ge=2, le=200, description="candles of the fast average")] = 20
    slow: Annotated[int, Meta(ge=3, le=400, description="candles of the slow average")] = 50
    leader_period: Annotated[int, Meta(ge=2, le=200, description="15m candles of Bitcoin's average")] = 20
    stop_percent: Annotated[float, Meta(gt=0, le=50, description="stop below the close, in percent")] = 10.0

    @property
    def lookback(self) -> int:
        """Ten times the slow average; and a 15m candle lasts as long as 15 candles of 1m at most."""
        return max(10 * max(self.fast, self.slow), 15 * (self.leader_period + 1))

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return +1 where both trends are up, -1 where both are down."""
        fast, slow = ema(columns.close, self.fast), ema(columns.close, self.slow)
        leader = columns.inputs[LEADER]
        average = on_its_candles(leader, self._average)
        rising = (fast > slow) & (leader.close > average)
        falling = (fast < slow) & (leader.close < average)
        return Evaluation(
            rising.astype(np.float64) - falling,
            stop_distance=columns.close * (self.stop_percent / 100),
            columns={"leader": leader.close},
        )

    def _average(self, candles: Columns) -> Floats:
        return sma(candles.close, self.leader_period)
