"""The two checks of one candle: does the strategy look ahead, is its lookback too short? (trading-rules 4.4)

*Look-ahead*: the window of a candle's whole block, and the same window cut at the candle, must give the same bits.
*Warm-up*: a candle with exactly its lookback before it, and with one and with four lookbacks more, must give the same
decision; that is what a lookback promises, and the hardest place of a candle in its block.
"""

from collections.abc import Mapping
from typing import Final

from roottrading.domain.money import conviction_of
from roottrading.domain.time import Time
from roottrading.research.findings import LOOKS_AHEAD, SHORT_WARM_UP, Finding
from roottrading.services.analyzer.anchored_windows import Feed, is_full, window
from roottrading.services.analyzer.evaluation import RawOpinions, evaluate
from roottrading.services.analyzer.plan import Placement

MOVED_BACK: Final = (1, 4)  # lookbacks


class _Check:
    """A check of candles, one after the other; `finding` is the first thing that is wrong."""

    def __init__(self, placement: Placement, own: Feed, inputs: Mapping[str, Feed]) -> None:
        self.placement = placement
        self.own = own
        self.inputs = inputs
        self.checked = 0
        self.finding: Finding | None = None

    def window(self, start: Time, stop: int) -> RawOpinions | str | None:
        """Return what the strategy says of a window, or the error it raised; None where the window is not full."""
        if not is_full(self.own, self.inputs, start):
            return None
        columns = window(self.own, self.inputs, start, stop)
        if len(columns) <= self.placement.anchor.lookback:
            return None
        try:
            return evaluate(self.placement.use.strategy, columns)
        except Exception as error:  # whatever a strategy raises is its own affair
            return f"{type(error).__name__}: {error}"

    def find(self, kind: str, row: int, column: str, used: object, other: object) -> None:
        """Note the first finding."""
        if self.finding is None:
            use, at = self.placement.use, int(self.own.columns.open_time[row]) + self.own.span
            self.finding = Finding(
                kind, use.name, self.placement.symbol, use.timeframe, at, column, str(used), str(other)
            )


class LookAhead(_Check):
    """Asks again with the window cut at the candle; what is said may not change."""

    def __init__(self, placement: Placement, own: Feed, inputs: Mapping[str, Feed]) -> None:
        super().__init__(placement, own, inputs)
        self._blocks: dict[Time, tuple[int, RawOpinions | str | None]] = {}

    def check(self, row: int) -> None:
        """Check the candle of a row."""
        open_time = int(self.own.columns.open_time[row])
        start = self.placement.anchor.window_start(open_time)
        cut = self.window(start, row + 1)
        stop, whole = self._whole(start)
        if cut is None or whole is None or isinstance(whole, str):
            return
        self.checked += 1
        if isinstance(cut, str):
            self.find(LOOKS_AHEAD, row, "evaluate", "well", cut)
            return
        seen, known = _values(cut, -1), _values(whole, row - stop)
        for column in {**known, **seen}:
            if known.get(column) != seen.get(column):
                self.find(LOOKS_AHEAD, row, column, known.get(column, "missing"), seen.get(column, "missing"))

    def _whole(self, start: Time) -> tuple[int, RawOpinions | str | None]:
        """Return the row after the block whose window begins at `start`, and what is said of the whole window."""
        known = self._blocks.get(start)
        if known is None:
            anchor = self.placement.anchor
            end = start + (anchor.lookback + anchor.block) * anchor.span
            stop = int(self.own.columns.open_time.searchsorted(end))
            known = self._blocks[start] = (stop, self.window(start, stop))
        return known


class WarmUp(_Check):
    """Asks again with more history before the candle; the decision may not change."""

    def __init__(self, placement: Placement, own: Feed, inputs: Mapping[str, Feed]) -> None:
        super().__init__(placement, own, inputs)
        self.changed = 0
        self.worst_drift = 0.0

    def check(self, row: int) -> None:
        """Check the candle of a row."""
        anchor = self.placement.anchor
        start = int(self.own.columns.open_time[row]) - anchor.lookback * anchor.span
        used = self._conviction(start, row)
        others = [self._conviction(start - back * max(anchor.lookback, 1) * anchor.span, row) for back in MOVED_BACK]
        known = [other for other in others if other is not None]
        if used is None or not known:
            return
        self.checked += 1
        self.worst_drift = max(self.worst_drift, *(abs(other - used) for other in known))
        for other in known:
            if _decision(other) != _decision(used):
                self.changed += 1
                self.find(SHORT_WARM_UP, row, "conviction", used, other)
                break

    def _conviction(self, start: Time, row: int) -> float | None:
        said = self.window(start, row + 1)
        if said is None or isinstance(said, str):
            return None
        conviction = float(said.conviction[-1])
        return conviction if abs(conviction) <= 1 else None


def _decision(conviction: float) -> int:
    rounded = conviction_of(conviction)
    return (rounded > 0) - (rounded < 0)


def _values(raw: RawOpinions, row: int) -> dict[str, str]:
    """Return a row's values by column, as text that tells every float from every other."""
    values = {"conviction": repr(float(raw.conviction[row]))}
    for columns in (raw.plan, raw.own):
        values |= {name: repr(float(column[row])) for name, column in columns.items()}
    if raw.tag is not None:
        values["tag"] = str(raw.tag[row])
    return values
