"""The checks of strategies that follow every fast run: what looks ahead or warms up too short is named."""

from collections.abc import Mapping, Sequence

from roottrading.adapters.store.port import Store
from roottrading.cli.preparing import Prepared
from roottrading.domain.time import Time
from roottrading.reports import CheckLine
from roottrading.research.checks import PLAIN, check_strategies
from roottrading.research.findings import StrategyCheck
from roottrading.runtimes.result import journal
from roottrading.services.analyzer import WholeBlocks


def check(prepared: Prepared, blocks: WholeBlocks, store: Store, count: int = PLAIN) -> tuple[StrategyCheck, ...]:
    """Check every strategy of a run on `count` candles of each symbol, first of all where it opened cycles.

    `blocks` are those of the run itself: what it has evaluated is checked, not a second evaluation.
    """
    return check_strategies(prepared.cast.plan, blocks, _opened(prepared, store), count)


def lines(checks: Sequence[StrategyCheck]) -> tuple[CheckLine, ...]:
    """Return the checks as the report takes them."""
    return tuple(
        CheckLine(
            check.strategy,
            check.symbol,
            max(check.look_ahead_checked, check.warm_up_checked),
            not check.findings,
            "; ".join(map(str, check.findings)),
        )
        for check in checks
    )


def _opened(prepared: Prepared, store: Store) -> Mapping[tuple[str, str], Sequence[Time]]:
    timeframes = {use.name: use.timeframe for use in prepared.cast.uses}
    found: dict[tuple[str, str], list[Time]] = {}
    for cycle in journal(store, "trade_cycles"):
        if cycle.strategy in timeframes:
            found.setdefault((cycle.symbol, timeframes[cycle.strategy]), []).append(cycle.created_at)
    return found
