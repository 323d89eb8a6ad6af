"""Payloads into observations, one reader a kind; ValueError and msgspec's errors where one makes no sense."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from roottrading.adapters.exchange.binance.streams.exactness import exact, identity, microseconds
from roottrading.adapters.exchange.binance.streams.observations import (
    BestQuote,
    DayTicker,
    DepthChange,
    Level,
    PublicTrade,
    StreamBody,
)
from roottrading.adapters.exchange.binance.streams.subscriptions import Kind, Subscription
from roottrading.adapters.exchange.binance.streams.wire import (
    AggregateTradeEvent,
    BestQuoteEvent,
    CandleEvent,
    DepthEvent,
    TickerEvent,
    TradeEvent,
)
from roottrading.domain.candle import Candle
from roottrading.domain.time import SECOND, TIMEFRAMES, Time

Prices = tuple[Decimal, Decimal, Decimal, Decimal]

_candle: Final = msgspec.json.Decoder(CandleEvent).decode
_aggregate: Final = msgspec.json.Decoder(AggregateTradeEvent).decode
_trade: Final = msgspec.json.Decoder(TradeEvent).decode
_quote: Final = msgspec.json.Decoder(BestQuoteEvent).decode
_depth: Final = msgspec.json.Decoder(DepthEvent).decode
_ticker: Final = msgspec.json.Decoder(TickerEvent).decode


def _same_symbol(said: str, subscription: Subscription) -> str:
    if said != subscription.symbol:
        raise ValueError(f"{said} in a stream of {subscription.symbol}")
    return said


def _read_candle(data: Any, subscription: Subscription) -> tuple[Time, StreamBody]:
    event = _candle(data)
    said = event.candle
    if said.timeframe != subscription.timeframe:
        raise ValueError(f"a candle of {said.timeframe} in a stream of {subscription.timeframe}")
    candle = candle_of(
        _same_symbol(event.symbol, subscription),
        said.timeframe,
        said.open_time,
        (said.open, said.high, said.low, said.close),
        said.volume,
        said.closed,
    )
    said_at = microseconds(event.said_at)
    if said.closed and candle.at > said_at + SECOND:
        raise ValueError(f"a candle that ends at {candle.at} was closed at {said_at} already")
    return said_at, candle


def _read_aggregate(data: Any, subscription: Subscription) -> tuple[Time, StreamBody]:
    event = _aggregate(data)
    return microseconds(event.said_at), PublicTrade(
        _same_symbol(event.symbol, subscription),
        True,
        identity(event.trade_id),
        price_of(event.price),
        exact(event.quantity),
        microseconds(event.at),
        event.buyer_is_maker,
        identity(event.first_id),
        identity(event.last_id),
    )


def _read_trade(data: Any, subscription: Subscription) -> tuple[Time, StreamBody]:
    event = _trade(data)
    trade_id = identity(event.trade_id)
    return microseconds(event.said_at), PublicTrade(
        _same_symbol(event.symbol, subscription),
        False,
        trade_id,
        price_of(event.price),
        exact(event.quantity),
        microseconds(event.at),
        event.buyer_is_maker,
        trade_id,
        trade_id,
    )


def _read_quote(data: Any, subscription: Subscription) -> tuple[Time, StreamBody]:
    event = _quote(data)
    return 0, BestQuote(
        _same_symbol(event.symbol, subscription),
        identity(event.update_id),
        exact(event.bid),  # 0 where a side of the book is empty
        exact(event.bid_quantity),
        exact(event.ask),
        exact(event.ask_quantity),
    )


def _read_depth(data: Any, subscription: Subscription) -> tuple[Time, StreamBody]:
    event = _depth(data)
    first_id, last_id = identity(event.first_id), identity(event.last_id)
    if first_id > last_id:
        raise ValueError(f"updates from {first_id} to {last_id}")
    said_at = microseconds(event.said_at)
    return said_at, DepthChange(
        _same_symbol(event.symbol, subscription),
        first_id,
        last_id,
        said_at,
        levels_of(event.bids),
        levels_of(event.asks),
    )


def _read_ticker(data: Any, subscription: Subscription) -> tuple[Time, StreamBody]:
    event = _ticker(data)
    said_at = microseconds(event.said_at)
    return said_at, DayTicker(
        _same_symbol(event.symbol, subscription),
        said_at,
        exact(event.open),
        exact(event.high),
        exact(event.low),
        exact(event.close),
        exact(event.volume),
        exact(event.quote_volume),
    )


def candle_of(symbol: str, timeframe: str, said_time: int, prices: Prices, volume: Decimal, closed: bool) -> Candle:
    """Return a candle that was said, its prices being open, high, low and close; ValueError where it makes no sense."""
    open_time = microseconds(said_time)
    if open_time % TIMEFRAMES[timeframe]:
        raise ValueError(f"no candle of {timeframe} begins at {open_time}")
    opened, high, low, close = exact(prices[0]), exact(prices[1]), exact(prices[2]), exact(prices[3])
    if not (0 < low <= opened <= high and low <= close <= high):
        raise ValueError(f"open {opened}, high {high}, low {low} and close {close} contradict each other")
    return Candle(symbol, timeframe, open_time, opened, high, low, close, exact(volume), closed)


def price_of(said: Decimal) -> Decimal:
    """Return a price; errors as `exact`, and for 0."""
    price = exact(said)
    if not price:
        raise ValueError("a price of 0")
    return price


def levels_of(said: list[tuple[Decimal, Decimal]]) -> tuple[Level, ...]:
    """Return a side's levels, each price above 0; errors as `exact` and for a price of 0."""
    return tuple((price_of(price), exact(quantity)) for price, quantity in said)


READERS: Final[Mapping[Kind, Callable[[Any, Subscription], tuple[Time, StreamBody]]]] = {
    "candles": _read_candle,
    "aggregate_trades": _read_aggregate,
    "trades": _read_trade,
    "best_quote": _read_quote,
    "depth": _read_depth,
    "day_ticker": _read_ticker,
    "mini_ticker": _read_ticker,
}
