"""What the journals' columns are where a record's own types do not say: times, UUIDs, and the candles' shape."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from roottrading.domain.candle import Candle
from roottrading.domain.time import MILLISECOND, duration

CANDLES: Final = "market_data"

TIMES: Final[Mapping[str, frozenset[str]]] = {
    CANDLES: frozenset({"open_time", "close_time"}),
    "signals": frozenset({"timestamp"}),
    "trade_cycles": frozenset({"created_at", "updated_at"}),
    "orders": frozenset({"created_at", "updated_at"}),
    "fills": frozenset({"filled_at"}),
    "client_order_ids": frozenset({"issued_at"}),
    "verdicts": frozenset({"timestamp"}),
    "refusals": frozenset({"at"}),
    "portfolio_journal": frozenset({"at"}),
    "account_adjustments": frozenset({"effective_at"}),
    "balances": frozenset({"updated_at"}),
    "equity": frozenset({"at"}),
    "protection_spans": frozenset({"since", "until"}),
    "alerts": frozenset({"at"}),
    "refused_commands": frozenset({"at"}),
}
UUIDS: Final[Mapping[str, frozenset[str]]] = {
    "trade_cycles": frozenset({"id"}),
    "orders": frozenset({"id", "cycle_id"}),
    "fills": frozenset({"id", "order_id", "cycle_id"}),
    "protection_spans": frozenset({"cycle_id"}),
    "refused_commands": frozenset({"cycle_id"}),
}
# UUIDs that may be unknown: the empty text is NULL
NULLABLE: Final[Mapping[str, frozenset[str]]] = {
    "orders": frozenset({"cycle_id"}),
    "fills": frozenset({"cycle_id"}),
    "refused_commands": frozenset({"cycle_id"}),
}
# Parts of keys that no field of the record holds: those that are numbers, not texts.
NUMBERS: Final = frozenset({"sequence", "place", "at"})
# Fields without a column of their own, and what they are read as: no candle is kept before it has closed.
OMITTED: Final[Mapping[str, Mapping[str, Any]]] = {CANDLES: {"closed": True}}
# The column that numbers a journal's rows as they were first written.
NUMBERED_BY: Final[Mapping[str, str]] = {CANDLES: "id"}
WRITTEN: Final = "written"


def close_time(candle: Candle) -> int:
    """Return the exchange's close time of a candle: the last millisecond before T."""
    return candle.open_time + duration(candle.timeframe) - MILLISECOND


COMPUTED: Final[Mapping[str, Mapping[str, Callable[[Any], Any]]]] = {CANDLES: {"close_time": close_time}}
