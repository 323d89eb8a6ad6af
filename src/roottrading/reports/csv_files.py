"""The CSV files: what stands in each, and in which order (trading-rules 6.4).

Lines are made column by column: calling a writer for every field of every row would take much longer on a large run.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from roottrading.reports.csv_fields import Kind, fields_as
from roottrading.reports.report import Report
from roottrading.reports.result import RunResult


class Column(Struct, frozen=True):
    """A column: its name in the file, how its values are written, and the rows' attribute where it is called else."""

    name: str
    kind: Kind = "word"
    attribute: str = ""


class CsvFile(Struct, frozen=True):
    """A file: its rows, what they are sorted by, and its columns; `if_any` is not written without rows."""

    name: str
    rows: Callable[[RunResult, Report], Sequence[Any]]
    order: Callable[[Any], tuple[Any, ...]]
    columns: tuple[Column, ...]
    if_any: bool = False


def lines(file: CsvFile, rows: Sequence[Any]) -> Iterator[str]:
    """Yield the lines of a file with these rows, the head first."""
    as_field = fields_as()
    ordered = sorted(rows, key=file.order)
    fields = []
    for column in file.columns:
        values = map(attrgetter(column.attribute or column.name), ordered)
        written = as_field[column.kind]
        fields.append(values if written is None else map(written, values))
    yield ",".join(column.name for column in file.columns) + "\n"
    for line in map(",".join, zip(*fields, strict=True)):
        yield line + "\n"


def _words(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _amounts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "amount") for name in names)


FILES: Final = (
    CsvFile(
        "signals.csv",  # every opinion that changed direction
        lambda result, _: result.signals,
        lambda row: (row.timestamp, row.symbol, str(row.id)),
        (
            Column("id", "number"),
            *_words("symbol", "timeframe"),
            Column("strategy", "text"),
            *_words("signal_type"),
            *_amounts("strength", "price"),
            Column("timestamp", "time"),
        ),
    ),
    CsvFile(
        "verdicts.csv",  # those at or above the threshold
        lambda result, _: result.verdicts,
        lambda row: (row.timestamp, row.symbol, row.id),
        (*_words("id", "symbol", "timeframe", "signal_type"), *_amounts("strength"), Column("timestamp", "time")),
    ),
    CsvFile(
        "cycles.csv",
        lambda result, _: result.cycles,
        lambda row: (row.created_at, row.symbol, row.id),
        (
            *_words("id", "symbol", "status"),
            Column("entry_signal_id", "number"),
            *_amounts("entry_price", "exit_price", "quantity", "fees", "pnl"),
            Column("exit_reason", "text"),
            Column("created_at", "time"),
            Column("updated_at", "time"),
            Column("strategy", "text"),
            *_amounts("risk"),
        ),
    ),
    CsvFile(
        "orders.csv",
        lambda result, _: result.orders,
        lambda row: (row.created_at, row.symbol, row.id),
        (
            *_words("id", "cycle_id", "client_order_id", "symbol", "side", "type"),
            *_amounts("quantity", "price", "stop_price"),
            *_words("status"),
            Column("created_at", "time"),
            Column("updated_at", "time"),
            *_amounts("executed_quantity"),
        ),
    ),
    CsvFile(
        "fills.csv",
        lambda result, _: result.fills,
        lambda row: (row.filled_at, row.symbol, row.id),
        (
            *_words("id", "order_id", "cycle_id", "symbol", "side"),
            *_amounts("price", "quantity", "fee"),
            *_words("fee_asset"),
            Column("is_maker", "truth"),
            Column("filled_at", "time"),
            *_amounts("fee_rate", "fee_in_quote"),
            Column("trade_id", "number"),
        ),
    ),
    CsvFile(
        "refusals.csv",  # verdicts that began no cycle, and the numbers that decided it
        lambda result, _: result.refusals,
        lambda row: (row.at, row.symbol, row.verdict_id),
        (*_words("verdict_id", "symbol", "reason"), Column("numbers", "json"), Column("timestamp", "time", "at")),
    ),
    CsvFile(
        "equity.csv",
        lambda _, report: report.equity,
        lambda row: (row.timestamp,),
        (Column("timestamp", "time"), *_amounts("equity", "cash", "exposure", "drawdown")),
    ),
    CsvFile(
        "adjustments.csv",  # capital added or removed, and coins adopted
        lambda result, _: result.adjustments,
        lambda row: (row.effective_at, row.symbol, row.number),
        (Column("timestamp", "time", "effective_at"), *_words("kind", "symbol"), *_amounts("amount", "price")),
        if_any=True,
    ),
)
