"""What the gateway says: candles, and that there was none."""

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration
from roottrading.messages.envelope import Message


class CandleClosed(Message, frozen=True):
    """A closed candle (in-progress ones carry `candle.closed` = False and serve display and staleness only)."""

    candle: Candle


class CandleAbsent(Message, frozen=True):
    """The market had no candle there, and the exchange's history says so too: a halt, or not listed."""

    symbol: str
    timeframe: str
    open_time: Time

    @property
    def at(self) -> Time:
        """The close instant T that the candle would have had."""
        return self.open_time + duration(self.timeframe)
