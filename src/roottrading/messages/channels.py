"""The names of the channels, and which of them go on into another; who uses them stands in `pipeline.py`."""

from collections.abc import Mapping
from typing import Final

MARKET: Final = "market"
SIGNALS_RAW: Final = "signals:raw"
SIGNALS_AGGREGATED: Final = "signals:aggregated"
VERDICTS: Final = "signals.aggregated"
TRADE_COMMANDS: Final = "trade.commands"
TRADE_EVENTS: Final = "trade.events"
PORTFOLIO_UPDATES: Final = "portfolio.updates"

# Every envelope of the first goes on into the second unchanged: its source stays its author (consistency-rules 2.7).
BRIDGES: Final[Mapping[str, str]] = {SIGNALS_AGGREGATED: VERDICTS}
