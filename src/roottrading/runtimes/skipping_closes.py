"""The last closes at a T, looked up where somebody asks: most instants need those of one symbol, or of none."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from roottrading.domain.time import Time
from roottrading.runtimes.replay import CandleReader


class Closes(Mapping[str, Decimal]):
    """The last close of every symbol by T, looked up where somebody asks."""

    __slots__ = ("_at", "_known", "_readers", "_start")

    def __init__(self, readers: Mapping[str, CandleReader], at: Time, start: Time) -> None:
        """Take the finest candles; those that opened before `start` are before the run."""
        self._readers = readers
        self._at = at
        self._start = start
        self._known: dict[str, Decimal] = {}

    def get(self, symbol: str, default: Any = None) -> Any:
        """Return a symbol's last close; several services ask for the same ones."""
        close = self._known.get(symbol)
        if close is None:
            reader = self._readers.get(symbol)
            if reader is None:
                return default
            row = reader.last_by(self._at - reader.span)
            if row < 0 or reader.open_time(row) < self._start:
                return default
            close = self._known[symbol] = reader.close(row)
        return close

    def __getitem__(self, symbol: str) -> Decimal:
        close: Decimal | None = self.get(symbol)
        if close is None:
            raise KeyError(symbol)
        return close

    def __iter__(self) -> Iterator[str]:
        return (symbol for symbol in self._readers if self.get(symbol) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
