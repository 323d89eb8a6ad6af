"""Percentiles of ways, as lines for a person."""

from collections.abc import Iterator, Sequence
from typing import Final

from roottrading.operations.latency.hops import HOPS, Way

_MILLION: Final = 1e6  # nanoseconds in a millisecond
SHARES: Final = (0.5, 0.95, 0.99)


def percentile(values: Sequence[int], share: float) -> int:
    """Return the smallest value that at least this share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 1_000) // 1_000)
    return ordered[max(rank, 1) - 1]


def report(ways: Sequence[Way]) -> Iterator[str]:
    """Yield the lines; times in milliseconds. `ways` must not be empty."""
    totals = [way.total for way in ways]
    yield f"{'market frame to the order answered, ms':<40} {'p50':>8} {'p95':>8} {'p99':>8} {'share':>7}"
    yield _line("all of it", totals, "")
    asked = [way.total - way.hops[-1] for way in ways]
    yield _line("until the order leaves the trader", asked, "")
    whole = sum(totals)
    for number, name in enumerate(HOPS):
        took = [way.hops[number] for way in ways]
        yield _line(f"  {name}", took, f"{100 * sum(took) / whole:.0f} %")


def _line(name: str, values: Sequence[int], share: str) -> str:
    shown = " ".join(f"{percentile(values, each) / _MILLION:>8.2f}" for each in SHARES)
    return f"{name:<40} {shown} {share:>7}"
