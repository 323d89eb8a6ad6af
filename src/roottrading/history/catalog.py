"""A catalog: candles in Parquet, a folder for each symbol and timeframe, a file for each month, a manifest beside them.

    catalog/BTCUSDT/1m/BTCUSDT-1m-2024-01.parquet
    catalog/BTCUSDT/1m/manifest.json

A month is written to a file of another name first, then the manifest says what it holds, then it takes its place: who
is killed in between finds it there and finishes. Every file is whole at any moment.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from msgspec.structs import replace

from roottrading.adapters.tape.check import check_candles
from roottrading.adapters.tape.files import TapeFile, read_file
from roottrading.adapters.tape.reading import Reading
from roottrading.adapters.tape.tape import merged
from roottrading.adapters.tape.write import write_candles
from roottrading.domain.columns import Candles
from roottrading.domain.time import Time, iso, parse_time
from roottrading.history.errors import HistoryError
from roottrading.history.manifest import (
    NAME,
    Manifest,
    Month,
    Source,
    file_digest,
    hole_of,
    manifest_text,
    read_manifest,
)
from roottrading.history.months import Span, month_span

_NEW: Final = ".new-"
_LOCK: Final = ".lock"


@contextmanager
def writing_into(root: Path) -> Iterator[None]:
    """Hold the catalog for one writer. Raises HistoryError where another process writes, or it cannot be made."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HistoryError(f"{root}: another process writes into this catalog: let it end first") from None
            yield
    except OSError as error:
        raise HistoryError(f"{root}: no catalog can be written here ({error.strerror or error})") from None


class Series:
    """The candles of one symbol and timeframe in a catalog; to be changed under `writing_into` only."""

    def __init__(self, root: Path, symbol: str, timeframe: str) -> None:
        """Read the manifest, if there is one. Raises HistoryError where it is damaged."""
        self.folder = root / symbol / timeframe
        self.symbol = symbol
        self.timeframe = timeframe
        path = self.folder / NAME
        self.manifest = read_manifest(path) if path.exists() else Manifest(symbol, timeframe)
        if (self.manifest.symbol, self.manifest.timeframe) != (symbol, timeframe):
            raise HistoryError(f"{path}: is about {self.manifest.symbol} {self.manifest.timeframe}: it was moved here")

    def path(self, month: str) -> Path:
        """Return where a month's file stands."""
        return self.folder / f"{self.symbol}-{self.timeframe}-{month}.parquet"

    def heal(self) -> None:
        """Finish what a killed process began, and forget months whose file somebody removed."""
        for name, month in list(self.manifest.months.items()):
            path, new = self.path(name), self._new(name)
            if new.exists() and month.sha256 == file_digest(new):
                new.replace(path)
            elif month.rows and not path.exists():
                del self.manifest.months[name]
        if self.folder.exists():
            for left in self.folder.glob(f"{_NEW}*"):
                left.unlink()

    @property
    def first(self) -> Time | None:
        """When the first candle opens; None where there is none."""
        return min((parse_time(month.first) for month in self.manifest.months.values() if month.rows), default=None)

    def covered(self, month: str) -> list[Span]:
        """Return the spans of a month that need not be asked for."""
        return self.manifest.months.get(month, Month()).covered

    def note(self, month: str, source: Source) -> None:
        """Keep that a source has nothing for this month; nothing is written for a symbol without any candles."""
        known = self.manifest.months.get(month, Month())
        self.manifest.months[month] = replace(known, sources=(*known.sources, source))
        if self.manifest.rows:
            self._keep_manifest()

    def add(self, month: str, readings: Sequence[Reading], source: Source) -> int:
        """Take candles of a month in, from one source; return how many are new.

        Raises HistoryError where the month's file is not the one that the manifest knows, or cannot be written;
        TapeError where candles contradict those that are there.
        """
        known = self.manifest.months.get(month, Month())
        candles = self.together(month, readings)
        if candles is None:
            self.note(month, source)
            return 0
        self._keep(month, candles, (*known.sources, source))
        return len(candles) - known.rows

    def together(self, month: str, readings: Sequence[Reading]) -> Candles | None:
        """Return a month's candles with further ones, None where there are none at all; raises what `add` raises."""
        known = self.manifest.months.get(month, Month())
        held = [self._read(month, known)] if known.rows else []
        readings = [reading for reading in (*held, *readings) if len(reading.candles)]
        if not readings:
            return None
        candles = merged(readings)
        self._check_span(month, candles)
        return candles

    def read(self, month: str) -> Reading:
        """Read a month's file. Raises HistoryError where it is not the one that the manifest knows."""
        return self._read(month, self.manifest.months[month])

    def _read(self, month: str, known: Month) -> Reading:
        path = self.path(month)
        found = file_digest(path)
        if found != known.sha256:
            if file_digest(self._new(month)) == known.sha256:
                what = "its writing was cut short: the next download or import finishes it"
            elif found:
                what = "is not the file that the manifest tells of: remove it, and fetch or import it again"
            else:
                what = "is not there: fetch or import it again"
            raise HistoryError(f"{path}: {what}")
        return read_file(TapeFile(path, self.symbol, self.timeframe, "parquet"))

    def _check_span(self, month: str, candles: Candles) -> None:
        start, end = month_span(month)
        outside = (candles.open_time < start) | (candles.open_time >= end)
        if outside.any():
            at = iso(int(candles.open_time[int(np.argmax(outside))]))
            raise HistoryError(f"{self.symbol} {self.timeframe} of {month}: holds a candle of {at}")

    def _keep(self, month: str, candles: Candles, sources: tuple[Source, ...]) -> None:
        new = self._new(month)
        write_candles(candles, new)
        _to_disk(new)
        gaps = check_candles(candles).gaps
        self.manifest.months[month] = Month(
            sources,
            len(candles),
            iso(int(candles.open_time[0])),
            iso(int(candles.open_time[-1])),
            file_digest(new),
            tuple(hole_of(gap) for gap in gaps),
        )
        self._keep_manifest()
        new.replace(self.path(month))
        _to_disk(self.folder)

    def _keep_manifest(self) -> None:
        path, new = self.folder / NAME, self.folder / f"{_NEW}{NAME}"
        self.folder.mkdir(parents=True, exist_ok=True)
        new.write_bytes(manifest_text(self.manifest))
        _to_disk(new)
        new.replace(path)
        _to_disk(self.folder)

    def _new(self, month: str) -> Path:
        return self.folder / f"{_NEW}{self.path(month).name}"


def _to_disk(path: Path) -> None:
    """Let what was written reach the disk, so that no other order of events is seen after a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
