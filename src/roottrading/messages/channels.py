"""The names of the channels; who uses them stands in `pipeline.py`."""

from typing import Final

MARKET: Final = "market"
SIGNALS_RAW: Final = "signals:raw"
SIGNALS_AGGREGATED: Final = "signals:aggregated"
VERDICTS: Final = "signals.aggregated"
TRADE_COMMANDS: Final = "trade.commands"
TRADE_EVENTS: Final = "trade.events"
PORTFOLIO_UPDATES: Final = "portfolio.updates"
