"""Walk-forward: learned weights against equal ones, the best single strategy and buy-and-hold (trading-rules 3.9).

Whatever chooses, chooses by the past: learned weights by the days before, the best single strategy by the window
before. The first window is there to learn from and is not counted. All contenders trade the same market without a
pause, each with the whole capital; a window's return is that of equity, fees and slippage in. Equity must not stand
still for a person to resume trading, so the limit on drawdown is off.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from roottrading.config.settings import Settings
from roottrading.domain.columns import Floats, Ints
from roottrading.domain.time import DAY, Time
from roottrading.reports.buy_and_hold import curve_of_holding
from roottrading.reports.equity import equity_rows
from roottrading.reports.flows import flows_of
from roottrading.reports.result import RunResult
from roottrading.runtimes.assembly import cast
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.market import Market
from roottrading.runtimes.result import gather
from roottrading.services.analyzer import StrategyUse

LEARNED: Final = "learned weights"
EQUAL: Final = "equal weights"
BEST: Final = "best single strategy"
HOLDING: Final = "buy and hold"


class Contender(Struct, frozen=True):
    """One way to trade: its equity at every 00:00 UTC that counts, as a multiple of the first, and what it traded.

    `cycles` counts those that began in the counted days.
    """

    name: str
    equity: Floats
    cycles: int


class WalkForward(Struct, frozen=True):
    """The outcome: all contenders over the same days, and the strategy that the past chose for each window.

    `bounds` are the windows' 00:00 UTC, the one to learn from first. `singles` are the strategies one by one, as
    nobody could have chosen among them beforehand.
    """

    bounds: tuple[Time, ...]
    days: Ints
    contenders: tuple[Contender, ...]
    chosen: tuple[str, ...]
    singles: tuple[Contender, ...]

    def returns(self, contender: Contender) -> list[float]:
        """Return a contender's return in each window that counts."""
        marks = contender.equity[np.searchsorted(self.days, self.bounds[1:])]
        found: list[float] = (marks[1:] / marks[:-1] - 1).tolist()
        return found


class Ran(Struct, frozen=True):
    """A run's equity at all 00:00 UTC, and when its cycles began."""

    equity: Floats
    began: Ints


def windows(market: Market, length: int) -> tuple[Time, ...]:
    """Return the bounds of windows of `length` days; the last one ends with the market's last whole day.

    Raises ValueError where there are not two of them, one to learn from and one that counts.
    """
    first, last = -(-market.start // DAY) * DAY, market.end // DAY * DAY
    bounds = (*range(first, last, length * DAY), last)
    if len(bounds) < 3:
        raise ValueError(
            f"the market has {max(0, (last - first) // DAY)} whole days: take windows of less than {length} days, or "
            "more candles"
        )
    return bounds


def walk_forward(
    settings: Settings,
    uses: Sequence[StrategyUse],
    market: Market,
    length: int,
    tell: Callable[[str], None] = lambda _: None,
) -> WalkForward:
    """Compare on windows of `length` days; `tell` hears what is being run. Raises ValueError as `windows` does."""
    bounds = windows(market, length)
    market = replace(market, start=bounds[0], end=bounds[-1])
    settings = replace(settings, coordinator=replace(settings.coordinator, max_drawdown=None))
    days = np.arange(bounds[0], bounds[-1] + 1, DAY, dtype=np.int64)

    def run(name: str, some: Sequence[StrategyUse], weighting: Literal["equal", "learned"]) -> RunResult:
        tell(name)
        chosen = replace(settings, aggregator=replace(settings.aggregator, weighting=weighting))
        return gather(chosen, market, run_backtest(chosen, cast(chosen, some, market), market), market.end)

    learned, equal = run(LEARNED, uses, "learned"), run(EQUAL, uses, "equal")
    singles = {use.name: _ran(run(use.name, [use], "equal"), days) for use in uses}
    best, chosen = best_of_the_past(singles, days, bounds)
    holding = Ran(curve_of_holding(equal, days), days[:0])
    counted = (LEARNED, _ran(learned, days)), (EQUAL, _ran(equal, days)), (BEST, best), (HOLDING, holding)
    return WalkForward(
        bounds,
        days[days >= bounds[1]],
        tuple(_contender(name, ran, days, bounds[1]) for name, ran in counted),
        chosen,
        tuple(_contender(name, ran, days, bounds[1]) for name, ran in sorted(singles.items())),
    )


def _ran(result: RunResult, days: Ints) -> Ran:
    rows = equity_rows(result, flows_of(result), days.tolist())
    began = [cycle.created_at for cycle in result.cycles if cycle.status != "expired"]
    return Ran(np.array([float(row.equity) for row in rows]), np.array(began, dtype=np.int64))


def best_of_the_past(singles: Mapping[str, Ran], days: Ints, bounds: Sequence[Time]) -> tuple[Ran, tuple[str, ...]]:
    """Chain each window's equity of the strategy that was best in the window before, and name them; names break ties.

    Equity starts at 1 and stands still in the first window. What a change of strategy would cost is left out.
    """
    equity = np.ones(len(days))
    began: list[Ints] = []
    chosen: list[str] = []
    rows = np.searchsorted(days, np.array(bounds)).tolist()
    for before, first, last in zip(rows, rows[1:], rows[2:], strict=False):
        gains = {name: ran.equity[first] / ran.equity[before] for name, ran in singles.items()}
        name = min(gains, key=lambda name: (-gains[name], name))
        ran = singles[name]
        equity[first : last + 1] = equity[first] * ran.equity[first : last + 1] / ran.equity[first]
        began.append(ran.began[(ran.began >= days[first]) & (ran.began < days[last])])
        chosen.append(name)
    return Ran(equity, np.concatenate(began)), tuple(chosen)


def _contender(name: str, ran: Ran, days: Ints, since: Time) -> Contender:
    counted = ran.equity[days >= since]
    return Contender(name, counted / counted[0], int((ran.began >= since).sum()))
