"""The gateway: watches the market and gives closed candles of every timeframe."""

from roottrading.services.gateway.fold import fold
from roottrading.services.gateway.forward_candles import Forwarder
from roottrading.services.gateway.market_to_candles import Gateway, MarketGap
from roottrading.services.gateway.sanity import BadCandle
from roottrading.services.gateway.state import TABLES

__all__ = ["TABLES", "BadCandle", "Forwarder", "Gateway", "MarketGap", "fold"]
