"""What the exchange says that we do not know - fields, filters, words, codes - counted, and logged once each."""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Final

_LOG: Final = logging.getLogger(__name__)
_MOST: Final = 2_000  # kinds of strangers that are told apart; what comes then is counted together
_LONGEST: Final = 80


class Strangers:
    """Counts strangers by where they stood and what they were called."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def note(self, where: str, what: object) -> None:
        """Count a stranger; the first of its kind is logged."""
        key = (where, str(what)[:_LONGEST])
        if key not in self.counts:
            if len(self.counts) >= _MOST:
                key = (where, "others")
            if key not in self.counts:
                _LOG.warning("the exchange said something new in %s: %r (counted, and logged once)", *key)
        self.counts[key] += 1

    def note_fields(self, where: str, told: Iterable[object], known: frozenset[str]) -> None:
        """Count the fields that are not known there."""
        for name in told:
            if name not in known:
                self.note(where, name)

    @property
    def total(self) -> int:
        """How many were met in all."""
        return self.counts.total()
