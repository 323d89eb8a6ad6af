"""Returns by calendar month (UTC)."""

from collections.abc import Sequence

from roottrading.domain.columns import Floats, Ints
from roottrading.domain.time import Time, iso


def monthly_returns(
    times: Ints, equity: Floats, capital: float, started_at: Time, flows: Sequence[tuple[Time, float]] = ()
) -> dict[str, float]:
    """Return each month's return by "YYYY-MM": last worth over the month before's, less what was put in (`flows`).

    A mark at 00:00 UTC of a month's first day closes the month before.
    """
    ends: dict[str, float] = {}
    for time, worth in zip(times.tolist(), equity.tolist(), strict=True):
        ends[_month(max(time - 1, started_at))] = worth
    added: dict[str, float] = {}
    for time, amount in flows:
        month = _month(max(time - 1, started_at))
        added[month] = added.get(month, 0.0) + amount
    returns, before = {}, capital
    for month, worth in ends.items():
        if before > 0:
            returns[month] = (worth - added.get(month, 0.0)) / before - 1
        before = worth
    return returns


def _month(time: Time) -> str:
    return iso(time)[:7]
