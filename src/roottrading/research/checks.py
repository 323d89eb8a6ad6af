"""Two checks that every strategy goes through unasked: does it look ahead, is its lookback too short? (4.4)

*Look-ahead*: the window of a candle's whole block, and the same window cut at the candle, must give the same bits.
*Warm-up*: a candle with exactly its lookback before it, and with one and with four lookbacks more, must give the same
decision; that is what a lookback promises, and the hardest place of a candle in its block.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import Ints
from roottrading.domain.money import conviction_of
from roottrading.domain.time import Time, iso
from roottrading.research.checked_candles import choose
from roottrading.services.analyzer.anchored_windows import Feed, is_full, window
from roottrading.services.analyzer.evaluation import RawOpinions, evaluate
from roottrading.services.analyzer.plan import Placement, Plan, Stream
from roottrading.services.analyzer.whole_blocks import WholeBlocks

PLAIN: Final = 50  # candles per strategy and symbol in every run
DEEP: Final = 2_000  # and where somebody asks for it
WARM_UP_BOUND: Final = 0.001  # share of decisions that may change; with fewer candles, none
MOVED_BACK: Final = (1, 4)  # lookbacks

LOOKS_AHEAD: Final = "looks ahead"
SHORT_WARM_UP: Final = "lookback too short"


class Finding(Struct, frozen=True):
    """What a strategy said of a candle, once as it was used and once as it must also say it."""

    kind: str
    strategy: str
    symbol: str
    timeframe: str
    at: Time
    column: str
    used: str
    other: str

    def __str__(self) -> str:
        """Name the strategy, the candle and both values."""
        if self.kind == LOOKS_AHEAD:
            how = f"is {self.used} when later candles are known, but {self.other} at its own close"
        else:
            how = f"is {self.used} after exactly its lookback, but {self.other} with more history before it"
        return (
            f"strategy {self.strategy} {self.kind}: at {iso(self.at)} on {self.symbol} {self.timeframe}, "
            f"its {self.column} {how}"
        )


class StrategyCheck(Struct, frozen=True):
    """The outcome for one strategy on one symbol; candles at which it failed are left out.

    `worst_drift` is the largest difference of conviction that more history made, `warm_up_changed` of
    `warm_up_checked` are decisions (buy, sell, none) that it changed.
    """

    strategy: str
    symbol: str
    timeframe: str
    look_ahead_checked: int
    look_ahead: Finding | None
    warm_up_checked: int
    warm_up_changed: int
    worst_drift: float
    first_changed: Finding | None

    @property
    def warm_up_share(self) -> float:
        """The share of decisions that more history changed."""
        return self.warm_up_changed / self.warm_up_checked if self.warm_up_checked else 0.0

    @property
    def warm_up(self) -> Finding | None:
        """The first changed decision, where the bound is broken."""
        return self.first_changed if self.warm_up_share >= WARM_UP_BOUND else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that is wrong; nothing for an honest strategy."""
        return tuple(finding for finding in (self.look_ahead, self.warm_up) if finding is not None)


def check_strategies(
    plan: Plan, blocks: WholeBlocks, opened: Mapping[Stream, Sequence[Time]], count: int = PLAIN
) -> tuple[StrategyCheck, ...]:
    """Check every strategy of a plan on every symbol; `opened` are the T at which cycles were opened, by stream."""
    checks = []
    for symbol in plan.symbols:
        for timeframe in plan.timeframes:
            stream = (symbol, timeframe)
            for columns in blocks.opinions(stream):
                placement = columns.placement
                inputs = {each.declared: blocks.feed(each.stream) for each in placement.inputs}
                changed = columns.open_time[columns.changes] + placement.anchor.span
                checks.append(
                    check_strategy(placement, blocks.feed(stream), inputs, opened.get(stream, ()), changed, count)
                )
    return tuple(checks)


def check_strategy(
    placement: Placement,
    own: Feed,
    inputs: Mapping[str, Feed],
    opened: Sequence[Time] | Ints,
    changed: Sequence[Time] | Ints,
    count: int = PLAIN,
) -> StrategyCheck:
    """Check a strategy on up to `count` candles: where cycles opened, where it changed its mind, and anywhere.

    The choice follows from the arguments alone.
    """
    use = placement.use
    first = _first_full(placement, own)
    at = own.columns.open_time[first:] + own.span
    rows = [first + row for row in choose(at, opened, changed, count, f"{use.name}/{placement.symbol}")]
    look = _LookAhead(placement, own, inputs)
    warm = _WarmUp(placement, own, inputs)
    with np.errstate(all="ignore"):
        for row in rows:
            look.check(row)
            warm.check(row)
    return StrategyCheck(
        use.name,
        placement.symbol,
        use.timeframe,
        look.checked,
        look.finding,
        warm.checked,
        warm.changed,
        warm.worst_drift,
        warm.finding,
    )


def _first_full(placement: Placement, own: Feed) -> int:
    """Return the first row whose window is full."""
    if own.begins is None:
        return 0
    anchor = placement.anchor
    block = anchor.block * anchor.span
    blocks_begun = -(-(own.begins + anchor.lookback * anchor.span) // block)
    return int(own.columns.open_time.searchsorted(blocks_begun * block))


class _Check:
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


class _LookAhead(_Check):
    def __init__(self, placement: Placement, own: Feed, inputs: Mapping[str, Feed]) -> None:
        super().__init__(placement, own, inputs)
        self._blocks: dict[Time, tuple[int, RawOpinions | str | None]] = {}

    def check(self, row: int) -> None:
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


class _WarmUp(_Check):
    def __init__(self, placement: Placement, own: Feed, inputs: Mapping[str, Feed]) -> None:
        super().__init__(placement, own, inputs)
        self.changed = 0
        self.worst_drift = 0.0

    def check(self, row: int) -> None:
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
