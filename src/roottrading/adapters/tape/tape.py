"""A tape: the recorded market that a run is played on, exact columns by symbol."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from roottrading.adapters.tape.errors import TapeError, tape_error
from roottrading.adapters.tape.files import TapeFile, find_files, read_file
from roottrading.adapters.tape.reading import Reading
from roottrading.adapters.tape.sanity import problems
from roottrading.domain.columns import Candles, Ints, rescaled
from roottrading.domain.time import Time, duration, iso

_VALUES = ("open", "high", "low", "close", "volume")


class Tape(Mapping[str, Candles]):
    """Candles by symbol (sorted), all of one timeframe; each symbol's in order of time, none twice."""

    def __init__(
        self, candles: Mapping[str, Candles], timeframe: str, repeated: Mapping[str, int] | None = None
    ) -> None:
        """Take checked candles; `repeated` is how many rows of a symbol said again what another one had said."""
        self._candles = {symbol: candles[symbol] for symbol in sorted(candles)}
        self.timeframe = timeframe
        self.repeated = dict(repeated or {})

    def __getitem__(self, symbol: str) -> Candles:
        return self._candles[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._candles)

    def __len__(self) -> int:
        return len(self._candles)

    @cached_property
    def span(self) -> tuple[Time, Time]:
        """The first open and the last close instant of any symbol."""
        held = [candles for candles in self._candles.values() if len(candles)]
        return min(int(c.open_time[0]) for c in held), max(int(c.at[-1]) for c in held)

    @cached_property
    def digest(self) -> str:
        """A hash of what is on the tape: equal for equal candles, whatever files they came from."""
        state = blake2b(digest_size=16)
        for symbol, candles in self._candles.items():
            state.update(f"{symbol}/{candles.timeframe}/{len(candles)}/{candles.volume_digits}".encode())
            for column in (candles.open_time, *(getattr(candles, name) for name in _VALUES)):
                state.update(np.ascontiguousarray(column, dtype="<i8").data)
        return state.hexdigest()

    def between(self, start: Time | None, end: Time | None) -> "Tape":
        """Return the candles that open at `start` or later and close by `end`; None is open-ended.

        Raises TapeError where there are none.
        """
        first, last = self.span
        start, end = first if start is None else start, last if end is None else end
        span = duration(self.timeframe)
        cut = {}
        for symbol, candles in self._candles.items():
            bounds = np.searchsorted(candles.open_time, [start, end - span + 1])
            cut[symbol] = candles.slice(int(bounds[0]), max(int(bounds[0]), int(bounds[1])))
        if not any(len(candles) for candles in cut.values()):
            raise TapeError(
                f"no candles from {iso(start)} to {iso(end)}: the tape goes from {iso(first)} to {iso(last)}"
            )
        return Tape(cut, self.timeframe)


def read_tape(
    paths: Sequence[Path],
    symbols: Sequence[str] | None = None,
    timeframe: str | None = "1m",
    now: Time | None = None,
) -> Tape:
    """Read the candles of `timeframe` from files and folders (None: the finest that all of `symbols` have).

    `symbols` None takes all. Candles that several files hold must be the same in all of them. `now`, where given, is
    the clock: a candle that opens later is refused. Raises TapeError naming file, place, column and value.
    """
    files = find_files(paths)
    if timeframe is None:
        timeframe = _finest(files, symbols)
    of_timeframe = [file for file in files if file.timeframe == timeframe]
    if not of_timeframe:
        there = ", ".join(sorted({file.timeframe for file in files}, key=duration))
        raise TapeError(f"{_shown(paths)}: no candles of {timeframe}; there are {there}")
    there_symbols = sorted({file.symbol for file in of_timeframe})
    wanted = there_symbols if symbols is None else list(dict.fromkeys(symbols))
    for symbol in wanted:
        if symbol not in there_symbols:
            raise TapeError(
                f"{_shown(paths)}: no {timeframe} candles of {symbol!r}; there are {', '.join(there_symbols)}"
            )
    candles, repeated = {}, {}
    for symbol in wanted:
        readings = [checked(read_file(file), now) for file in of_timeframe if file.symbol == symbol]
        candles[symbol] = merged(readings)
        again = sum(len(reading.candles) for reading in readings) - len(candles[symbol])
        if again:
            repeated[symbol] = again
    return Tape(candles, timeframe, repeated)


def _shown(paths: Sequence[Path]) -> str:
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 2 else ", ".join(map(str, paths))


def _finest(files: Sequence[TapeFile], symbols: Sequence[str] | None) -> str:
    """Return the finest timeframe that all these symbols have; where there is none, the finest of all."""
    there = {file.timeframe for file in files}
    common = there.copy()
    for symbol in symbols or ():
        common &= {file.timeframe for file in files if file.symbol == symbol}
    return min(common or there, key=duration)


def checked(reading: Reading, now: Time | None = None) -> Reading:
    """Return what was read where it can be true. Raises TapeError naming file, place, column and value."""
    for problem in problems(reading.candles, now):
        raise tape_error(
            reading.source.path,
            problem.what,
            place=reading.source.place(problem.row),
            column=problem.column,
            value=problem.value,
            allowed=problem.allowed,
        )
    return reading


def merged(readings: Sequence[Reading]) -> Candles:
    """Join files of one symbol in order of time; rows that say the same twice count once.

    Raises TapeError where two of them contradict each other.
    """
    digits = min(reading.candles.volume_digits for reading in readings)
    parts = [_in_digits(reading, digits) for reading in readings]
    first = parts[0]
    if len(parts) == 1 and (first.open_time[1:] > first.open_time[:-1]).all():
        return first
    times = np.concatenate([part.open_time for part in parts])
    order = np.argsort(times, kind="stable")
    times = times[order]
    columns = [np.concatenate([getattr(part, name) for part in parts])[order] for name in _VALUES]
    again = np.concatenate(([False], times[1:] == times[:-1]))
    for name, column in zip(_VALUES, columns, strict=True):
        differs = again & np.concatenate(([False], column[1:] != column[:-1]))
        if differs.any():
            row = int(differs.argmax())
            raise _disagreement(readings, order, row, name, int(times[row]))
    opened, high, low, close, volume = (column[~again] for column in columns)
    return Candles(first.symbol, first.timeframe, times[~again], opened, high, low, close, volume, digits)


def _in_digits(reading: Reading, digits: int) -> Candles:
    candles = reading.candles
    try:
        volume = rescaled(candles.volume, candles.volume_digits, digits)
    except ValueError as error:
        raise tape_error(reading.source.path, f"beside the symbol's other files {error}", column="volume") from None
    return replace(candles, volume=volume, volume_digits=digits)


def _disagreement(readings: Sequence[Reading], order: Ints, row: int, column: str, time: Time) -> TapeError:
    def place(position: int) -> str:
        for reading in readings:
            if position < len(reading.candles):
                return f"{reading.source.path}, {reading.source.place(position)}"
            position -= len(reading.candles)
        raise IndexError(position)

    here, before = place(int(order[row])), place(int(order[row - 1]))
    return TapeError(f"{here}: the candle of {iso(time)} has another {column} than in {before}; keep one of them")
