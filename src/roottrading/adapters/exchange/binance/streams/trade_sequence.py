"""One symbol's public trades in the order of their ids and without holes."""

from collections.abc import Sequence
from typing import Final

from roottrading.adapters.exchange.binance.streams.history import TRADES_A_QUESTION, TradesWanted
from roottrading.adapters.exchange.binance.streams.observations import PublicTrade, TradesLost
from roottrading.domain.time import Time

_NONE_YET: Final = -1
_MOST_HELD: Final = 10_000


class TradeSequence:
    """Passes each print on once and in order; what the stream left out is asked for before anything newer.

    A hole of more than `most_refetched` prints is not filled: it is said to be lost. `again` is the pause in
    microseconds before a question is repeated.
    """

    def __init__(
        self, symbol: str, aggregate: bool, *, most_refetched: int, again: Time, first: int | None = None
    ) -> None:
        """Begin with the print whose id is `first`; with the first one that is heard where that is None."""
        self.symbol = symbol
        self.aggregate = aggregate
        self.next = _NONE_YET if first is None else first
        self.dropped = 0
        self._most_refetched = most_refetched
        self._again = again
        self._held: dict[int, PublicTrade] = {}
        self._not_before: Time = 0
        self._asking = False

    def observe(self, trade: PublicTrade, said_at: Time) -> tuple[PublicTrade | TradesLost, ...]:
        """Take a print of the stream; return what may be passed on now."""
        trade_id = trade.trade_id
        if self.next == _NONE_YET:
            self.next = trade_id
        if trade_id == self.next:
            self.next += 1
            return (trade, *self._go_on()) if self._held else (trade,)
        if trade_id > self.next and trade_id not in self._held and len(self._held) < _MOST_HELD:
            self._held[trade_id] = trade  # later ones than can be held are asked for again
            return tuple(self._go_on()) if len(self._held) == 1 else ()
        self.dropped += 1
        return ()

    def due(self, now: Time) -> TradesWanted | None:
        """Return the question that is due, and take it as asked: `answer` or `failed` must follow."""
        if not self._held or self._asking or now < self._not_before:
            return None
        self._asking = True
        last = min(*self._held, self.next + TRADES_A_QUESTION) - 1
        return TradesWanted(self.symbol, self.aggregate, self.next, last)

    def answer(
        self, question: TradesWanted, found: Sequence[PublicTrade], now: Time
    ) -> tuple[PublicTrade | TradesLost, ...]:
        """Take the history's prints; ids without one are lost for good."""
        self._asking = False
        trades = {each.trade_id: each for each in found if self.next <= each.trade_id <= question.last}
        for trade_id in [each for each in self._held if each <= question.last]:
            trades[trade_id] = self._held.pop(trade_id)
        said: list[PublicTrade | TradesLost] = []
        for trade_id in sorted(trades):
            if trade_id > self.next:
                said.append(self._lose_before(trade_id))
            said.append(trades[trade_id])
            self.next += 1
        if self.next <= question.last:
            said.append(self._lose_before(question.last + 1))
        return (*said, *self._go_on())

    def failed(self, now: Time) -> None:
        """Take that the history gave no answer; the question is asked again."""
        self._asking = False
        self._not_before = now + self._again

    def _lose_before(self, trade_id: int) -> TradesLost:
        lost = TradesLost(self.symbol, self.aggregate, self.next, trade_id - 1)
        self.next = trade_id
        return lost

    def _go_on(self) -> list[PublicTrade | TradesLost]:
        """Step over the held prints that follow, and over holes that are too large to be filled."""
        passed: list[PublicTrade | TradesLost] = []
        while self._held:
            trade = self._held.pop(self.next, None)
            if trade is not None:
                passed.append(trade)
                self.next += 1
            elif (following := min(self._held)) - self.next > self._most_refetched:
                passed.append(self._lose_before(following))
            else:
                break
        return passed
