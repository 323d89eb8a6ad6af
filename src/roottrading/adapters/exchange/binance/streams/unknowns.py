"""What came and was not understood: survived, counted, and logged once of each sort."""

import logging
from collections import Counter
from typing import Final

_MOST_SORTS: Final = 1_000  # a peer that invents names must not fill our memory

logger = logging.getLogger("roottrading.binance.streams")


class Unknowns:
    """Counts by sort, such as "field z of aggregate_trades"; the first of each sort is a line in the log."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, sort: str, detail: str = "") -> None:
        """Count one; sorts beyond the first thousand count as "other"."""
        if sort not in self.counts:
            if len(self.counts) >= _MOST_SORTS:
                sort = "other"
            if sort not in self.counts:
                logger.warning("not understood: %s%s", sort, f": {detail[:300]}" if detail else "")
        self.counts[sort] += 1
