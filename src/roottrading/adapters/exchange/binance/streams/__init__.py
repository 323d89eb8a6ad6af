"""Binance's market streams: candles, trades, quotes and books, in order and without holes.

Settings are read without aiohttp being there, so nothing here imports it.
"""

from roottrading.adapters.exchange.binance.streams.history import History, HistoryUnavailable
from roottrading.adapters.exchange.binance.streams.observations import MarketObservation
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription, candles

__all__ = [
    "History",
    "HistoryUnavailable",
    "MarketObservation",
    "StreamSettings",
    "Subscription",
    "candles",
]
