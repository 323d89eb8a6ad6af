"""Learned weights inside a runtime: what the aggregator is told once a day (trading-rules 3.7 and 3.8).

The weights of a day follow from opinions and candles of days before it alone. A recorded market is known in full, so
all records are made at once, when the first day asks; what was not known before a day is left out by the weights
themselves.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from roottrading.config.settings import Settings
from roottrading.domain.columns import Candles
from roottrading.domain.time import Time
from roottrading.messages.service import WeightsSet
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.market import Market
from roottrading.runtimes.opinion_records import Shadowing, buys_of, directions_of, stop_rule
from roottrading.runtimes.session import WeightsFor
from roottrading.services.analyzer import WholeBlocks
from roottrading.services.analyzer.opinion_columns import OpinionColumns
from roottrading.services.analyzer.plan import Stream
from roottrading.services.signal_aggregator.buy_opinions import BuyOpinions
from roottrading.services.signal_aggregator.correlation import CoMovement, Directions, co_movements
from roottrading.services.signal_aggregator.learned_weights import Record, record_of, weights_of_day
from roottrading.services.signal_aggregator.managed_outcomes import managed_outcomes
from roottrading.services.signal_aggregator.shadow_market import ShadowMarket, shadow_market
from roottrading.services.signal_aggregator.shadow_outcomes import Costs, Outcomes, shadow_outcomes
from roottrading.strategies.contract import Strategy

_NOTHING: Final = np.zeros(0, dtype=np.int64)
_SILENT: Final = Directions(_NOTHING, _NOTHING)


def weights_for(settings: Settings, cast: Cast, market: Market, blocks: WholeBlocks | None = None) -> WeightsFor | None:
    """Return who makes the weights of a day in a run on this market; None where all strategies weigh the same.

    `blocks` are those of the run itself, where it has some: what they have evaluated is not evaluated again.
    """
    if settings.aggregator.weighting == "equal":
        return None
    return Learner(settings, cast, blocks or whole_blocks(cast, market), market.start).weights_for


def whole_blocks(cast: Cast, market: Market) -> WholeBlocks:
    """Return the opinions of the whole market; those at its start itself are before the run."""
    return WholeBlocks(cast.plan, market.tape, lambda finest, to: market.candles(finest.symbol, to), market.start + 1)


class Learner:
    """Makes the weights of any day of a recorded market, the same whenever and in whatever order they are asked for."""

    def __init__(self, settings: Settings, cast: Cast, blocks: WholeBlocks, start: Time) -> None:
        """Learn from what `blocks` say of the strategies in use; nothing is computed yet.

        Opinions count after `start`, as they are stored: `blocks` begin there.
        """
        self._settings = settings
        self._cast = cast
        self._blocks = blocks
        self._start = start
        self._names = tuple(sorted(use.name for use in cast.uses))
        self._learned: tuple[Sequence[Record], Sequence[CoMovement]] | None = None

    def weights_for(self, day: Time) -> WeightsSet:
        """Return the weights that rule verdicts with T > 01:00 UTC of `day` (its 00:00 UTC)."""
        if self._learned is None:
            self._learned = self._records(), self._movements()
        records, movements = self._learned
        return weights_of_day(day, self._names, records, movements, self._settings.learning)

    def _records(self) -> list[Record]:
        found: dict[str, list[Outcomes]] = {name: [] for name in self._names}
        for stream in self._streams():
            symbol, timeframe = stream
            finest = (symbol, self._cast.plan.finest)
            market = shadow_market(self._blocks.candles(finest), timeframe, self._blocks.feed(finest).columns)
            for columns in self._blocks.opinions(stream):
                found[columns.placement.use.name].append(self._outcomes(stream, columns, market))
        return [record_of(name, outcomes) for name, outcomes in found.items()]

    def _outcomes(self, stream: Stream, columns: OpinionColumns, market: ShadowMarket) -> Outcomes:
        use, candles = columns.placement.use, self._blocks.candles(stream)
        stops = stop_rule(use.name, self._settings.coordinator)
        buys = buys_of(columns, self._blocks.market(stream), candles, stops)
        return outcomes_of(use.strategy, candles, market, buys, self._settings, lambda: columns)

    def _movements(self) -> list[CoMovement]:
        said = {
            (stream[0], columns.placement.use.name): directions_of(columns)
            for stream in self._streams()
            for columns in self._blocks.opinions(stream)
        }
        found: list[CoMovement] = []
        for symbol in self._cast.plan.symbols:
            instants = self._blocks.candles((symbol, self._cast.fastest)).at
            found += co_movements(
                instants[instants > self._start],
                {name: said.get((symbol, name), _SILENT) for name in self._names},
            )
        return found

    def _streams(self) -> list[Stream]:
        plan = self._cast.plan
        return [(symbol, timeframe) for symbol in plan.symbols for timeframe in plan.timeframes]


def outcomes_of(
    strategy: Strategy,
    candles: Candles,
    market: ShadowMarket,
    buys: BuyOpinions,
    settings: Settings,
    columns: Callable[[], OpinionColumns],
) -> Outcomes:
    """Return the outcomes of BUY opinions; `candles` are those of the strategy's timeframe.

    `columns`, the strategy's own, are asked for only where it manages its positions.
    """
    costs = Costs(float(settings.fees.taker), float(settings.exchange.slippage))
    if not strategy.manages:
        return shadow_outcomes(market, buys, costs)
    manager = Shadowing(strategy, columns())
    return managed_outcomes(candles, market, buys, costs, manager, manager.row_at)
