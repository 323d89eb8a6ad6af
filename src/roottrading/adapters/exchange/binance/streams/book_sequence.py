"""One symbol's depth changes as a book that can be trusted, by the procedure that Binance documents."""

from typing import Final

from roottrading.adapters.exchange.binance.streams.history import BookWanted
from roottrading.adapters.exchange.binance.streams.local_book import LocalBook
from roottrading.adapters.exchange.binance.streams.observations import BookLost, BookSnapshot, DepthChange
from roottrading.domain.time import Time

_MOST_BUFFERED: Final = 10_000


class BookSequence:
    """Buffers changes until a snapshot reaches into them, then applies and passes on each one that follows.

    A hole, or a book that crosses itself, loses the book: it is begun again with a new snapshot. `again` is the pause
    in microseconds before a snapshot is asked for again.
    """

    def __init__(self, symbol: str, *, again: Time) -> None:
        """Begin without a book."""
        self.symbol = symbol
        self.book: LocalBook | None = None
        self.dropped = 0
        self._again = again
        self._buffer: list[DepthChange] = []
        self._not_before: Time = 0
        self._asking = False

    def observe(self, change: DepthChange, said_at: Time) -> tuple[BookSnapshot | DepthChange | BookLost, ...]:
        """Take a change of the stream; return it where the book follows it."""
        book = self.book
        if book is None:
            if len(self._buffer) >= _MOST_BUFFERED:
                self._buffer.clear()
            self._buffer.append(change)
            return ()
        if change.last_id <= book.last_id:
            self.dropped += 1
            return ()
        if change.first_id > book.last_id + 1:
            return (self._lose(f"updates {book.last_id + 1} to {change.first_id - 1} are missing", change),)
        book.apply(change)
        if book.crossed:
            return (self._lose(f"bid and ask cross after update {book.last_id}", None),)
        return (change,)

    def due(self, now: Time) -> BookWanted | None:
        """Return the question that is due, and take it as asked: `answer` or `failed` must follow."""
        if self.book is not None or not self._buffer or self._asking or now < self._not_before:
            return None
        self._asking = True
        return BookWanted(self.symbol)

    def answer(
        self, question: BookWanted, found: BookSnapshot, now: Time
    ) -> tuple[BookSnapshot | DepthChange | BookLost, ...]:
        """Take a snapshot; return it and the changes since. One from before the first change is of no use."""
        self._asking = False
        if self._buffer and found.last_id < self._buffer[0].first_id:
            self._not_before = now + self._again
            return ()
        book = LocalBook(found)
        if book.crossed:
            self._not_before = now + self._again
            return ()
        self.book = book
        buffered, self._buffer = self._buffer, []
        said: list[BookSnapshot | DepthChange | BookLost] = [found]
        for change in buffered:
            said += self.observe(change, now)
        return tuple(said)

    def failed(self, now: Time) -> None:
        """Take that no snapshot came; it is asked for again."""
        self._asking = False
        self._not_before = now + self._again

    def _lose(self, why: str, change: DepthChange | None) -> BookLost:
        self.book = None
        self._buffer = [] if change is None else [change]
        return BookLost(self.symbol, why)
