"""The gateway: the market's finest candles in, closed candles of every timeframe out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration, iso
from roottrading.messages.channels import MARKET
from roottrading.messages.envelope import Message
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import NOTHING, CandleMissing, CandleObserved, Decision, Input, Outgoing, Row
from roottrading.services.gateway.fold import Bucket, bucket_of, check_foldable
from roottrading.services.gateway.sanity import check_candle
from roottrading.services.gateway.state import ABSENCES, DROPPED, MARKET_DATA, STREAMS, Absence, Dropped, Stream

_NONE_YET: Final = -1


class MarketGap(Exception):
    """A finest candle came while one before it is outstanding: fetch it, or say that the market had none."""

    def __init__(self, symbol: str, expected: Time, got: Time) -> None:
        super().__init__(
            f"{symbol}: the candle of {iso(expected)} is missing, but that of {iso(got)} came; "
            "give the candles between them, or CandleMissing where the exchange has none"
        )
        self.symbol = symbol
        self.expected = expected
        self.got = got


class _Market(Struct):
    """One symbol: the last finest open time, and a bucket for each longer timeframe, the longest first."""

    symbol: str
    keys: tuple[str, ...]  # of its streams, the longest timeframe first
    buckets: list[Bucket | None]
    last: Time = _NONE_YET

    def fold(self, candle: Candle, spans: Sequence[int]) -> None:
        """Put a finest candle into every bucket that it belongs to."""
        open_time = candle.open_time
        for place, span in enumerate(spans):
            start = open_time - open_time % span
            bucket = self.buckets[place]
            if bucket is None or bucket.open_time != start:
                self.buckets[place] = bucket_of(candle, start)
            else:
                bucket.add(candle)


class Gateway:
    """Folds finest candles into all timeframes, one message per stream and T, the longest first at one T.

    Candles of other symbols or timeframes and unclosed ones are not its business. One that comes again, or after a
    later one, is dropped and counted; one that leaves candles out raises MarketGap, one that makes no sense BadCandle.
    With `keep_candles` every closed candle leaves as a row of `market_data` too; a tape needs no second copy.
    """

    def __init__(
        self, symbols: Iterable[str], finest: str, timeframes: Sequence[str] = (), *, keep_candles: bool = False
    ) -> None:
        """Take the timeframes to speak in beside the finest; ValueError where one cannot be folded from it."""
        for timeframe in timeframes:
            check_foldable(finest, timeframe)
        self._finest = finest
        self._span = duration(finest)
        self._timeframes = tuple(sorted({finest, *timeframes}, key=duration, reverse=True))
        self._longer = tuple(duration(timeframe) for timeframe in self._timeframes[:-1])
        self._keep_candles = keep_candles
        self._markets = {
            symbol: _Market(symbol, tuple(f"{symbol}/{each}" for each in self._timeframes), [None] * len(self._longer))
            for symbol in symbols
        }
        self._streams: dict[str, Stream] = {}
        self._absences: dict[str, Absence] = {}
        self._dropped: dict[str, Dropped] = {}

    def restore(self, rows: Iterable[Row]) -> None:
        """Take up the streams from the gateway's own rows and the finest candles of the day, in any order.

        The candles are rows of `market_data` with (symbol, timeframe, open_time) as their key: all finest candles
        since 00:00 UTC of the day of the last one that was decided, wherever they are kept. The buckets are made from
        them again, so that nothing has to be written for a candle.
        """
        candles: list[Candle] = []
        for row in rows:
            match row.values:
                case Candle() as candle:
                    if candle.timeframe == self._finest and candle.symbol in self._markets:
                        candles.append(candle)
                case Stream() as stream:
                    self._streams[f"{stream.symbol}/{stream.timeframe}"] = stream
                case Absence() as absence:
                    self._absences[absence.symbol] = absence
                case Dropped() as dropped:
                    self._dropped[dropped.symbol] = dropped
        for candle in sorted(candles, key=lambda candle: candle.open_time):
            market = self._markets[candle.symbol]
            market.fold(candle, self._longer)
            market.last = candle.open_time
        for symbol, market in self._markets.items():
            if symbol in self._absences:
                market.last = max(market.last, self._absences[symbol].open_time)
            self._empty_closed(market)

    def _empty_closed(self, market: _Market) -> None:
        known = market.last + self._span
        for place, span in enumerate(self._longer):
            bucket = market.buckets[place]
            if bucket is not None and bucket.open_time + span <= known:
                market.buckets[place] = None

    def decide(self, given: Input, now: Time) -> Decision:
        """Fold a finest candle, or the news that there was none; all else is not for the gateway."""
        if type(given) is CandleObserved:
            candle = given.candle
            market = self._markets.get(candle.symbol)
            if market is None or candle.timeframe != self._finest or not candle.closed:
                return NOTHING
            check_candle(candle, now)
            if (ahead := self._ahead(market, candle.open_time)) is not None:
                return ahead
            market.fold(candle, self._longer)
            return self._close(market, candle.open_time, candle, [])
        if type(given) is CandleMissing:
            market = self._markets.get(given.symbol)
            if market is None or given.timeframe != self._finest:
                return NOTHING
            if (ahead := self._ahead(market, given.open_time)) is not None:
                return ahead
            absence = self._absences[market.symbol] = Absence(market.symbol, given.open_time)
            return self._close(market, given.open_time, None, [Row(ABSENCES, (market.symbol,), absence)])
        return NOTHING

    def _ahead(self, market: _Market, open_time: Time) -> Decision | None:
        """Return None where this is the next candle of its symbol; count what is dropped, raise MarketGap at a hole."""
        last = market.last
        if open_time == last + self._span or (last == _NONE_YET and open_time % self._span == 0):
            return None
        if open_time > last:
            raise MarketGap(market.symbol, last + self._span, open_time)
        dropped = self._dropped.get(market.symbol) or Dropped(market.symbol)
        if open_time == last:
            dropped = replace(dropped, duplicate=dropped.duplicate + 1)
        else:
            dropped = replace(dropped, late=dropped.late + 1)
        self._dropped[market.symbol] = dropped
        return Decision(rows=(Row(DROPPED, (market.symbol,), dropped),))

    def _close(self, market: _Market, open_time: Time, candle: Candle | None, rows: list[Row]) -> Decision:
        """Say what closes at the end of the finest candle: the buckets that end there, then the candle itself."""
        market.last = open_time
        at = open_time + self._span
        messages: list[Outgoing] = []
        for place, span in enumerate(self._longer):
            if at % span == 0:
                bucket = market.buckets[place]
                market.buckets[place] = None
                folded = None if bucket is None else bucket.candle(market.symbol, self._timeframes[place])
                messages.append(self._said(market, place, span, at, folded, rows))
        messages.append(self._said(market, len(self._longer), self._span, at, candle, rows))
        return Decision(tuple(messages), (), (), tuple(rows))

    def _said(
        self, market: _Market, place: int, span: int, at: Time, candle: Candle | None, rows: list[Row]
    ) -> Outgoing:
        """Return the message of one stream at T; its first one, and a candle to keep, add their rows."""
        key, timeframe = market.keys[place], self._timeframes[place]
        follows = at - span
        if key not in self._streams:
            stream = self._streams[key] = Stream(market.symbol, timeframe, at)
            rows.append(Row(STREAMS, (market.symbol, timeframe), stream))
            follows = 0
        body: Message
        if candle is None:
            body = CandleAbsent(market.symbol, timeframe, at - span)
        else:
            body = CandleClosed(candle)
            if self._keep_candles:
                rows.append(Row(MARKET_DATA, (market.symbol, timeframe, at - span), candle))
        return Outgoing(MARKET, key, body, (follows, at))

    def state(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what it knows, for comparison: positions and buckets by symbol, and the records of its tables."""
        return {
            "markets": self._markets,
            STREAMS: self._streams,
            ABSENCES: self._absences,
            DROPPED: self._dropped,
        }
