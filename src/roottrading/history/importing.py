"""Taking files of a user's own into a catalog, month by month."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.adapters.tape.files import TapeFile, find_files, read_file
from roottrading.adapters.tape.reading import Reading
from roottrading.adapters.tape.tape import checked
from roottrading.domain.time import Time, duration, iso
from roottrading.history.catalog import Series
from roottrading.history.errors import HistoryError
from roottrading.history.manifest import Month, Source, file_digest
from roottrading.history.months import months_in

KINDS: Final = ("csv.gz", "csv", "zip", "parquet")
SYMBOL: Final = re.compile(r"[A-Z0-9]{2,30}")


class Imported(Struct, frozen=True):
    """What became of a file: its candles, and how many of them were new."""

    path: Path
    symbol: str
    timeframe: str
    rows: int
    new: int


def files_to_import(paths: Sequence[Path], symbol: str | None, timeframe: str | None) -> list[TapeFile]:
    """Return the files of candles among paths and in folders among them.

    With `symbol` and `timeframe` the paths are files of any name that hold these. Raises TapeError and HistoryError
    where there are none.
    """
    if symbol is None and timeframe is None:
        return find_files(paths)
    if symbol is None or timeframe is None:
        raise HistoryError("give both --symbol and --timeframe, or neither where the files' names say it")
    if not SYMBOL.fullmatch(symbol):
        raise HistoryError(f"--symbol {symbol}: write it as the exchange does, such as BTCUSDT")
    found = []
    for path in paths:
        kind = next((kind for kind in KINDS if path.name.endswith(f".{kind}")), None)
        if kind is None or not path.is_file():
            raise HistoryError(f"{path}: name a file that ends with .{', .'.join(KINDS)}")
        found.append(TapeFile(path, symbol, timeframe, kind))
    return found


def import_files(root: Path, files: Sequence[TapeFile], now: Time) -> Iterator[Imported]:
    """Take files in, one after the other, each whole or (where it cannot be true) not at all.

    To be used under `writing_into`. Raises TapeError for candles that cannot be true or contradict those in the
    catalog, HistoryError where the catalog is damaged.
    """
    series: dict[tuple[str, str], Series] = {}
    for file in files:
        key = (file.symbol, file.timeframe)
        if key not in series:
            series[key] = Series(root, *key)
            series[key].heal()
        reading = checked(read_file(file), now)
        yield Imported(file.path, *key, len(reading.candles), _take(series[key], file, reading, now))


def _take(series: Series, file: TapeFile, reading: Reading, now: Time) -> int:
    """Take a file's candles in, month by month, after none of them was found to contradict what is there."""
    candles, checksum = reading.candles, file_digest(file.path)
    span = duration(series.timeframe)
    parts: list[tuple[str, Reading]] = []
    for month, (start, end) in months_in((int(candles.open_time[0]), int(candles.at[-1]))):
        first, last = np.searchsorted(candles.open_time, [start, end])
        known = series.manifest.months.get(month, Month()).sources
        if last > first and all(each.checksum != checksum for each in known):
            parts.append((month, Reading(reading.source, candles.slice(int(first), int(last)))))
    for month, part in parts:
        series.together(month, [part])
    new = 0
    for month, part in parts:
        times = part.candles.open_time
        shown = iso(int(times[0])), iso(int(times[-1]) + span)
        source = Source("import", str(file.path), *shown, len(times), iso(now), checksum=checksum)
        new += series.add(month, [part], source)
    return new
