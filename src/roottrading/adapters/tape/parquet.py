"""Candles as Parquet, exact: decimals of any scale, integers, and floats that stand for short decimals."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from roottrading.adapters.tape.digits import Exact, Parts
from roottrading.adapters.tape.errors import TapeError, tape_error
from roottrading.adapters.tape.reading import COLUMNS, DECIMALS_ALLOWED, TIMES_ALLOWED, Reading, Source, assemble
from roottrading.domain.columns import UNITS_DIGITS, Floats, Ints

if TYPE_CHECKING:
    import polars

NEEDS: Final = "Parquet needs the package polars: pip install 'roottrading[parquet]'"
_FLOATS_EXACT: Final = 2**53


def parse_parquet(path: Path, symbol: str, timeframe: str) -> Reading:
    """Return the candles in the order of the file; polars is imported on use.

    Raises TapeError naming row, column and value, or saying that polars is missing.
    """
    try:
        import polars  # noqa: PLC0415 - 0.2 s that only Parquet costs
    except ImportError:
        raise tape_error(path, NEEDS) from None
    try:
        schema = polars.read_parquet_schema(path)
        missing = [name for name in COLUMNS if name not in schema]
        if missing:
            raise tape_error(path, f"lacks the column {missing[0]}", allowed=", ".join(COLUMNS))
        table = polars.read_parquet(path, columns=list(COLUMNS))
    except TapeError:
        raise
    except (polars.exceptions.PolarsError, OSError) as error:
        raise tape_error(path, f"cut or no Parquet file ({str(error).splitlines()[0]})") from None
    if not table.height:
        raise tape_error(path, "is empty", allowed="at least one candle")
    for name in COLUMNS:
        if table[name].null_count():
            row = int(table[name].is_null().arg_max() or 0)
            raise tape_error(path, "no value", place=f"row {row + 1}", column=name)
    columns = [_exact(table[name], path) for name in COLUMNS[1:]]
    return assemble(Source(path, symbol, timeframe), _times(table["open_time"], path), columns)


def _times(series: "polars.Series", path: Path) -> Ints:
    import polars  # noqa: PLC0415

    if isinstance(series.dtype, polars.Datetime):
        return series.dt.cast_time_unit("us").to_physical().to_numpy().astype(np.int64)
    if not series.dtype.is_integer():
        allowed = f"{TIMES_ALLOWED}, or a datetime"
        raise tape_error(path, "has the type", column=series.name, value=series.dtype, allowed=allowed)
    return series.cast(polars.Int64).to_numpy()


def _exact(series: "polars.Series", path: Path) -> Exact:
    import polars  # noqa: PLC0415

    kind = series.dtype
    try:
        if isinstance(kind, polars.Decimal):
            return Exact(series.to_physical().cast(polars.Int64).to_numpy(), kind.scale)
        if kind.is_integer():
            return Exact(series.cast(polars.Int64).to_numpy(), 0)
    except polars.exceptions.PolarsError:
        raise tape_error(path, "too large for 64 bits", column=series.name, allowed=DECIMALS_ALLOWED) from None
    if kind.is_float():
        return _shortest(series.cast(polars.Float64).to_numpy(), series.name, path)
    raise tape_error(path, "has the type", column=series.name, value=kind, allowed="decimal, integer or float")


def _shortest(values: Floats, column: str, path: Path) -> Exact:
    """Turn floats into the shortest decimals that they are the nearest floats of, at most 8 digits after the point."""
    whole, fraction = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    open_rows = np.arange(len(values))
    for digits in range(UNITS_DIGITS + 1):
        scaled = np.rint(values[open_rows] * 10.0**digits)
        hit = (scaled / 10.0**digits == values[open_rows]) & (np.abs(scaled) < _FLOATS_EXACT)
        rows, units = open_rows[hit], scaled[hit].astype(np.int64)
        sign = np.sign(units)
        wholes, fractions = np.divmod(np.abs(units), 10**digits)
        whole[rows], fraction[rows] = sign * wholes, sign * fractions * 10 ** (UNITS_DIGITS - digits)
        open_rows = open_rows[~hit]
    if len(open_rows):
        row = int(open_rows[0])
        allowed = "numbers of at most 8 digits after the point that a float holds"
        raise tape_error(
            path, "no exact number:", place=f"row {row + 1}", column=column, value=values[row], allowed=allowed
        )
    try:
        return Parts(whole, fraction).exact()
    except ValueError as error:
        raise tape_error(path, str(error), column=column, allowed=DECIMALS_ALLOWED) from None
