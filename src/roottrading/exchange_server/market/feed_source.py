"""A symbol's market out of a recorded feed: its very trades, changes of the book and best quotes."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from roottrading.domain.money import ZERO
from roottrading.domain.time import MINUTE, Time
from roottrading.exchange_server.market.events import (
    AggregateTrade,
    BestChanged,
    BookChanged,
    BookLoaded,
    MarketEvent,
    PublicTrade,
    Traded,
)
from roottrading.exchange_server.market.feed_file import Recorded
from roottrading.exchange_server.market.klines import Kline, flat

_REMEMBERED: Final = 2_048  # klines in the making


class FeedSource:
    """Plays a recording; trade and update ids are those of the recording."""

    def __init__(self, recorded: Recorded) -> None:
        """Stand before the first event."""
        self.symbol = recorded.symbol
        self._trades = [event for _, event in recorded.events if isinstance(event, PublicTrade)]
        self._times = [trade.at for trade in self._trades]
        self._aggregates, ends = _aggregated(self._trades)
        self._aggregate_times = [aggregate.at for aggregate in self._aggregates]
        self._events = [self._market_event(event, ends) for _, event in recorded.events]
        self._at = [at for at, _ in recorded.events]
        self._next = 0
        self._growing: dict[tuple[Time, Time], tuple[Kline, int]] = {}
        self.start = self._at[0]
        self.end = self._at[-1] + 1
        books = [at for at, event in recorded.events if isinstance(event, BookLoaded)]
        self.ready = books[0] + 1 if books else self.start
        self.is_stale = False

    def _market_event(self, event: object, ends: dict[int, AggregateTrade]) -> MarketEvent:
        if isinstance(event, PublicTrade):
            return Traded(self.symbol, event.at, event, ends.get(event.id))
        assert isinstance(event, BookChanged | BestChanged | BookLoaded)
        return event

    # ---- going on

    def skip_to(self, time: Time) -> Sequence[MarketEvent]:
        """Begin at `time`; what the book became until then is handed over as it was recorded."""
        last = bisect_left(self._at, time)
        passed = [event for event in self._events[self._next : last] if not isinstance(event, Traded)]
        self._next = max(self._next, last)
        return passed

    def next_at(self) -> Time | None:
        """Return when something happens next, None at the end."""
        return self._at[self._next] if self._next < len(self._at) else None

    def take(self) -> Sequence[MarketEvent]:
        """Return the next event."""
        self._next += 1
        return (self._events[self._next - 1],)

    # ---- what is known

    def final_until(self, now: Time, span: int) -> Time:
        """Return `now`: a recording is whole."""
        return now

    def kline(self, open_time: Time, end: Time, now: Time) -> Kline | None:
        """Fold the prints of `[open_time, end)`; a span without any is flat at the price before it."""
        if open_time > now or not self._trades:
            return None
        known = bisect_right(self._times, min(end - 1, now))
        kept = self._growing.get((open_time, end))
        if kept is None or kept[1] > known:
            first = bisect_left(self._times, open_time)
            if first >= known:
                last = self.last_price(open_time - 1)
                beyond = open_time >= self.end - self.end % -MINUTE
                return None if last is None or beyond else flat(open_time, end, last)
            price = self._trades[first].price
            kept = (Kline(open_time, end, price, price, price, price), first)
        kline, following = kept
        for trade in self._trades[following:known]:
            kline.add(trade)
        if len(self._growing) >= _REMEMBERED:
            self._growing.clear()
        self._growing[open_time, end] = (kline, known)
        return replace(kline)

    def last_price(self, now: Time) -> Decimal | None:
        """Return the price of the last print up to `now`."""
        known = bisect_right(self._times, now)
        return self._trades[known - 1].price if known else None

    def trades(self, now: Time, first: int | None, limit: int) -> list[PublicTrade]:
        """Return prints by their recorded ids."""
        known = bisect_right(self._times, now)
        begin = known - limit if first is None else bisect_left(self._trades, first, key=lambda trade: trade.id)
        begin = max(begin, 0)
        return self._trades[begin : min(begin + limit, known)]

    def aggregates(
        self, now: Time, first: int | None, start: Time | None, end: Time | None, limit: int
    ) -> list[AggregateTrade]:
        """Return aggregates; their ids count from 1, since a feed of prints does not tell Binance's."""
        known = bisect_right(self._aggregate_times, now if end is None else min(end, now))
        if first is not None:
            begin = max(first - 1, 0)
        elif start is not None:
            begin = bisect_left(self._aggregate_times, start)
        else:
            begin = max(known - limit, 0)
        return self._aggregates[begin : min(begin + limit, known)]


def _aggregated(trades: Sequence[PublicTrade]) -> tuple[list[AggregateTrade], dict[int, AggregateTrade]]:
    """Join neighboring prints of one instant, price and side; also by the id of each one's last print."""
    found: list[AggregateTrade] = []
    ends: dict[int, AggregateTrade] = {}
    place = 0
    while place < len(trades):
        first = trades[place]
        quantity = ZERO
        while place < len(trades) and _alike(trades[place], first):
            quantity += trades[place].quantity
            place += 1
        last = trades[place - 1]
        joined = AggregateTrade(
            len(found) + 1, first.price, quantity, first.id, last.id, first.at, first.buyer_is_maker
        )
        found.append(joined)
        ends[last.id] = joined
    return found, ends


def _alike(trade: PublicTrade, first: PublicTrade) -> bool:
    return (trade.at, trade.price, trade.buyer_is_maker) == (first.at, first.price, first.buyer_is_maker)
