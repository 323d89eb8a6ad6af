"""Candles as Parquet, exact: decimals of any scale, integers, and floats that stand for short decimals."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from roottrading.adapters.tape.errors import TapeError, tape_error
from roottrading.adapters.tape.numbers import Parts
from roottrading.adapters.tape.reading import COLUMNS, TIMES_ALLOWED, Reading, Source, assemble
from roottrading.domain.columns import Floats, Ints

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
    times = _times(table["open_time"], path)
    prices = [_parts(table[name], path) for name in COLUMNS[1:5]]
    return assemble(Source(path, symbol, timeframe), times, prices, _parts(table["volume"], path))


def _times(series: "polars.Series", path: Path) -> Ints:
    import polars  # noqa: PLC0415

    if isinstance(series.dtype, polars.Datetime):
        return series.dt.cast_time_unit("us").to_physical().to_numpy().astype(np.int64)
    if not series.dtype.is_integer():
        allowed = f"{TIMES_ALLOWED}, or a datetime"
        raise tape_error(path, "has the type", column=series.name, value=series.dtype, allowed=allowed)
    return series.cast(polars.Int64).to_numpy()


def _parts(series: "polars.Series", path: Path) -> Parts:
    import polars  # noqa: PLC0415

    kind = series.dtype
    if isinstance(kind, polars.Decimal):
        scale = kind.scale
        if scale > 18:
            raise tape_error(path, "has the type", column=series.name, value=kind, allowed="at most 18 digits")
        try:
            raw = series.to_physical().cast(polars.Int64).to_numpy()
        except polars.exceptions.PolarsError:
            raise tape_error(path, "too large for 64 bits", column=series.name) from None
        return _split(raw, scale, series.name, path)
    if kind.is_integer():
        return _split(series.cast(polars.Int64).to_numpy(), 0, series.name, path)
    if kind.is_float():
        return _shortest(series.cast(polars.Float64).to_numpy(), series.name, path)
    raise tape_error(path, "has the type", column=series.name, value=kind, allowed="decimal, integer or float")


def _split(raw: Ints, scale: int, column: str, path: Path) -> Parts:
    """Split numbers in units of 10^-`scale` into whole parts and fractions of 1e-8, towards zero."""
    sign = np.sign(raw)
    whole, fraction = np.divmod(np.abs(raw), 10**scale)
    if scale <= 8:
        return Parts(sign * whole, sign * fraction * 10 ** (8 - scale))
    fraction, lost = np.divmod(fraction, 10 ** (scale - 8))
    if lost.any():
        place = f"row {int(lost.argmax()) + 1}"
        raise tape_error(path, "more than 8 digits after the point", place=place, column=column)
    return Parts(sign * whole, sign * fraction)


def _shortest(values: Floats, column: str, path: Path) -> Parts:
    """Turn floats into the shortest decimals that they are the nearest floats of, at most 8 digits after the point."""
    whole, fraction = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    open_rows = np.arange(len(values))
    for digits in range(9):
        scaled = np.rint(values[open_rows] * 10.0**digits)
        hit = (scaled / 10.0**digits == values[open_rows]) & (np.abs(scaled) < _FLOATS_EXACT)
        rows, units = open_rows[hit], scaled[hit].astype(np.int64)
        sign = np.sign(units)
        wholes, fractions = np.divmod(np.abs(units), 10**digits)
        whole[rows], fraction[rows] = sign * wholes, sign * fractions * 10 ** (8 - digits)
        open_rows = open_rows[~hit]
    if len(open_rows):
        row = int(open_rows[0])
        allowed = "numbers of at most 8 digits after the point that a float holds"
        place = f"row {row + 1}"
        raise tape_error(path, "no exact number:", place=place, column=column, value=values[row], allowed=allowed)
    return Parts(whole, fraction)
