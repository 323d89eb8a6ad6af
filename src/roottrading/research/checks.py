"""The checks that every strategy goes through unasked: on which candles, and what came of it (trading-rules 4.4)."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from roottrading.domain.columns import Ints
from roottrading.domain.time import Time
from roottrading.research.candle_checks import LookAhead, WarmUp
from roottrading.research.checked_candles import choose
from roottrading.research.findings import StrategyCheck
from roottrading.services.analyzer.anchored_windows import Feed
from roottrading.services.analyzer.plan import Placement, Plan, Stream
from roottrading.services.analyzer.whole_blocks import WholeBlocks

PLAIN: Final = 50  # candles per strategy and symbol in every run
DEEP: Final = 2_000  # and where somebody asks for it


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
    look = LookAhead(placement, own, inputs)
    warm = WarmUp(placement, own, inputs)
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
