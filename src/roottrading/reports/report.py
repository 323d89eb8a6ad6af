"""The report in memory: header and figures, totals, per strategy, per symbol (trading-rules 6.1 and 6.3)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import Time
from roottrading.reports.buy_and_hold import BuyAndHold
from roottrading.reports.cycle_statistics import Statistics
from roottrading.reports.equity import EquityRow
from roottrading.reports.result import CheckLine


class DustLine(Struct, frozen=True):
    """A remainder that the filters refuse to sell: base, its cost and its worth at the last close, in quote."""

    quantity: Decimal
    cost: Decimal
    worth: Decimal


class Header(Struct, frozen=True, kw_only=True):
    """Under what the figures came about. Spans are in seconds, rates fractions; None where there is nothing to say."""

    tape: str
    started_at: Time
    ended_at: Time
    symbols: Sequence[str]
    capital: Decimal
    added_capital: Decimal
    quote_asset: str
    fill_model: str
    slippage: Decimal
    profit_gone_at_slippage: float | None
    fee_schedule: FeeSchedule
    missing_candles: Mapping[str, int]
    listings: Mapping[str, str]
    refusals: Mapping[str, int]
    parameter_sets: int
    deflated_sharpe: float | None
    dust: Mapping[str, DustLine]
    longest_unprotected_seconds: float
    unprotected_spans: int
    longest_closing_seconds: float
    closing_spans: int
    checks: Sequence[CheckLine]
    notes: Sequence[str]
    settings: Mapping[str, object]


class OpenCycle(Struct, frozen=True):
    """A cycle that was open at the end: not in the win rate; `worth` and `profit` at the last close, fees in."""

    id: str
    symbol: str
    strategy: str
    status: str
    entry_price: Decimal | None
    quantity: Decimal
    worth: Decimal
    profit: Decimal
    created_at: Time


class Report(Struct, frozen=True, kw_only=True):
    """All figures of a run; `equity` are the rows of equity.csv, `final_equity` its worth at the span's end."""

    header: Header
    metrics: Statistics
    final_equity: Decimal
    unrealized: Decimal
    buy_and_hold: BuyAndHold
    per_strategy: Mapping[str, Statistics]
    per_symbol: Mapping[str, Statistics]
    open_cycles: Sequence[OpenCycle]
    monthly_returns: Mapping[str, float]
    equity: Sequence[EquityRow]
