"""One verdict: the opinions that stand at T, weighed (trading-rules 3.2 and 3.3)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from roottrading.domain.ids import verdict_id
from roottrading.domain.time import duration
from roottrading.messages.signals import AggregatedSignal, SignalBatch, Vote
from roottrading.services.signal_aggregator.formula import MICRO, FormulaRules, decimal_of, micro, verdict_value
from roottrading.services.signal_aggregator.state import VerdictRow, VerdictVote
from roottrading.services.signal_aggregator.voting import VotingStrategy, Weight, suits


class Reported(NamedTuple):
    """The batch of a timeframe as of T, and whether it is that of its last candle due by T."""

    batch: SignalBatch
    up_to_date: bool


class Weighing(Struct, frozen=True):
    """The weights that rule a verdict, and whether they are the ones there should be."""

    weights: Mapping[str, Weight]
    complete: bool


def judge(
    strategies: Sequence[VotingStrategy],
    batch: SignalBatch,
    reported: Mapping[str, Reported],
    weighing: Weighing,
    rules: FormulaRules,
) -> AggregatedSignal:
    """Return the verdict at the T of `batch`, the fastest timeframe's; `reported` holds what each timeframe said.

    Every opinion that has been reported is a vote, neutral ones too (their rows serve `manage`). Raises ValueError for
    a conviction out of bounds, naming its strategy.
    """
    votes: list[Vote] = []
    convictions: list[int] = []
    weights: list[int] = []
    slower: list[bool] = []
    enabled = 0
    opinions = {
        timeframe: {opinion.strategy: opinion for opinion in given.batch.opinions}
        for timeframe, given in reported.items()
    }
    complete = weighing.complete and batch.close is not None
    for strategy in strategies:
        timeframe = strategy.timeframe
        weight = weighing.weights[strategy.name]
        given = reported.get(timeframe)
        if given is None:
            complete = False
            enabled += weight.plain
            continue
        complete = complete and given.up_to_date
        units = weight.suited if suits(given.batch.regime, strategy.family) else weight.plain
        enabled += units
        opinion = opinions[timeframe].get(strategy.name)
        if opinion is not None:
            votes.append(Vote(timeframe, decimal_of(units), opinion, given.batch.atr))
            convictions.append(_conviction(batch, strategy.name, opinion.conviction))
            weights.append(units)
            slower.append(timeframe != batch.timeframe)
    value = verdict_value(convictions, weights, slower, enabled, rules)
    return AggregatedSignal(
        batch.symbol,
        batch.timeframe,
        batch.at,
        decimal_of(value),
        complete,
        batch.close,
        batch.high,
        batch.low,
        tuple(votes),
        _strongest(value, votes, convictions, weights),
        batch.at + duration(batch.timeframe),
        batch.quote_volume,
        batch.day_quote_volume,
        batch.regime,
        any(given.batch.late and given.batch.at == batch.at for given in reported.values()),
    )


def row_of(verdict: AggregatedSignal) -> VerdictRow:
    """Return the verdict as a row, with the opinions that made it."""
    votes = tuple(
        VerdictVote(vote.opinion.strategy, vote.timeframe, vote.opinion.conviction, vote.weight, vote.opinion.signal_id)
        for vote in verdict.votes
        if vote.opinion.conviction
    )
    return VerdictRow(
        verdict_id(verdict.symbol, verdict.at),
        verdict.symbol,
        verdict.timeframe,
        "BUY" if verdict.value > 0 else "SELL",
        abs(verdict.value),
        verdict.at,
        verdict.value,
        verdict.complete,
        verdict.late,
        votes,
    )


def _conviction(batch: SignalBatch, strategy: str, conviction: Decimal) -> int:
    units = micro(conviction)
    if not -MICRO <= units <= MICRO:
        raise ValueError(
            f"{batch.symbol} {strategy}: conviction {conviction} at T = {batch.at} us; it must be within -1 and 1"
        )
    return units


def _strongest(value: int, votes: Sequence[Vote], convictions: Sequence[int], weights: Sequence[int]) -> int:
    """Return the index of the strongest vote in the verdict's direction; ties go to the smallest id, as text."""
    candidates = [
        (-weight * abs(conviction), str(votes[index].opinion.signal_id), index)
        for index, (conviction, weight) in enumerate(zip(convictions, weights, strict=True))
        if conviction * value > 0
    ]
    return min(candidates)[2] if candidates else -1
