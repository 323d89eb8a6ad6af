"""A walk-forward as a table of Markdown, for a terminal and for documents alike."""

from collections.abc import Iterator

from roottrading.reports import ratios
from roottrading.reports.wording import NONE, day, number, percent
from roottrading.research.walk_forward import EQUAL, HOLDING, Contender, WalkForward


def lines(found: WalkForward) -> Iterator[str]:
    """Yield the table, and what belongs beside it for the table to be honest."""
    yield "| | return | Sharpe | worst fall | cycles | windows won against equal |"
    yield "|---|---:|---:|---:|---:|---:|"
    for contender in found.contenders:
        yield _row(found, contender)
    windows = len(found.bounds) - 2
    yield ""
    yield (
        f"{day(found.bounds[1])} to {day(found.bounds[-1])} in {windows} window{'s' if windows > 1 else ''}; learned "
        f"from {day(found.bounds[0])} on."
    )
    ranked = sorted(found.singles, key=lambda single: (-single.equity[-1], single.name))
    gained = sum(single.equity[-1] > 1 for single in ranked)
    yield (
        f"Of {len(ranked)} strategies by themselves {gained} gained; the best in hindsight was {ranked[0].name} "
        f"({_gain(ranked[0])}), the median made {_gain(ranked[len(ranked) // 2])}."
    )
    yield f"Chosen by the window before: {', '.join(found.chosen)}."


def _row(found: WalkForward, contender: Contender) -> str:
    equity = contender.equity
    daily = equity[1:] / equity[:-1] - 1
    fall = ratios.drawdown_of(found.days, equity).depth
    equal = next(found.returns(each) for each in found.contenders if each.name == EQUAL)
    won = sum(own > other for own, other in zip(found.returns(contender), equal, strict=True))
    cycles = NONE if contender.name == HOLDING else str(contender.cycles)
    against = NONE if contender.name == EQUAL else f"{won} of {len(equal)}"
    return (
        f"| {contender.name} | {_gain(contender)} | {number(ratios.sharpe(daily))} | {percent(fall)} | {cycles} | "
        f"{against} |"
    )


def _gain(contender: Contender) -> str:
    return percent(float(contender.equity[-1]) - 1, sign=True)
