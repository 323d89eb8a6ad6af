"""Who may vote, and with what weight: shared votes, the market's regime, and which day's weights are in force."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.money import ONE
from roottrading.domain.time import HOUR, Time, duration, start_of_day
from roottrading.services.signal_aggregator.formula import MICRO, FormulaRules, micro, rounded
from roottrading.services.signal_aggregator.settings import AggregatorSettings
from roottrading.services.signal_aggregator.state import WeightsOfDay

SUITS: Final[Mapping[str, frozenset[str]]] = {
    "trend": frozenset({"trend", "breakout"}),
    "range": frozenset({"reversion"}),
}  # regime -> the families whose weight it raises; other regimes raise none


class VotingStrategy(Struct, frozen=True):
    """An enabled strategy; `weight` is the user's own factor (`config:strategies`), no `symbols` means all."""

    name: str
    timeframe: str
    family: str
    weight: Decimal = ONE
    symbols: tuple[str, ...] = ()


class Weight(Struct, frozen=True, gc=False):
    """A strategy's weight in units of 1e-6: as it is, and in a regime that suits its family."""

    plain: int
    suited: int


class Weighing(Struct, frozen=True):
    """The weights that rule a verdict, and whether they are the ones there should be.

    `by_regime` maps a regime to every strategy's weight in it, in units of 1e-6; regimes that suit nobody have none.
    """

    plain: Mapping[str, int]
    by_regime: Mapping[str, Mapping[str, int]]
    complete: bool


def check_plan(plan: Sequence[VotingStrategy], fastest: str) -> None:
    """Raise ValueError unless the plan can vote: names once, no timeframe faster than `fastest`, weights sane."""
    if not plan:
        raise ValueError("no strategy is enabled: enable at least one")
    seen: set[str] = set()
    for strategy in plan:
        if strategy.name in seen:
            raise ValueError(f"strategy {strategy.name!r} is enabled twice: give the second one a name of its own")
        seen.add(strategy.name)
        if duration(strategy.timeframe) % duration(fastest):
            raise ValueError(
                f"strategy {strategy.name!r} runs on {strategy.timeframe}, no multiple of the fastest, {fastest}"
            )
        if micro(strategy.weight) < 0:
            raise ValueError(f"strategy {strategy.name!r} has weight {strategy.weight}: it must be 0 or more")


def panel_of(plan: Sequence[VotingStrategy], symbol: str) -> tuple[VotingStrategy, ...]:
    """Return the strategies that vote on a symbol, by name: the order in which they were enabled says nothing."""
    return tuple(sorted((s for s in plan if not s.symbols or symbol in s.symbols), key=lambda s: s.name))


def rules_of(settings: AggregatorSettings) -> FormulaRules:
    """Return the formula's settings in units of 1e-6."""
    return FormulaRules(
        micro(settings.disagreement),
        micro(settings.quorum),
        micro(settings.conflict_strength),
        micro(settings.conflict_factor),
    )


def suits(regime: str, family: str) -> bool:
    """Say whether a family does well in a regime."""
    return family in SUITS.get(regime, ())


def weights_in(
    plan: Sequence[VotingStrategy], learned: WeightsOfDay | None, settings: AggregatorSettings
) -> dict[str, Weight]:
    """Return every strategy's weight: learned (or that of equals, 1/N), times the user's, shared within its group.

    A strategy that the learned weights do not know yet weighs what equals do: that is its prior (trading-rules 3.7).
    """
    equal = rounded(MICRO, len(plan))
    known: Mapping[str, Decimal] = learned.weights if learned is not None else {}
    names = {strategy.name for strategy in plan}
    sharing = {
        name: sum(member in names for member in group)
        for group in (learned.groups if learned is not None else ())
        for name in group
    }
    factor = micro(settings.regime_factor)
    found: dict[str, Weight] = {}
    for strategy in plan:
        own = micro(known[strategy.name]) if strategy.name in known else equal
        plain = rounded(own * micro(strategy.weight), MICRO * sharing.get(strategy.name, 1))
        found[strategy.name] = Weight(plain, rounded(plain * factor, MICRO))
    return found


def weighing_of(plan: Sequence[VotingStrategy], weights: Mapping[str, Weight], *, complete: bool) -> Weighing:
    """Return the weights as they are looked up for a verdict."""
    by_regime = {
        regime: {s.name: weights[s.name].suited if suits(regime, s.family) else weights[s.name].plain for s in plan}
        for regime in SUITS
    }
    return Weighing({s.name: weights[s.name].plain for s in plan}, by_regime, complete)


def day_in_force(at: Time) -> Time:
    """Return the day whose weights rule a verdict at T: those of a day rule from after its 01:00 UTC on."""
    return start_of_day(at - HOUR - 1)


def weights_in_force(day: Time, kept: Iterable[WeightsOfDay]) -> tuple[WeightsOfDay | None, bool]:
    """Return the weights for verdicts that `day` rules, and whether they are the ones there should be.

    Before the first ones ever: None, equal weights. Where the day's are missing: the last before them, and False - the
    verdict is incomplete (trading-rules 3.8).
    """
    found: WeightsOfDay | None = None
    since: Time | None = None
    for weights in kept:
        since = weights.since
        if weights.day <= day and (found is None or weights.day > found.day):
            found = weights
    if since is None or day < since:
        return None, True
    return found, found is not None and found.day == day
