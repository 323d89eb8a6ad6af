"""Books in a recording: changes are held back until the snapshot that they follow is there, and so again after a gap.

So whoever reads the recording finds a snapshot before the changes that go beyond it, always.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.history.recording.sequences import DEPTH, News

MOST_HELD: Final = 20_000  # changes; about half an hour of them: a REST that is silent for longer loses the oldest
SNAPSHOT: Final = "depth.snapshot"  # our name for it: snapshots come over REST and have no stream


class Held(Struct):
    """A change of a book, as it came."""

    came_at: int
    first: int
    last: int
    frame: bytes


class Book:
    """One symbol's changes: passed on while they follow each other, held back while a snapshot is wanted."""

    def __init__(self, symbol: str) -> None:
        """Want a snapshot as soon as there is a change."""
        self.symbol = symbol
        self.wants_snapshot = True
        self._held: list[Held] = []

    @property
    def waits(self) -> bool:
        """Whether changes wait for a snapshot."""
        return self.wants_snapshot and bool(self._held)

    def change(self, news: News, came_at: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Take a change; return the lines to write now."""
        if news.missing:
            self.wants_snapshot = True
            self._held.clear()
        if not self.wants_snapshot:
            return [(came_at, frame)]
        self._held.append(Held(came_at, news.first, news.number, frame))
        del self._held[:-MOST_HELD]
        return []

    def snapshot(self, came_at: int, told: Any) -> list[tuple[int, bytes]]:
        """Take a snapshot; return the lines to write now: none where it is too old for the changes held."""
        update = told.get("lastUpdateId") if isinstance(told, dict) else None
        if not self._held or not isinstance(update, int) or update + 1 < self._held[0].first:
            return []
        stream = f"{self.symbol.lower()}@{SNAPSHOT}"
        lines = [(came_at, msgspec.json.encode({"stream": stream, "data": told}))]
        lines += [(each.came_at, each.frame) for each in self._held]
        self._held.clear()
        self.wants_snapshot = False
        return lines


def streams_of(symbol: str) -> list[str]:
    """Return the streams that are recorded of a symbol."""
    return [f"{symbol.lower()}@{kind}" for kind in ("trade", "aggTrade", "bookTicker", DEPTH, "kline_1m")]
