"""What some days tell of the strategies, as a pure function of stored signals and candles (trading-rules 3.8).

Days are told one after the other, or many at once, or again after a restart: the same days tell the same, so that
nothing of it has to be kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import astuple

from roottrading.config.settings import Settings
from roottrading.domain.columns import Candles
from roottrading.domain.time import DAY, Time, duration
from roottrading.messages.service import WeightsSet
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.learning import outcomes_of
from roottrading.runtimes.opinion_records import stop_rule
from roottrading.runtimes.stored_opinions import OpinionChange, stored_buys, stored_directions
from roottrading.services.analyzer import NewestWindows, WholeBlocks
from roottrading.services.analyzer.plan import Stream
from roottrading.services.signal_aggregator.buy_opinions import BuyOpinions
from roottrading.services.signal_aggregator.correlation import CoMovement, co_movements
from roottrading.services.signal_aggregator.learned_weights import (
    Record,
    joined,
    record_of,
    remembered_from,
    weights_of_day,
)
from roottrading.services.signal_aggregator.shadow_market import shadow_market
from roottrading.services.signal_aggregator.shadow_outcomes import HORIZON, Outcomes

Said = tuple[str, str]  # strategy, symbol


class Past(Struct, frozen=True):
    """Stored signals and candles, as far back as the days that are asked about need them (`Reach`).

    `changes` are, by strategy and symbol and in the order of time, the opinions' changes of that span, and the one
    that stood at its begin. `histories` are the open times with which streams begin, where they begin before it.
    """

    changes: Mapping[Said, Sequence[OpinionChange]]
    candles: Mapping[Stream, Candles]
    histories: Mapping[Stream, Time] = {}


class Reach(Struct, frozen=True):
    """How far back the past of some days is needed: changes from a T on, candles by stream from an open time on."""

    changes: Time
    candles: Mapping[Stream, Time]


class Evidence(Struct, frozen=True):
    """What the days from `since` until before `until` (00:00 UTC each) tell of the strategies."""

    since: Time
    until: Time
    records: Mapping[str, Record] = {}
    movements: tuple[CoMovement, ...] = ()


class Witness:
    """Tells what days say of the strategies of a run; opinions count after `start`, as they are stored."""

    def __init__(self, settings: Settings, cast: Cast, start: Time) -> None:
        """Take the run's settings and strategies, and the instant at which it first began."""
        self._settings = settings
        self._cast = cast
        self._start = start
        self._names = tuple(sorted(use.name for use in cast.uses))
        self._horizon = HORIZON * max(duration(use.timeframe) for use in cast.uses)

    def first_day(self, day: Time) -> Time:
        """Return the first day of which the weights of `day` still depend on anything that was said."""
        return max(remembered_from(day, self._settings.learning), self._start - self._start % DAY)

    def reach(self, since: Time) -> Reach:
        """Return how far back the past of days from `since` on is needed."""
        oldest = max(since - self._horizon, self._start + 1)
        return Reach(oldest, NewestWindows(self._cast.plan, 0).wanted_at(oldest - 1))

    def tell(self, since: Time, until: Time, past: Past) -> Evidence:
        """Return what these days tell; `past` reaches back as `reach(since)` says, and on until `until`."""
        outcomes = self._outcomes(since, until, past)
        records = {name: record_of(name, found) for name, found in outcomes.items()}
        return Evidence(since, until, records, tuple(self._movements(since, until, past)))

    def weights(self, day: Time, told: Sequence[Evidence]) -> WeightsSet:
        """Return the weights of a day from what all days before it told, from its `first_day` on."""
        records = [joined(each.records[name] for each in told) for name in self._names] if told else []
        movements = [movement for each in told for movement in each.movements]
        return weights_of_day(day, self._names, records, movements, self._settings.learning)

    def _outcomes(self, since: Time, until: Time, past: Past) -> dict[str, list[Outcomes]]:
        """Return the outcomes that were known on these days, by strategy."""
        plan = self._cast.plan
        blocks = self._blocks(past)
        found: dict[str, list[Outcomes]] = {name: [] for name in self._names}
        for stream in [(symbol, timeframe) for symbol in plan.symbols for timeframe in plan.timeframes]:
            symbol, timeframe = stream
            finest = (symbol, plan.finest)
            market = shadow_market(blocks.candles(finest), timeframe, blocks.feed(finest).columns)
            for placement in plan.placed(stream):
                use = placement.use
                stops = stop_rule(use.name, self._settings.coordinator)
                buys = stored_buys(past.changes.get((use.name, symbol), ()), blocks.market(stream), stops)
                known_at = buys.at + HORIZON * duration(timeframe)
                buys = _chosen(buys, (known_at >= since) & (known_at < until))
                if len(buys):
                    columns = partial(blocks.evaluated, stream, placement)
                    outcomes = outcomes_of(use.strategy, blocks.candles(stream), market, buys, self._settings, columns)
                    found[use.name].append(outcomes)
        return found

    def _movements(self, since: Time, until: Time, past: Past) -> Iterator[CoMovement]:
        """Yield how opinions moved together on these days, symbol by symbol."""
        for symbol in self._cast.plan.symbols:
            instants = past.candles[symbol, self._cast.fastest].at
            said = {name: stored_directions(past.changes.get((name, symbol), ())) for name in self._names}
            yield from co_movements(
                instants[(instants > self._start) & (instants >= since) & (instants < until)],
                said,
            )

    def _blocks(self, past: Past) -> WholeBlocks:
        plan = self._cast.plan
        finest = {
            symbol: past.candles[symbol, timeframe] for symbol, timeframe in past.candles if timeframe == plan.finest
        }
        return WholeBlocks(
            plan,
            finest,
            lambda candles, timeframe: past.candles[candles.symbol, timeframe],
            self._start + 1,
            past.histories,
        )


def _chosen(buys: BuyOpinions, chosen: npt.NDArray[np.bool_]) -> BuyOpinions:
    return BuyOpinions(*(column[chosen] for column in astuple(buys)))
