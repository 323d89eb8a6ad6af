"""The simulated exchange: the matching core behind the tape."""

from roottrading.adapters.exchange.simulated.exchange import SimulatedExchange
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.exchange.simulated.state import TABLES

__all__ = ["TABLES", "FillModel", "SimulatedExchange"]
