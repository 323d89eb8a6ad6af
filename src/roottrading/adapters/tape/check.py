"""Looking through tapes: gaps, duplicates, silent candles and nonsense; and folding tapes into longer timeframes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.files import find_files, read_file
from roottrading.adapters.tape.sanity import Problem, problems
from roottrading.adapters.tape.tape import read_tape
from roottrading.adapters.tape.write import write_candles
from roottrading.domain.columns import Candles
from roottrading.domain.time import Time, duration, iso

Fold = Callable[[Candles, str], Candles]
SHOWN: Final = 10  # gaps listed in a text


class Gap(Struct, frozen=True):
    """A span without candles: `missing` of them from `start` (an open time) until `end`."""

    start: Time
    end: Time
    missing: int


class CheckReport(Struct, frozen=True):
    """What there is to know about candles before trusting them.

    `duplicates` are rows that repeat a candle, `conflicts` those that contradict it. Gaps, duplicates and candles of
    no volume are how a market is; `problems`, conflicts and an `error` (a file that could not be read) are wrong.
    """

    name: str
    symbol: str
    timeframe: str
    rows: int = 0
    first: Time = 0
    last: Time = 0
    gaps: tuple[Gap, ...] = ()
    duplicates: int = 0
    conflicts: int = 0
    silent: int = 0
    problems: tuple[Problem, ...] = ()
    error: str = ""

    @property
    def sound(self) -> bool:
        """Whether a run may be played on these candles."""
        return not (self.problems or self.conflicts or self.error)

    def describe(self) -> str:
        """Return the report as lines for a person."""
        if self.error:
            return f"{self.name}: WRONG\n  {self.error}"
        missing = sum(gap.missing for gap in self.gaps)
        lines = [
            f"{self.name}: {'sound' if self.sound else 'WRONG'}",
            f"  {self.symbol} {self.timeframe}, {self.rows:,} candles from {iso(self.first)} to {iso(self.last)}",
            f"  {len(self.gaps)} gaps ({missing:,} candles missing), {self.silent:,} candles without volume, "
            f"{self.duplicates:,} duplicates, {self.conflicts:,} that contradict each other",
        ]
        lines.extend(
            f"  gap: {gap.missing:,} candles from {iso(gap.start)} until {iso(gap.end)}" for gap in self.gaps[:SHOWN]
        )
        if len(self.gaps) > SHOWN:
            lines.append(f"  ... and {len(self.gaps) - SHOWN:,} gaps more")
        lines.extend(
            f"  {problem.count:,} wrong, the first in row {problem.row + 1}: {problem.column}: {problem.what} "
            f"{problem.value} (allowed: {problem.allowed})"
            for problem in self.problems
        )
        return "\n".join(lines)


def check_candles(candles: Candles, name: str = "", now: Time | None = None) -> CheckReport:
    """Look through candles in the order of their file; `now`, where given, is the clock that none may be ahead of."""
    symbol, timeframe = candles.symbol, candles.timeframe
    name = name or f"{symbol}-{timeframe}"
    if not len(candles):
        return CheckReport(name, symbol, timeframe, error="holds no candle")
    span = duration(timeframe)
    order = np.argsort(candles.open_time, kind="stable")
    times = candles.open_time[order]
    again = times[1:] == times[:-1]
    differs = np.zeros(len(again), dtype=np.bool_)
    for column in (candles.open, candles.high, candles.low, candles.close, candles.volume):
        differs |= column[order][1:] != column[order][:-1]
    after = np.flatnonzero(times[1:] - times[:-1] > span)
    gaps = tuple(
        Gap(int(times[row]) + span, int(times[row + 1]), int((times[row + 1] - times[row] - 1) // span))
        for row in after
    )
    return CheckReport(
        name,
        symbol,
        timeframe,
        len(candles),
        int(times[0]),
        int(times[-1]) + span,
        gaps,
        int((again & ~differs).sum()),
        int((again & differs).sum()),
        int((candles.volume == 0).sum()),
        tuple(problems(candles, now)),
    )


def check_files(paths: Sequence[Path], now: Time | None = None) -> list[CheckReport]:
    """Look through every tape file among `paths` and in the folders among them; one report a file.

    A file that cannot be read is a report too. Raises TapeError where there is no tape file at all.
    """
    reports = []
    for file in find_files(paths):
        try:
            reports.append(check_candles(read_file(file).candles, str(file.path), now))
        except TapeError as error:
            reports.append(CheckReport(str(file.path), file.symbol, file.timeframe, error=str(error)))
    return reports


def fold_files(
    paths: Sequence[Path],
    timeframe: str,
    output: Path,
    fold: Fold,
    form: str = "csv.gz",
    now: Time | None = None,
) -> list[Path]:
    """Fold every symbol's finest candles and write SYMBOL-timeframe-first_last.form into the folder `output`.

    `fold` is the gateway's (adapters know no service), `now` the clock that no candle may be ahead of. Returns the
    files written. Raises TapeError for what cannot be read, folded or written.
    """
    tape = read_tape(paths, timeframe=None, now=now)
    written = []
    for candles in tape.values():
        try:
            folded = fold(candles, timeframe)
        except ValueError as error:
            raise TapeError(f"{candles.symbol}: {error}") from None
        if not len(folded):
            first, last = iso(int(candles.open_time[0])), iso(int(candles.at[-1]))
            raise TapeError(f"{candles.symbol}: no whole {timeframe} candle from {first} to {last}")
        days = (iso(int(folded.open_time[row]))[:10] for row in (0, -1))
        path = output / f"{candles.symbol}-{timeframe}-{'_'.join(days)}.{form}"
        write_candles(folded, path)
        written.append(path)
    return written
