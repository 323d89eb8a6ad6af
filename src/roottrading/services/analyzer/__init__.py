"""The analyzer: turns candles into opinions of every strategy."""

from roottrading.services.analyzer.candles_to_signals import Analyzer
from roottrading.services.analyzer.newest_windows import NewestWindows
from roottrading.services.analyzer.opinions import Evaluated, Opinions
from roottrading.services.analyzer.plan import Plan, StrategyUse
from roottrading.services.analyzer.state import TABLES
from roottrading.services.analyzer.whole_blocks import WholeBlocks

__all__ = ["TABLES", "Analyzer", "Evaluated", "NewestWindows", "Opinions", "Plan", "StrategyUse", "WholeBlocks"]
