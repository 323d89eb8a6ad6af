"""A symbol's market out of a tape of candles, each spread over its span."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec.structs import replace

from roottrading.domain.columns import Candles
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.exchange_server.market.events import (
    AggregateTrade,
    BestChanged,
    BookChanged,
    BookLoaded,
    CandleBegan,
    CandleEnded,
    Level,
    MarketEvent,
    PublicTrade,
    Quoted,
    Traded,
)
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.market.spread import POINTS, partial, point_times, prints, spread
from roottrading.exchange_server.market.tick_prices import TickPrices
from roottrading.runtimes.replay import CandleReader

_REMEMBERED: Final = 64  # folds in the making
_ENDS: Final = POINTS  # the place after a candle's points: its end


class CandleSource:
    """Reads the tape a point at a time; what is asked of the past comes from the columns."""

    def __init__(self, candles: Candles, ticks: TickPrices) -> None:
        """Stand before the first candle; `ticks` says what the book around a price looks like."""
        self.symbol = candles.symbol
        self.reader = CandleReader(candles)
        self._ticks = ticks
        self._times = candles.open_time
        self._candles = candles
        self.start = int(self._times[0])
        self.end = int(self._times[-1]) + self.reader.span
        self._traded = np.concatenate(([0], np.cumsum(candles.volume > 0)))  # candles with prints before each row
        self.ready = 0
        self.is_stale = False
        self._folded: dict[int, tuple[Kline, int]] = {}  # from which row: the fold of all up to another
        self._row = 0
        self._place = 0
        self._bids: tuple[Level, ...] = ()
        self._asks: tuple[Level, ...] = ()

    # ---- going on

    def skip_to(self, time: Time) -> Sequence[MarketEvent]:
        """Begin at `time`: the first candle that opens then or later; until it the last point stands."""
        self._row, self._place = self.reader.first_at_or_after(time), 0
        update, self._bids, self._asks = self.book_at(time - 1)
        return (BookLoaded(self.symbol, time, update, self._bids, self._asks),)

    def next_at(self) -> Time | None:
        """Return when something happens next, None at the end."""
        if self._row >= len(self.reader):
            return None
        opened = self.reader.open_time(self._row)
        if self._place == _ENDS:
            return opened + self.reader.span
        return point_times(opened, self.reader.span)[self._place]

    def take(self) -> Sequence[MarketEvent]:
        """Return what happens next: a point of a candle with its book, or the candle's end."""
        row, place = self._row, self._place
        candle = self.reader.candle(row)
        if place == _ENDS:
            self._row, self._place = row + 1, 0
            return (CandleEnded(self.symbol, candle.at, candle),)
        self._place = place + 1
        point = spread(candle)[place]
        book = self._changed_book(row * POINTS + place + 1, point.at, point.price, candle.volume)
        if not place:
            book = (CandleBegan(self.symbol, point.at, candle), *book)
        if not candle.volume:
            return *book, Quoted(self.symbol, point.at, point.price)
        trade = prints(candle, self._first_id(row))[place]
        return *book, Traded(self.symbol, point.at, trade, _alone(trade))

    def _changed_book(self, update: int, at: Time, price: Decimal, volume: Decimal) -> tuple[MarketEvent, ...]:
        """Return what the book of a new point changes in the one before it."""
        bids, asks = self._ticks.around(price, volume)
        changes = BookChanged(self.symbol, at, update, update, _replaced(self._bids, bids), _replaced(self._asks, asks))
        self._bids, self._asks = bids, asks
        best = BestChanged(self.symbol, at, update, bids[0] if bids else None, asks[0] if asks else None)
        return changes, best

    def book_at(self, now: Time) -> tuple[int, tuple[Level, ...], tuple[Level, ...]]:
        """Return the book as the last point up to `now` left it."""
        row, place = self._last_point(now)
        if row < 0:
            return 0, (), ()
        candle = self.reader.candle(row)
        return (row * POINTS + place + 1, *self._ticks.around(spread(candle)[place].price, candle.volume))

    # ---- what is known

    def final_until(self, now: Time, span: int) -> Time:
        """Return `now`: a recording is whole."""
        return now

    def kline(self, open_time: Time, end: Time, now: Time) -> Kline | None:
        """Return the kline of `[open_time, end)` as known at `now`; None where no candle of the tape is in it.

        Spans shorter than a candle are made of its prints.
        """
        span = self.reader.span
        if end - open_time < span or open_time % span or end % span:
            return self._kline_of_prints(open_time, end, now)
        first, last = self.reader.first_at_or_after(open_time), self.reader.last_by(min(end - 1, now))
        if last < first:
            return None
        growing = self.reader.open_time(last) + span > now
        kline = self._closed_since(first, last if growing else last + 1)
        if growing:
            part = partial(self.reader.candle(last), self._first_id(last), now)
            if kline is None:
                kline = part
            elif part is not None:
                kline.join(part)
        if kline is not None:
            kline.open_time, kline.end = open_time, end
        return kline

    def last_price(self, now: Time) -> Decimal | None:
        """Return the price of the last point up to `now`."""
        row, place = self._last_point(now)
        return None if row < 0 else spread(self.reader.candle(row))[place].price

    def trades(self, now: Time, first: int | None, limit: int) -> list[PublicTrade]:
        """Return prints by id; ids count from 1."""
        known = self._known(now)
        begin = max(known - limit, 0) if first is None else max(first - 1, 0)
        return [self._trade(index) for index in range(begin, min(begin + limit, known))]

    def aggregates(
        self, now: Time, first: int | None, start: Time | None, end: Time | None, limit: int
    ) -> list[AggregateTrade]:
        """Return every print as its own aggregate."""
        known = self._known(now if end is None else min(end, now))
        if first is not None:
            begin = max(first - 1, 0)
        elif start is not None:
            begin = self._known(start - 1)
        else:
            begin = max(known - limit, 0)
        return [_alone(self._trade(index)) for index in range(begin, min(begin + limit, known))]

    # ---- inside

    def _first_id(self, row: int) -> int:
        return int(self._traded[row]) * POINTS + 1

    def _last_point(self, now: Time) -> tuple[int, int]:
        """Return the row and place of the last point up to `now`, row -1 for none."""
        row = self.reader.last_by(now)
        if row < 0:
            return -1, 0
        times = point_times(self.reader.open_time(row), self.reader.span)
        return row, sum(at <= now for at in times) - 1

    def _known(self, now: Time) -> int:
        """Return how many prints there were up to `now`."""
        row, place = self._last_point(now)
        if row < 0:
            return 0
        before = int(self._traded[row]) * POINTS
        return before + (place + 1 if self._candles.volume[row] > 0 else 0)

    def _trade(self, index: int) -> PublicTrade:
        """Return the print at a place among all prints."""
        row = int(np.searchsorted(self._traded, index // POINTS, side="right")) - 1
        return prints(self.reader.candle(row), self._first_id(row))[index % POINTS]

    def _closed_since(self, first: int, last: int) -> Kline | None:
        """Fold the rows `[first, last)`, all of them closed; what was folded before of them is kept."""
        kept, following = self._folded.get(first, (None, first))
        if following > last:
            kept, following = None, first
        more = self._closed(following, last)
        if more is None:
            return None if kept is None else replace(kept)
        if kept is not None:
            kept.join(more)
            more = kept
        if last - first > 1:  # one candle is soon read again, and histories ask for very many
            if len(self._folded) >= _REMEMBERED:
                self._folded.clear()
            self._folded[first] = (more, last)
        return replace(more)

    def _closed(self, first: int, last: int) -> Kline | None:
        """Fold the rows `[first, last)`, all of them closed."""
        if last <= first:
            return None
        columns = self._candles.slice(first, last)
        counting = np.flatnonzero(columns.volume > 0)
        rows = counting if len(counting) else np.arange(last - first)
        opened = self.reader.candle(first + int(rows[0])).open
        close = self.reader.candle(first + int(rows[-1])).close
        high = self.reader.candle(first + int(rows[columns.high[rows].argmax()])).high
        low = self.reader.candle(first + int(rows[columns.low[rows].argmin()])).low
        at = self.reader.open_time(first)
        kline = Kline(at, at, opened, high, low, close)
        if len(counting):
            kline.volume, kline.quote_volume, kline.taker_base, kline.taker_quote = self._sums(columns)
            kline.trades = POINTS * len(counting)
            kline.first_trade = self._first_id(first + int(counting[0]))
            kline.last_trade = kline.first_trade + kline.trades - 1
        return kline

    def _sums(self, columns: Candles) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Return volume, quote volume and what buyers took, exactly, without a candle made of every row."""
        scale = 10 ** max(8 - columns.volume_digits, 0)
        volume = columns.volume.astype(object) * scale
        quarter = volume // POINTS
        opened, low, high, close = (
            column.astype(object) for column in (columns.open, columns.low, columns.high, columns.close)
        )
        bought = (quarter * (opened + high)).sum()
        quote = bought + (quarter * low).sum() + ((volume - 3 * quarter) * close).sum()
        return (
            Decimal(int(volume.sum())).scaleb(-8) + ZERO,
            Decimal(int(quote)).scaleb(-16) + ZERO,
            Decimal(int(2 * quarter.sum())).scaleb(-8) + ZERO,
            Decimal(int(bought)).scaleb(-16) + ZERO,
        )

    def _kline_of_prints(self, open_time: Time, end: Time, now: Time) -> Kline | None:
        """Fold the prints of a span that is no whole number of candles; one without any keeps the price before it."""
        last = self.last_price(min(open_time, now) - 1) if now >= open_time else None
        first, known = self._known(open_time - 1), self._known(min(end - 1, now))
        if first < known:
            first_trade = self._trade(first)
            kline = Kline(open_time, end, *(first_trade.price,) * 4)
            for index in range(first, known):
                kline.add(self._trade(index))
            return kline
        row = self.reader.last_by(min(end - 1, now))
        covered = row >= 0 and self.reader.open_time(row) + self.reader.span > open_time
        if not covered or last is None or now < open_time:
            return None
        return Kline(open_time, end, last, last, last, last)


def _replaced(before: tuple[Level, ...], after: tuple[Level, ...]) -> tuple[Level, ...]:
    """Return the changes that make one side of a book out of another."""
    standing = {price for price, _ in after}
    gone = tuple((price, ZERO) for price, _ in before if price not in standing)
    return gone + tuple(level for level in after if level not in before)


def _alone(trade: PublicTrade) -> AggregateTrade:
    return AggregateTrade(trade.id, trade.price, trade.quantity, trade.id, trade.id, trade.at, trade.buyer_is_maker)
