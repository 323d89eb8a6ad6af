"""A symbol's market as another exchange tells it: minutes of the past, and prints as they come."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from msgspec.structs import replace

from roottrading.domain.candle import Candle
from roottrading.domain.money import ZERO
from roottrading.domain.time import MINUTE, Time
from roottrading.exchange_server.market.events import AggregateTrade, MarketEvent, PublicTrade
from roottrading.exchange_server.market.klines import Kline, flat

FOREVER: Final = 2**62
_REMEMBERED: Final = 50_000  # prints and aggregates of a symbol that can be asked for, at least
_MOST_MINUTES_BACK: Final = 1_440  # how far a price is looked for where nobody traded

Print = TypeVar("Print", PublicTrade, AggregateTrade)


class MirrorSource:
    """What was heard so far; nothing comes by itself.

    A minute is `final` when the mirrored exchange has said its closed candle (or that there was none): until then it
    is folded from prints, and klines that end with it are not closed. The candle has the last word.
    """

    def __init__(self, symbol: str, minutes: Iterable[Kline], final: Time) -> None:
        """Know these minutes, all before `final`."""
        self.symbol = symbol
        self._minutes = {minute.open_time: minute for minute in minutes}
        self.start = min(self._minutes, default=final)
        self.end = FOREVER
        self.ready: Time = 0
        self.is_stale = True
        self.final = final
        self._growing: dict[Time, Kline] = {}
        self._prints: list[PublicTrade] = []
        self._joined: list[AggregateTrade] = []

    # ---- hearing

    def print(self, trade: PublicTrade) -> None:
        """Take a print; they come in the order of their ids."""
        _remember(self._prints, trade)
        opened = trade.at - trade.at % MINUTE
        if opened >= self.final:
            minute = self._growing.get(opened)
            if minute is None:
                minute = self._growing[opened] = flat(opened, opened + MINUTE, trade.price)
            minute.add(trade)

    def join(self, aggregate: AggregateTrade) -> None:
        """Take an aggregate of prints; they come in the order of their ids."""
        _remember(self._joined, aggregate)

    def close(self, candle: Candle) -> None:
        """Take a minute's closed candle; they come in order."""
        opened = candle.open_time
        folded = self._growing.pop(opened, None)
        told = (candle.open, candle.high, candle.low, candle.close, candle.volume)
        if folded is None or (folded.open, folded.high, folded.low, folded.close, folded.volume) != told:
            folded = _kline_of(candle, folded)
        self._minutes[opened] = folded
        self.final = opened + MINUTE

    def pass_over(self, opened: Time) -> None:
        """Take that there was no candle in the minute that opened then."""
        self._growing.pop(opened, None)
        self.final = opened + MINUTE

    # ---- going on: nothing happens but what is heard

    def skip_to(self, time: Time) -> Sequence[MarketEvent]:
        """Begin with what was heard."""
        return ()

    def next_at(self) -> Time | None:
        """Know of nothing to come."""
        return None

    def take(self) -> Sequence[MarketEvent]:
        """Return nothing."""
        return ()

    # ---- what is known

    def final_until(self, now: Time, span: int) -> Time:
        """Return when the first minute that is not final opens; shorter spans than that are as they were printed."""
        return now if span < MINUTE else min(now, self.final)

    def kline(self, open_time: Time, end: Time, now: Time) -> Kline | None:
        """Join the minutes of `[open_time, end)`; what is shorter than a minute is folded from prints."""
        if open_time > now:
            return None
        if open_time % MINUTE or end % MINUTE:
            return self._printed(open_time, end)
        found: Kline | None = None
        for opened in range(max(open_time, self.start), min(end, now + 1), MINUTE):
            minute = self._minutes.get(opened) or self._growing.get(opened)
            if minute is None:
                continue
            if found is None:
                found = replace(minute)
            else:
                found.join(minute)
        if found is None:
            last = self.last_price(open_time - 1)
            return flat(open_time, end, last) if last is not None and end > self.final else None
        found.open_time, found.end = open_time, end
        return found

    def last_price(self, now: Time) -> Decimal | None:
        """Return the price of the last print up to `now`, or the close of the last minute before."""
        known = bisect_right(self._prints, now, key=lambda each: each.at)
        if known:
            return self._prints[known - 1].price
        opened = now + 1 - MINUTE - (now + 1) % MINUTE
        for minute in range(opened, max(opened - _MOST_MINUTES_BACK * MINUTE, self.start) - 1, -MINUTE):
            if minute in self._minutes:
                return self._minutes[minute].close
        return None

    def trades(self, now: Time, first: int | None, limit: int) -> list[PublicTrade]:
        """Return prints by the ids that they have where they come from."""
        begin = len(self._prints) - limit if first is None else bisect_left(self._prints, first, key=_id)
        return self._prints[max(begin, 0) : max(begin, 0) + limit]

    def aggregates(
        self, now: Time, first: int | None, start: Time | None, end: Time | None, limit: int
    ) -> list[AggregateTrade]:
        """Return aggregates by the ids that they have where they come from."""
        known = len(self._joined) if end is None else bisect_right(self._joined, end, key=_at)
        if first is not None:
            begin = bisect_left(self._joined, first, key=_id)
        elif start is not None:
            begin = bisect_left(self._joined, start, key=_at)
        else:
            begin = max(known - limit, 0)
        return self._joined[begin : min(begin + limit, known)]

    def _printed(self, open_time: Time, end: Time) -> Kline | None:
        """Fold the prints of a span; one without any is flat at the price before it."""
        first = bisect_left(self._prints, open_time, key=_at)
        last = bisect_left(self._prints, end, key=_at)
        before = self.last_price(open_time - 1)
        if first == last:
            return None if before is None else flat(open_time, end, before)
        kline = flat(open_time, end, self._prints[first].price)
        for trade in self._prints[first:last]:
            kline.add(trade)
        return kline


def _kline_of(candle: Candle, folded: Kline | None) -> Kline:
    """Return the minute as its candle says it; what a candle does not say is as far as prints of it were heard."""
    kline = Kline(candle.open_time, candle.at, candle.open, candle.high, candle.low, candle.close, candle.volume)
    if folded is not None and folded.trades:
        kline.quote_volume, kline.trades = folded.quote_volume, folded.trades
        kline.taker_base, kline.taker_quote = folded.taker_base, folded.taker_quote
        kline.first_trade, kline.last_trade = folded.first_trade, folded.last_trade
    elif candle.volume > ZERO:
        kline.quote_volume, kline.trades = candle.volume * candle.close, 1
    return kline


def _remember(known: list[Print], new: Print) -> None:
    known.append(new)
    if len(known) >= 2 * _REMEMBERED:
        del known[:_REMEMBERED]


def _id(print_: PublicTrade | AggregateTrade) -> int:
    return print_.id


def _at(print_: PublicTrade | AggregateTrade) -> Time:
    return print_.at
