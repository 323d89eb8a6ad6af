"""The CSV files: exact decimals, ISO 8601 times, rows by (time, symbol, id) (trading-rules 6.4).

Rows are made by f-strings: the csv module would take most of the time of writing a large run.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from roottrading.domain.money import plain
from roottrading.domain.time import DAY, Time, iso
from roottrading.reports.equity import EquityRow
from roottrading.reports.result import RunResult

_SPECIAL: Final = frozenset(',"\r\n')
Lines = Iterator[str]


class _Times(dict[Time, str]):
    """ISO 8601 texts as `iso` makes them; days and times of day recur, so that most are only put together."""

    def __init__(self) -> None:
        super().__init__()
        self._days: dict[int, str] = {}
        self._clocks: dict[int, str] = {}

    def __missing__(self, time: Time) -> str:
        day, rest = divmod(time, DAY)
        date = self._days.get(day)
        if date is None:
            date = self._days[day] = iso(day * DAY)[:10]
        clock = self._clocks.get(rest)
        if clock is None:
            clock = self._clocks[rest] = iso(rest)[10:]
        text = self[time] = date + clock
        return text


def field(text: str) -> str:
    """Return a text as a CSV field, quoted where it has to be."""
    if _SPECIAL.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _optional(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def signals(result: RunResult) -> Lines:
    """Return the lines of signals.csv: every opinion that changed direction."""
    times = _Times()
    yield "id,symbol,timeframe,strategy,signal_type,strength,price,timestamp\n"
    for row in sorted(result.signals, key=lambda row: (row.timestamp, row.symbol, str(row.id))):
        yield (
            f"{row.id},{row.symbol},{row.timeframe},{field(row.strategy)},{row.signal_type},"
            f"{plain(row.strength)},{plain(row.price)},{times[row.timestamp]}\n"
        )


def verdicts(result: RunResult) -> Lines:
    """Return the lines of verdicts.csv: the verdicts at or above the threshold."""
    times = _Times()
    yield "id,symbol,timeframe,signal_type,strength,timestamp\n"
    for row in sorted(result.verdicts, key=lambda row: (row.timestamp, row.symbol, row.id)):
        yield (
            f"{row.id},{row.symbol},{row.timeframe},{row.signal_type},{plain(row.strength)},{times[row.timestamp]}\n"
        )


def cycles(result: RunResult) -> Lines:
    """Return the lines of cycles.csv."""
    times = _Times()
    yield (
        "id,symbol,status,entry_signal_id,entry_price,exit_price,quantity,fees,pnl,exit_reason,created_at,updated_at,"
        "strategy,risk\n"
    )
    for row in sorted(result.cycles, key=lambda row: (row.created_at, row.symbol, row.id)):
        yield (
            f"{row.id},{row.symbol},{row.status},{row.entry_signal_id},{_optional(row.entry_price)},"
            f"{_optional(row.exit_price)},{_optional(row.quantity)},{_optional(row.fees)},{_optional(row.pnl)},"
            f"{field(row.exit_reason)},{times[row.created_at]},{times[row.updated_at]},{field(row.strategy)},"
            f"{_optional(row.risk)}\n"
        )


def orders(result: RunResult) -> Lines:
    """Return the lines of orders.csv."""
    times = _Times()
    yield (
        "id,cycle_id,client_order_id,symbol,side,type,quantity,price,stop_price,status,created_at,updated_at,"
        "executed_quantity\n"
    )
    for row in sorted(result.orders, key=lambda row: (row.created_at, row.symbol, row.id)):
        yield (
            f"{row.id},{row.cycle_id},{row.client_order_id},{row.symbol},{row.side},{row.type},{plain(row.quantity)},"
            f"{_optional(row.price)},{_optional(row.stop_price)},{row.status},{times[row.created_at]},"
            f"{times[row.updated_at]},{plain(row.executed_quantity)}\n"
        )


def fills(result: RunResult) -> Lines:
    """Return the lines of fills.csv."""
    times = _Times()
    yield (
        "id,order_id,cycle_id,symbol,side,price,quantity,fee,fee_asset,is_maker,filled_at,fee_rate,fee_in_quote,"
        "trade_id\n"
    )
    for row in sorted(result.fills, key=lambda row: (row.filled_at, row.symbol, row.id)):
        yield (
            f"{row.id},{row.order_id},{row.cycle_id},{row.symbol},{row.side},{plain(row.price)},{plain(row.quantity)},"
            f"{plain(row.fee)},{row.fee_asset},{'true' if row.is_maker else 'false'},{times[row.filled_at]},"
            f"{plain(row.fee_rate)},{plain(row.fee_in_quote)},{row.trade_id}\n"
        )


def refusals(result: RunResult) -> Lines:
    """Return the lines of refusals.csv: verdicts that began no cycle, and the numbers that decided it as JSON."""
    times = _Times()
    yield "verdict_id,symbol,reason,numbers,timestamp\n"
    for row in sorted(result.refusals, key=lambda row: (row.at, row.symbol, row.verdict_id)):
        numbers = msgspec.json.encode(row.numbers, order="sorted").decode()
        yield f"{row.verdict_id},{row.symbol},{row.reason},{field(numbers)},{times[row.at]}\n"


def equity(rows: Sequence[EquityRow]) -> Lines:
    """Return the lines of equity.csv."""
    times = _Times()
    yield "timestamp,equity,cash,exposure,drawdown\n"
    for row in rows:
        yield (
            f"{times[row.timestamp]},{plain(row.equity)},{plain(row.cash)},{plain(row.exposure)},{plain(row.drawdown)}\n"
        )


def adjustments(result: RunResult) -> Lines:
    """Return the lines of adjustments.csv: capital added or removed, and coins adopted."""
    yield "timestamp,kind,symbol,amount,price\n"
    for row in sorted(result.adjustments, key=lambda row: (row.effective_at, row.symbol, row.number)):
        yield f"{iso(row.effective_at)},{row.kind},{row.symbol},{plain(row.amount)},{_optional(row.price)}\n"


FILES: Final[tuple[tuple[str, Callable[[RunResult], Lines]], ...]] = (
    ("signals.csv", signals),
    ("verdicts.csv", verdicts),
    ("cycles.csv", cycles),
    ("orders.csv", orders),
    ("fills.csv", fills),
    ("refusals.csv", refusals),
)
