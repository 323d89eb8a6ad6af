"""Candles to files: CSV in the archive's order of columns, or Parquet; exact, and the same bytes each time."""

import gzip
from pathlib import Path

import numpy as np

from roottrading.adapters.tape.errors import tape_error
from roottrading.adapters.tape.parquet import NEEDS
from roottrading.adapters.tape.reading import COLUMNS
from roottrading.domain.columns import UNITS_DIGITS, Candles, Ints
from roottrading.domain.time import MILLISECOND


def write_candles(candles: Candles, path: Path) -> None:
    """Write the candles in the form that the name of `path` says; an existing file is replaced.

    Raises TapeError for another form, and where the file cannot be written.
    """
    name = path.name
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise tape_error(path, "is no form to write", allowed=".csv, .csv.gz or .parquet")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            _write_parquet(candles, path)
        elif name.endswith(".gz"):
            path.write_bytes(gzip.compress(csv_text(candles).encode(), compresslevel=9, mtime=0))
        else:
            path.write_text(csv_text(candles), encoding="utf-8", newline="\n")
    except OSError as error:
        raise tape_error(path, f"cannot be written ({error.strerror or error})") from None


def csv_text(candles: Candles) -> str:
    """Return the candles as CSV with a header; open times in milliseconds, as many decimals as a column needs."""
    lines = [",".join(COLUMNS)]
    lines.extend(map(",".join, zip(map(str, _milliseconds(candles)), *_columns(candles).values(), strict=True)))
    return "\n".join(lines) + "\n"


def _write_parquet(candles: Candles, path: Path) -> None:
    try:
        import polars  # noqa: PLC0415 - 0.2 s that only Parquet costs
    except ImportError:
        raise tape_error(path, NEEDS) from None
    table = {"open_time": polars.Series(_milliseconds(candles), dtype=polars.Int64)}
    for name, texts in _columns(candles).items():
        decimals = len(texts[0].partition(".")[2]) if texts else 0
        table[name] = polars.Series(texts, dtype=polars.String).cast(polars.Decimal(38, decimals))
    polars.DataFrame(table).write_parquet(path, compression="zstd")


def _milliseconds(candles: Candles) -> list[int]:
    times: list[int] = (candles.open_time // MILLISECOND).tolist()
    return times


def _columns(candles: Candles) -> dict[str, list[str]]:
    """Return prices and volume as text."""
    return {
        "open": _decimals(candles.open, UNITS_DIGITS),
        "high": _decimals(candles.high, UNITS_DIGITS),
        "low": _decimals(candles.low, UNITS_DIGITS),
        "close": _decimals(candles.close, UNITS_DIGITS),
        "volume": _decimals(candles.volume, candles.volume_digits),
    }


def _decimals(units: Ints, digits: int) -> list[str]:
    """Return the numbers as text, all with the decimals that the column needs at most."""
    while digits and not (units % 10).any():
        units, digits = np.asarray(units // 10, dtype=np.int64), digits - 1
    if not digits:
        return list(map(str, units.tolist()))
    unit = 10**digits
    return [f"{number // unit}.{number % unit:0{digits}}" for number in units.tolist()]
