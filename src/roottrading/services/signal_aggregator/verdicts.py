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
    fastest = batch.timeframe
    views = {fastest: _view(batch, weighing)}
    for timeframe, found in slower.items():
        if found is None:
            complete = False
            continue
        complete = complete and found.up_to_date
        late = late or (found.batch.late and found.batch.at == batch.at)
        views[timeframe] = _view(found.batch, weighing)
    votes: list[Vote] = []
    says: list[_Say] = []
    enabled = 0
    for strategy in strategies:
        name, timeframe = strategy.name, strategy.timeframe
        view = views.get(timeframe)
        if view is None:
            enabled += weighing.plain[name]
            continue
        opinions, weights, atr = view
        weight = weights[name]
        enabled += weight
        opinion = opinions.get(name)
        if opinion is None:
            continue
        if opinion.conviction:
            says.append((len(votes), _conviction(batch, opinion), weight, timeframe != fastest))
        votes.append(Vote(timeframe, decimal_of(weight), opinion, atr))
    value = _value(says, enabled, rules)
    return AggregatedSignal(
        batch.symbol,
        fastest,
        batch.at,
        decimal_of(value),
        complete,
        batch.close,
        batch.high,
        batch.low,
        tuple(votes),
        _strongest(value, says, votes),
        batch.at + duration(fastest),
        batch.quote_volume,
        batch.day_quote_volume,
        batch.regime,
        late,
    )


# Plain tuples: two of them are made for every verdict.
_View = tuple[Mapping[str, Opinion], Mapping[str, int], Decimal | None]  # opinions and weights by strategy; the ATR
_Say = tuple[
    int, int, int, bool
]  # an opinion's index among the votes, its conviction, its weight, whether it is slower


def _view(batch: SignalBatch, weighing: Weighing) -> _View:
    opinions = {opinion.strategy: opinion for opinion in batch.opinions}
    return opinions, weighing.by_regime.get(batch.regime, weighing.plain), batch.atr


def _value(says: Sequence[_Say], enabled: int, rules: FormulaRules) -> int:
    if len(says) == 1:
        _, conviction, weight, _ = says[0]
        if weight == enabled > 0:
            return conviction  # one strategy alone is its own verdict: a law of the formula
    return verdict_value(
        [conviction for _, conviction, _, _ in says],
        [weight for _, _, weight, _ in says],
        [is_slower for _, _, _, is_slower in says],
        enabled,
        rules,
    )


def _strongest(value: int, says: Sequence[_Say], votes: Sequence[Vote]) -> int:
    """Return the index of the strongest vote in the verdict's direction; ties go to the smallest id, as text."""
    strongest, most = -1, -1
    for vote, conviction, weight, _ in says:
        if conviction * value > 0:
            strength = weight * abs(conviction)
            if strength > most or (strength == most and _id(votes[vote]) < _id(votes[strongest])):
                strongest, most = vote, strength
    return strongest


def _id(vote: Vote) -> str:
    return str(vote.opinion.signal_id)


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
    value = verdict.value
    votes = []
    for vote in verdict.votes:
        opinion = vote.opinion
        if opinion.conviction:
            votes.append(
                VerdictVote(opinion.strategy, vote.timeframe, opinion.conviction, vote.weight, opinion.signal_id)
            )
    return VerdictRow(
        verdict_id(verdict.symbol, verdict.at),
        verdict.symbol,
        verdict.timeframe,
        "BUY" if value > 0 else "SELL",
        abs(value),
        verdict.at,
        value,
        verdict.complete,
        verdict.late,
        tuple(votes),
    )
