"""One verdict: the opinions that stand at T, weighed (trading-rules 3.2 and 3.3)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from roottrading.domain.ids import verdict_id
from roottrading.domain.time import duration
from roottrading.messages.signals import AggregatedSignal, Opinion, SignalBatch, Vote
from roottrading.services.signal_aggregator.formula import MICRO, FormulaRules, decimal_of, micro, verdict_value
from roottrading.services.signal_aggregator.state import VerdictRow, VerdictVote
from roottrading.services.signal_aggregator.voting import VotingStrategy, Weighing


class Reported(NamedTuple):
    """The batch of a timeframe as of T, and whether it is that of its last candle due by T."""

    batch: SignalBatch
    up_to_date: bool


def judge(
    strategies: Sequence[VotingStrategy],
    batch: SignalBatch,
    slower: Mapping[str, Reported | None],
    weighing: Weighing,
    rules: FormulaRules,
) -> AggregatedSignal:
    """Return the verdict at the T of `batch`, the fastest timeframe's.

    `slower` holds what the other timeframes said, None where that is nothing yet.

    Every opinion that has been reported is a vote, neutral ones too (their rows serve `manage`). Raises ValueError for
    a conviction out of bounds, naming its strategy.
    """
    complete = weighing.complete and batch.close is not None
    late = batch.late
    views = {batch.timeframe: _view(batch, weighing)}
    for timeframe, found in slower.items():
        if found is None:
            complete = False
            continue
        complete = complete and found.up_to_date
        late = late or (found.batch.late and found.batch.at == batch.at)
        views[timeframe] = _view(found.batch, weighing)
    votes: list[Vote] = []
    opinions: list[_Opinion] = []
    enabled = 0
    for strategy in strategies:
        name, timeframe = strategy.name, strategy.timeframe
        view = views.get(timeframe)
        if view is None:
            enabled += weighing.plain[name]
            continue
        weight = view.weights[name]
        enabled += weight
        opinion = view.opinions.get(name)
        if opinion is None:
            continue
        if opinion.conviction:
            conviction = _conviction(batch, opinion)
            opinions.append(_Opinion(len(votes), conviction, weight, timeframe != batch.timeframe))
        votes.append(Vote(timeframe, decimal_of(weight), opinion, view.atr))
    value = _value(opinions, enabled, rules)
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
        _strongest(value, opinions, votes),
        batch.at + duration(batch.timeframe),
        batch.quote_volume,
        batch.day_quote_volume,
        batch.regime,
        late,
    )


class _View(NamedTuple):
    opinions: Mapping[str, Opinion]
    weights: Mapping[str, int]
    atr: Decimal | None


class _Opinion(NamedTuple):
    vote: int  # its index among the votes
    conviction: int
    weight: int
    is_slower: bool


def _view(batch: SignalBatch, weighing: Weighing) -> _View:
    opinions = {opinion.strategy: opinion for opinion in batch.opinions}
    return _View(opinions, weighing.by_regime.get(batch.regime, weighing.plain), batch.atr)


def _value(opinions: Sequence[_Opinion], enabled: int, rules: FormulaRules) -> int:
    if len(opinions) == 1 and opinions[0].weight == enabled > 0:
        return opinions[0].conviction  # one strategy alone is its own verdict: a law of the formula
    return verdict_value(
        [opinion.conviction for opinion in opinions],
        [opinion.weight for opinion in opinions],
        [opinion.is_slower for opinion in opinions],
        enabled,
        rules,
    )


def _strongest(value: int, opinions: Sequence[_Opinion], votes: Sequence[Vote]) -> int:
    """Return the index of the strongest vote in the verdict's direction; ties go to the smallest id, as text."""
    candidates = [
        (-opinion.weight * abs(opinion.conviction), str(votes[opinion.vote].opinion.signal_id), opinion.vote)
        for opinion in opinions
        if opinion.conviction * value > 0
    ]
    return min(candidates)[2] if candidates else -1


def _conviction(batch: SignalBatch, opinion: Opinion) -> int:
    units = micro(opinion.conviction)
    if not -MICRO <= units <= MICRO:
        raise ValueError(
            f"{batch.symbol} {opinion.strategy}: conviction {opinion.conviction} at T = {batch.at} us; "
            "it must be within -1 and 1"
        )
    return units


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
