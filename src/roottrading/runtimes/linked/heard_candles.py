"""What a run has heard of its market, kept for the report: it can then be written while the market is away."""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.service import Row
from roottrading.services.gateway.state import MARKET_DATA

MOST: Final = 45_000  # candles of a symbol: a month of minutes, some five megabytes

_DECODER: Final = msgspec.msgpack.Decoder(Candle)


class HeardCandles:
    """The closed candles of these symbols that opened at `since` or later; the oldest of too many are forgotten."""

    def __init__(self, symbols: Iterable[str], since: Time, most: int = MOST) -> None:
        """Nothing was heard yet."""
        self._since = since
        self._most = most
        self._kept: dict[str, deque[bytes]] = {symbol: deque() for symbol in symbols}
        self._is_whole = True

    def add(self, candle: Candle) -> None:
        """Take a closed candle; those of other symbols are nothing to it."""
        kept = self._kept.get(candle.symbol)
        if kept is None:
            return
        kept.append(msgspec.msgpack.encode(candle))
        if len(kept) > self._most:
            kept.popleft()
            self._is_whole = False

    def rows(self, start: Time, until: Time) -> list[Row] | None:
        """Return the candles from `start` on that had closed by `until`, as rows of `market_data`.

        None where not all of them are kept: they began earlier, or were too many.
        """
        if start < self._since or not self._is_whole:
            return None
        candles = (_DECODER.decode(each) for _, kept in sorted(self._kept.items()) for each in kept)
        return [
            Row(MARKET_DATA, (candle.symbol, candle.timeframe, candle.open_time), candle)
            for candle in candles
            if candle.open_time >= start and candle.at <= until
        ]
