"""Signals: the rows that are written when an opinion changes direction (trading-rules 3.1)."""

from decimal import Decimal
from typing import Final

from roottrading.domain.money import plain
from roottrading.domain.time import Time
from roottrading.messages.signals import Opinion, SignalType
from roottrading.services.analyzer.state import SignalRow

_PLAN: Final = ("stop_distance", "target_distance", "entry_limit", "size_factor")
_TAKEN: Final = frozenset({*_PLAN, "time_limit", "tag", "state"})  # of which readers know what they mean


def direction_of(conviction: Decimal) -> SignalType:
    """Return what a conviction asks for."""
    return "BUY" if conviction > 0 else "SELL" if conviction < 0 else "NEUTRAL"


def signal_row(opinion: Opinion, symbol: str, timeframe: str, at: Time, price: Decimal) -> SignalRow:
    """Return the row of an opinion that begins at T and carries its signal's id; `price` is the close of its candle.

    A strategy's own column that is named like a part of its plan stands there as `column.NAME`.
    """
    metadata = {name: plain(value) for name in _PLAN if (value := getattr(opinion, name)) is not None}
    if opinion.time_limit is not None:
        metadata["time_limit"] = str(opinion.time_limit)
    if opinion.tag:
        metadata["tag"] = opinion.tag
    if opinion.state != "ok":
        metadata["state"] = opinion.state
    for name, value in opinion.row.items():
        metadata[f"column.{name}" if name in _TAKEN else name] = plain(value)
    return SignalRow(
        opinion.signal_id,
        symbol,
        timeframe,
        opinion.strategy,
        direction_of(opinion.conviction),
        abs(opinion.conviction),
        price,
        at,
        metadata,
    )
