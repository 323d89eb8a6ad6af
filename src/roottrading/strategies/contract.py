"""What a strategy is: typed parameters, and one pure function from candle columns to conviction (trading-rules 4).

A strategy is one file with one small class:

    class EmaCross(Strategy, frozen=True):
        "Trend: the fast average above the slow one."

        fast: Annotated[int, Meta(ge=2, le=400, description="candles of the fast average")] = 12
        slow: Annotated[int, Meta(ge=3, le=800, description="candles of the slow average")] = 26

        @property
        def lookback(self) -> int:
            return 10 * self.slow

        def evaluate(self, columns: Columns) -> Floats:
            return np.sign(talib.EMA(columns.close, self.fast) - talib.EMA(columns.close, self.slow))

Its name is its file's name. The engine evaluates it on windows of closed candles and reads only the rows that have a
full lookback before them; NaN there means no opinion only where `evaluate` says so by 0, else it is an error.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal

import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import Columns, Floats, Ints
from roottrading.domain.position import Adjustment, Position

__all__ = ["HOLD", "Adjustment", "Evaluation", "Family", "Strategy"]

Family = Literal["trend", "momentum", "reversion", "volatility", "volume", "breakout"]


class Evaluation(Struct, frozen=True):
    """Conviction per candle in [-1, 1], and what else the strategy likes to say of each candle.

    Distances are in quote price units, above 0; `time_limit` counts candles of the strategy's timeframe from T;
    `entry_limit` is the price of a resting entry; `size_factor` in (0, 1] scales the size; `tag` names the setup.
    NaN (or a `time_limit` below 1, or an empty tag) leaves that candle without it. `columns` are the strategy's own:
    their values at T reach `manage` and `signals.metadata`.
    """

    conviction: Floats
    stop_distance: Floats | None = None
    target_distance: Floats | None = None
    time_limit: Ints | None = None
    entry_limit: Floats | None = None
    size_factor: Floats | None = None
    tag: npt.NDArray[Any] | None = None
    columns: Mapping[str, Floats] = {}


HOLD = Adjustment()


class Strategy(Struct, frozen=True):
    """Base of every strategy; its fields are its parameters, bounded by `Meta` and shown to users as documented."""

    family: ClassVar[Family] = "trend"
    version: ClassVar[int] = 1  # raise it where the same parameters give other convictions: signal ids follow it
    manages: ClassVar[bool] = False  # True where `manage` is overridden
    inputs: ClassVar[tuple[str, ...]] = ()  # further columns: "BTCUSDT/1h", or "*/1h" for the symbol itself

    @property
    def lookback(self) -> int:
        """Candles that must lie before a candle so that its conviction no longer depends on where history began."""
        raise NotImplementedError

    def evaluate(self, columns: Columns) -> Floats | Evaluation:
        """Return the conviction of every candle, from that candle and those before it only."""
        raise NotImplementedError

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        """Say what to do with an open position at a closed candle; `row` holds this strategy's own columns at T."""
        return HOLD
