"""Klines with all that Binance says of them, put together from prints or from parts."""

from decimal import Decimal

from msgspec import Struct

from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.exchange_server.market.events import PublicTrade


class Kline(Struct, gc=False):
    """A candle in the making or closed: `[open_time, end)`; trade ids are -1 where nobody traded.

    `taker_base` and `taker_quote` are what buyers took.
    """

    open_time: Time
    end: Time
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    trades: int = 0
    taker_base: Decimal = ZERO
    taker_quote: Decimal = ZERO
    first_trade: int = -1
    last_trade: int = -1

    def add(self, trade: PublicTrade) -> None:
        """Fold a print in, in the order of ids; the first one makes the prices, whatever was carried over."""
        price = trade.price
        if not self.trades:
            self.open = self.high = self.low = price
            self.first_trade = trade.id
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.trades += 1
        self.last_trade = trade.id
        self.volume += trade.quantity
        quote = price * trade.quantity
        self.quote_volume += quote
        if not trade.buyer_is_maker:
            self.taker_base += trade.quantity
            self.taker_quote += quote

    def join(self, later: "Kline") -> None:
        """Fold in what came after; what had no prints counts only where nothing had any (as the gateway folds)."""
        if not later.trades:
            if not self.trades:
                self.high = max(self.high, later.high)
                self.low = min(self.low, later.low)
                self.close = later.close
            return
        if not self.trades:
            self.open, self.high, self.low = later.open, later.high, later.low
            self.first_trade = later.first_trade
        else:
            self.high = max(self.high, later.high)
            self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.trades += later.trades
        self.taker_base += later.taker_base
        self.taker_quote += later.taker_quote
        self.last_trade = later.last_trade


def flat(open_time: Time, end: Time, price: Decimal) -> Kline:
    """Return the kline of a span in which nobody traded."""
    return Kline(open_time, end, price, price, price, price)
