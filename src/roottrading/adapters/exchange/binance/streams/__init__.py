"""Binance's market streams: candles, trades, quotes and books, in order and without holes."""

from roottrading.adapters.exchange.binance.streams.history import History, HistoryUnavailable
from roottrading.adapters.exchange.binance.streams.market_streams import MarketStreams, StreamsStatus
from roottrading.adapters.exchange.binance.streams.observations import MarketObservation
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription, candles

__all__ = [
    "History",
    "HistoryUnavailable",
    "MarketObservation",
    "MarketStreams",
    "StreamSettings",
    "StreamsStatus",
    "Subscription",
    "candles",
]
