"""The text of a new strategy file: it works as it stands, and shows where to change it."""

from keyword import iskeyword
from re import fullmatch
from typing import Final

from roottrading.strategies.parameters import StrategyError

_TEXT: Final = '''"""{title}: say in a line what the idea is."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Family, Strategy
from roottrading.strategies.indicators import atr, ema


class {name}(Strategy, frozen=True):
    """Long while the close is above its average; how far, in ATR, is how sure."""

    family: ClassVar[Family] = "trend"  # trend, momentum, reversion, volatility, volume or breakout

    period: Annotated[int, Meta(ge=2, le=500, description="candles of the average")] = 20
    stop_atr: Annotated[float, Meta(gt=0, le=20, description="stop below the close, in ATR(14)")] = 2.0

    @property
    def lookback(self) -> int:
        """Candles after which nothing of where history began is left: an EMA needs about 10 times its period."""
        return max(10 * self.period, 300)

    def evaluate(self, columns: Columns) -> Evaluation:
        """Return the conviction of every candle in [-1, 1]: above 0 buys, below sells, 0 has no opinion.

        Use a candle and those before it, never one after it: no `[::-1]`, no `np.roll(x, -1)`, no mean of a whole
        column. `roottrading strategies check` catches what looks ahead.
        """
        volatility = atr(columns.high, columns.low, columns.close, 14)
        distance = columns.close - ema(columns.close, self.period)
        known = volatility > 0  # False while the indicators warm up
        conviction = np.clip(np.divide(distance, 2 * volatility, out=np.zeros_like(distance), where=known), -1, 1)
        return Evaluation(
            np.nan_to_num(conviction),
            stop_distance=np.where(known, self.stop_atr * volatility, np.nan),
        )
'''


def template(name: str) -> str:
    """Return the text of a new strategy file `name`.py; StrategyError where no strategy can be called that."""
    if not fullmatch("[a-z][a-z0-9_]*", name) or iskeyword(name):
        raise StrategyError(
            f"a strategy cannot be called {name!r}: use small letters, digits and _, and begin with a letter"
        )
    words = [word for word in name.split("_") if word]
    return _TEXT.format(title=" ".join(words).capitalize(), name="".join(word.capitalize() for word in words))
