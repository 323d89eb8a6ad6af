"""The next T at which risk equity may breach a limit, and the highest it was at the Ts that are passed over.

Between two events cash and holdings stand still, so that equity follows the closes alone (trading-rules 2.8). Floats
propose, with a margin; what is handed on is computed exactly, by the coordinator's own formula.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from roottrading.domain.columns import UNITS, UNITS_DIGITS, Floats, Ints
from roottrading.domain.money import ONE
from roottrading.messages.service import Watch
from roottrading.services.coordinator.ledger import risk_equity
from roottrading.services.coordinator.watching import DAILY, DRAWDOWN

_MARGIN: Final = 1e-9  # relative; floats of a few products and sums err by less than 1e-14
_CLOSE: Final = 1e-12  # relative: so near to the highest, the exact values decide which is
_UNIT: Final = ONE.scaleb(-UNITS_DIGITS)


class EquitySearch:
    """Follows the two watches on equity; `worth` are the closes at every T by symbol, in units of 1e-8."""

    def __init__(self, worth: Mapping[str, Ints]) -> None:
        """Watch nothing yet."""
        self._worth = worth
        self._watches: dict[str, Watch] = {}
        self.active = False
        self._highest: Decimal | None = None
        self._peak = 0.0  # the highest since the drawdown watch was last said

    def watch(self, watch: Watch) -> None:
        """Take a watch on equity, or its withdrawal."""
        self._watches[watch.key] = watch
        if watch.key == DRAWDOWN:
            self._peak = 0.0
        self.active = any(known.below is not None for known in self._watches.values())

    def taken(self) -> Decimal | None:
        """Return the highest equity at the Ts passed over since the last call, None where that cannot matter."""
        highest, self._highest = self._highest, None
        return highest

    def first(self, place: int, stop: int, cash: Decimal, held: Mapping[str, Decimal]) -> int:
        """Return the first place in `place:stop` that must be judged, `stop` for none; pass over those before."""
        if place >= stop:
            return stop
        drawdown = self._watches.get(DRAWDOWN)
        fall, marked = None, 0.0
        if drawdown is not None and drawdown.below is not None:
            fall, marked = drawdown.fall, float(drawdown.below)
        floor = max((float(w.below) for w in self._watches.values() if w.below is not None), default=0.0)
        keep = 1.0 if fall is None else 1.0 - float(fall)
        low, high = self._range(place, stop, float(cash), held)
        if low > max(floor, keep * max(self._peak, high) if fall is not None else 0.0) * (1 + _MARGIN):
            if fall is not None and high * keep * (1 + _MARGIN) > marked:
                self._pass_over(place, stop, cash, held)
            return stop
        return self._exactly(place, stop, cash, held, fall)

    def _range(self, place: int, stop: int, cash: float, held: Mapping[str, Decimal]) -> tuple[float, float]:
        low = high = cash
        for symbol, quantity in held.items():
            closes = self._worth[symbol][place:stop]
            amount = float(quantity) / UNITS
            low += amount * float(closes.min())
            high += amount * float(closes.max())
        return low, high

    def _exactly(self, place: int, stop: int, cash: Decimal, held: Mapping[str, Decimal], fall: Decimal | None) -> int:
        equity = self._equity(place, stop, cash, held)
        breach = np.zeros(len(equity), dtype=np.bool_)
        daily, drawdown = self._watches.get(DAILY), self._watches.get(DRAWDOWN)
        if daily is not None and daily.below is not None:
            breach |= equity <= float(daily.below) * (1 + _MARGIN)
        if drawdown is not None and drawdown.below is not None and fall is not None:
            peak = np.maximum(np.maximum.accumulate(equity), self._peak)
            floor = np.maximum(peak * (1.0 - float(fall)), float(drawdown.below))
            breach |= equity <= floor * (1 + _MARGIN)
        found = int(breach.argmax())
        until = place + found if breach[found] else stop
        if fall is not None and until > place:
            self._pass_over(place, until, cash, held)
        return until

    def _pass_over(self, place: int, stop: int, cash: Decimal, held: Mapping[str, Decimal]) -> None:
        """Remember the highest equity of these places: the exact one of all that floats cannot tell apart."""
        equity = self._equity(place, stop, cash, held)
        top = float(equity.max())
        self._peak = max(self._peak, top)
        if not held:
            candidates: Sequence[int] = (place,)
        elif len(held) == 1:
            (symbol,) = held
            candidates = (place + int(self._worth[symbol][place:stop].argmax()),)
        else:
            candidates = (place + np.flatnonzero(equity >= top * (1 - _CLOSE))).tolist()
        for candidate in candidates:
            closes = {symbol: _UNIT * int(self._worth[symbol][candidate]) for symbol in held}
            exact = risk_equity(cash, held, closes)
            if self._highest is None or exact > self._highest:
                self._highest = exact

    def _equity(self, place: int, stop: int, cash: Decimal, held: Mapping[str, Decimal]) -> Floats:
        equity = np.full(stop - place, float(cash))
        for symbol, quantity in held.items():
            equity += float(quantity) / UNITS * self._worth[symbol][place:stop]
        return equity
