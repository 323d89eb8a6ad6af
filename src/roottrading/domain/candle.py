"""Candles: what the market did in a span of time. Binance's word kline stays inside its adapter."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.time import Time, duration


class Candle(Struct, frozen=True, gc=False):
    """One symbol's open, high, low, close and base volume over `[open_time, open_time + timeframe)`."""

    symbol: str
    timeframe: str
    open_time: Time
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool = True

    @property
    def at(self) -> Time:
        """The close instant T, open_time + timeframe exactly."""
        return self.open_time + duration(self.timeframe)
