"""Verdicts of a whole tape at once: the values, to the digit, that the service gives one by one.

They serve the search for the candles at which something happens, and the file of verdicts (consistency-rules 1.5).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import Ints
from roottrading.domain.time import DAY, HOUR, Time, duration
from roottrading.messages.service import WeightsSet
from roottrading.services.signal_aggregator.formula import FormulaRules, verdict_value
from roottrading.services.signal_aggregator.settings import AggregatorSettings
from roottrading.services.signal_aggregator.state import WeightsOfDay
from roottrading.services.signal_aggregator.voting import (
    VotingStrategy,
    Weight,
    panel_of,
    rules_of,
    suits,
    weights_in,
    weights_in_force,
)

Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.signedinteger]  # of whatever width they are kept in
_CHUNK: Final = 1 << 14  # rows worked on at once: their temporaries stay in the processor's cache


class TimeframeOpinions(Struct, frozen=True):
    """What one symbol's batches of a timeframe say, as columns: one row per candle, in the order of time.

    `first` is the T of the first batch, whether it had a candle or not; `at` the T of the candles that there were;
    `convictions` are in units of 1e-6 by strategy; `regimes` are places in `regime_names`, negative where unknown.
    """

    timeframe: str
    first: Time
    at: Ints
    convictions: Mapping[str, Integers]
    regimes: Integers
    regime_names: tuple[str, ...]


class VerdictColumns(Struct, frozen=True):
    """One row per T: the verdict's value in units of 1e-6, and whether it is complete (trading-rules 3.2)."""

    at: Ints
    value: Ints
    complete: Booleans


class _Chunk(Struct, frozen=True):
    """A timeframe as of each T of a chunk: rows of its columns, and where it has begun.

    `whole` is set where these are all rows one after another.
    """

    opinions: TimeframeOpinions
    rows: Ints
    begun: Booleans
    whole: slice | None

    def held(self, column: Integers, before: int) -> Ints:
        """Return the column as of each T, `before` where it has not begun."""
        if self.whole is not None:
            return column[self.whole].astype(np.int64)
        if not len(column):
            return np.full(len(self.rows), before, dtype=np.int64)
        return np.where(self.begun, column[self.rows], before).astype(np.int64)

    def suiting(self, family: str) -> Booleans:
        """Say at which T the regime suits a family."""
        regime = self.held(self.opinions.regimes, -1)
        found: Booleans = np.zeros(len(regime), dtype=np.bool_)
        for place, name in enumerate(self.opinions.regime_names):
            if suits(name, family):
                found |= regime == place
        return found


def verdict_columns(
    symbol: str,
    plan: Sequence[VotingStrategy],
    fastest: str,
    opinions: Mapping[str, TimeframeOpinions],
    at: Ints,
    weights: Sequence[WeightsSet],
    settings: AggregatorSettings,
) -> VerdictColumns:
    """Return the verdicts of a symbol at every T of `at`: the Ts of the fastest timeframe, those of absent candles too.

    `opinions` holds the fastest timeframe and every one that the plan votes on; `weights` are those of all days.
    """
    panel = panel_of(plan, symbol)
    kept = kept_weights(weights, settings)
    rules = rules_of(settings)
    value = np.zeros(len(at), dtype=np.int64)
    complete = np.zeros(len(at), dtype=np.bool_)
    for start in range(0, len(at), _CHUNK):
        span = slice(start, start + _CHUNK)
        instants = at[span]
        days, places = np.unique((instants - HOUR - 1) // DAY, return_inverse=True)
        found = [weights_in_force(int(day) * DAY, kept) for day in days]
        tables = [weights_in(plan, learned, settings) for learned, _ in found]
        chunks = {name: _as_of(instants, opinions[name]) for name in {fastest, *(s.timeframe for s in panel)}}
        complete[span] = np.array([right for _, right in found])[places] & _complete(instants, fastest, chunks)
        value[span] = _values(panel, fastest, chunks, tables, places, rules)
    return VerdictColumns(at, value, complete)


def kept_weights(weights: Sequence[WeightsSet], settings: AggregatorSettings) -> tuple[WeightsOfDay, ...]:
    """Return the weights of all days as the service keeps them; none where all strategies weigh the same."""
    if settings.weighting == "equal" or not weights:
        return ()
    since = min(each.day for each in weights)
    return tuple(WeightsOfDay(each.day, each.weights, each.groups, since) for each in weights)


def _as_of(instants: Ints, opinions: TimeframeOpinions) -> _Chunk:
    rows = np.searchsorted(opinions.at, instants, side="right") - 1
    begun = rows >= 0
    first, last = int(rows[0]), int(rows[-1])
    follow = first >= 0 and last - first + 1 == len(rows) and bool((np.diff(rows) == 1).all())
    return _Chunk(opinions, rows, begun, slice(first, last + 1) if follow else None)


def _complete(instants: Ints, fastest: str, chunks: Mapping[str, _Chunk]) -> Booleans:
    """Say where the fastest timeframe has a candle, and every timeframe its batch of the last candle due."""
    complete: Booleans = chunks[fastest].begun.copy()
    complete[complete] = chunks[fastest].opinions.at[chunks[fastest].rows[complete]] == instants[complete]
    for chunk in chunks.values():
        complete &= instants - instants % duration(chunk.opinions.timeframe) >= chunk.opinions.first
    return complete


def _values(
    panel: Sequence[VotingStrategy],
    fastest: str,
    chunks: Mapping[str, _Chunk],
    tables: Sequence[Mapping[str, Weight]],
    places: Ints,
    rules: FormulaRules,
) -> Ints:
    """Return the values of a chunk; `tables` are the weights of its days, `places` which of them rules at each T."""
    enabled = np.zeros(len(places), dtype=np.int64)
    convictions: list[Ints] = []
    weights: list[Ints] = []
    suited = {
        (timeframe, family): chunks[timeframe].suiting(family)
        for timeframe, family in {(strategy.timeframe, strategy.family) for strategy in panel}
    }
    for strategy in panel:
        chunk = chunks[strategy.timeframe]
        plain = np.array([table[strategy.name].plain for table in tables])[places]
        raised = np.array([table[strategy.name].suited for table in tables])[places]
        weight = np.where(suited[strategy.timeframe, strategy.family], raised, plain)
        enabled += weight
        weights.append(weight)
        convictions.append(chunk.held(chunk.opinions.convictions[strategy.name], 0))
    return verdict_value(convictions, weights, [s.timeframe != fastest for s in panel], enabled, rules)
