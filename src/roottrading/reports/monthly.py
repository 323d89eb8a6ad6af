"""Returns by calendar month (UTC)."""

from collections.abc import Iterator, Sequence

import numpy as np

from roottrading.domain.columns import Floats, Ints
from roottrading.domain.time import Time, iso, parse_time


def monthly_returns(
    times: Ints, equity: Floats, capital: float, span: tuple[Time, Time], added: Sequence[tuple[Time, float]] = ()
) -> dict[str, float]:
    """Return each month's return by "YYYY-MM": its last worth over that of the month before, less what was `added`.

    What stands at 00:00 UTC of a month's first day closes the month before.
    """
    returns, before, begun = {}, capital, span[0] - 1
    for month, ended in _months(*span):
        row = int(np.searchsorted(times, ended, side="right")) - 1
        worth = float(equity[row]) if row >= 0 else capital
        flow = sum(amount for time, amount in added if begun < time <= ended)
        if before > 0:
            returns[month] = (worth - flow) / before - 1
        before, begun = worth, ended
    return returns


def _months(first: Time, last: Time) -> Iterator[tuple[str, Time]]:
    """Yield each month of the span with the instant at which it ends."""
    begins = first
    while True:
        month = iso(begins)[:7]
        year, number = int(month[:4]), int(month[5:])
        ends = parse_time(f"{year + number // 12}-{number % 12 + 1:02}-01")
        yield month, min(ends, last)
        if ends >= last:
            return
        begins = ends
