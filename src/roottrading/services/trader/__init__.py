"""The trader: commands become orders, entry and protection are one thing, and every position is guarded."""

from roottrading.services.trader.commands_to_orders import Trader
from roottrading.services.trader.settings import TraderSettings
from roottrading.services.trader.state import TABLES

__all__ = ["TABLES", "Trader", "TraderSettings"]
