"""Equity at every candle, as Parquet: exact decimals, for those who want to look closer than at fills."""

from pathlib import Path

import numpy as np

from roottrading.reports.equity import equity_rows
from roottrading.reports.flows import flows_of
from roottrading.reports.result import RunResult

DIGITS = 16  # a price times a quantity has at most so many


class PolarsMissing(Exception):
    """Parquet needs polars, which is not installed."""


def write_every_candle(result: RunResult, path: Path) -> None:
    """Write equity, cash, exposure and drawdown at the close of every finest candle of the span.

    Raises PolarsMissing where the extra `parquet` is not installed.
    """
    try:
        import polars  # noqa: PLC0415 - only those who ask for Parquet need it
    except ImportError:
        raise PolarsMissing("writing Parquet needs polars: pip install 'roottrading[parquet]'") from None
    instants = [candles.at for candles in result.candles.values()]
    times = np.unique(np.concatenate(instants)) if instants else np.empty(0, dtype=np.int64)
    inside = times[(times >= result.started_at) & (times <= result.ended_at)]
    rows = equity_rows(result, flows_of(result), inside.tolist())
    money = polars.Decimal(38, DIGITS)
    columns = {
        name: polars.Series(name, [getattr(row, name) for row in rows], dtype=money)
        for name in ("equity", "cash", "exposure", "drawdown")
    }
    stamps = polars.Series("timestamp", inside).cast(polars.Datetime("us", "UTC"))
    polars.DataFrame([stamps, *columns.values()]).write_parquet(path)
