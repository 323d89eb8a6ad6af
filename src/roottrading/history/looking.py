"""Looking into a catalog: what it holds by its manifests, and whether that is there and can be true."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from roottrading.adapters.tape.check import CheckReport, Gap, check_candles, check_files
from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.files import find_files
from roottrading.adapters.tape.tape import merged
from roottrading.domain.time import Time, duration, parse_time
from roottrading.history.catalog import Series
from roottrading.history.errors import HistoryError
from roottrading.history.manifest import Month, find_manifests, read_manifest


class Held(Struct, frozen=True):
    """What a catalog holds of one symbol and timeframe: from the first open to the last close instant."""

    symbol: str
    timeframe: str
    first: Time
    last: Time
    rows: int
    gaps: tuple[Gap, ...]
    bytes: int
    absent: tuple[str, ...]  # files that the archive does not have


def held(root: Path) -> list[Held]:
    """Return all series of a catalog, by its manifests alone. Raises HistoryError where one is damaged."""
    found = [_held(_series(path)) for path in find_manifests([root])]
    return sorted(found, key=lambda each: (each.symbol, duration(each.timeframe)))


def check_all(paths: Sequence[Path], now: Time) -> list[CheckReport]:
    """Look through catalogs, and through the files of candles that are in none: a report for each series and file.

    Raises TapeError where there is neither.
    """
    manifests = find_manifests(paths)
    reports = [_check_series(path, now) for path in manifests]
    folders = {path.parent.resolve() for path in manifests}
    try:
        files = [file.path for file in find_files(paths)]
    except TapeError:
        if not manifests:
            raise
        return reports
    others = [path for path in files if path.parent.resolve() not in folders]
    return reports + (check_files(others, now) if others else [])


def _series(path: Path) -> Series:
    manifest = read_manifest(path)
    return Series(path.resolve().parents[2], manifest.symbol, manifest.timeframe)


def _held(series: Series) -> Held:
    span = duration(series.timeframe)
    months = [(name, month) for name, month in sorted(series.manifest.months.items()) if month.rows]
    gaps = [hole.gap for _, month in months for hole in month.holes]
    for (_, before), (_, after) in pairwise(months):
        start, end = parse_time(before.last) + span, parse_time(after.first)
        if end > start:
            gaps.append(Gap(start, end, (end - start) // span))
    return Held(
        series.symbol,
        series.timeframe,
        parse_time(months[0][1].first) if months else 0,
        parse_time(months[-1][1].last) + span if months else 0,
        series.manifest.rows,
        tuple(sorted(gaps, key=lambda gap: gap.start)),
        sum(_size(series.path(name)) for name, _ in months),
        tuple(name for month in series.manifest.months.values() for name in _absent(month)),
    )


def _absent(month: Month) -> list[str]:
    return [source.name for source in month.sources if source.absent]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_series(path: Path, now: Time) -> CheckReport:
    symbol, timeframe = path.resolve().parts[-3:-1]
    try:
        series = _series(path)
        months = [name for name, month in sorted(series.manifest.months.items()) if month.rows]
        known = {series.path(name) for name in months}
        there = {each for each in series.folder.glob("*.parquet") if not each.name.startswith(".")}
        strange = sorted(there - known)
        if strange:
            raise HistoryError(f"{strange[0]}: the manifest knows nothing of it: take it in with `data import`")
        readings = [series.read(name) for name in months]
        if not readings:
            raise HistoryError("holds no candle")
        return check_candles(merged(readings), str(path.parent), now)
    except (HistoryError, TapeError) as error:
        return CheckReport(str(path.parent), symbol, timeframe, error=str(error))
