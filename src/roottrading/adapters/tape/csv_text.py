"""Candles as comma-separated text: the Binance archive's form, or any with a header that names the columns."""

from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from roottrading.adapters.tape.digits import Bytes, Exact, Parts, careful_parts, joined, quick_parts
from roottrading.adapters.tape.errors import tape_error
from roottrading.adapters.tape.reading import COLUMNS, DECIMALS_ALLOWED, TIMES_ALLOWED, Reading, Source, assemble

CHUNK: Final = 1 << 21  # bytes worked on at once: they stay in the processor's cache
_COMMA, _NEWLINE = 44, 10


class Layout(Struct, frozen=True):
    """Where the columns stand: their places in a line, how many there are, and the line of the first candle."""

    places: tuple[int, ...]
    width: int
    first_line: int


def parse_csv(data: bytes, path: Path, symbol: str, timeframe: str) -> Reading:
    """Return the candles in the order of the text.

    Raises TapeError naming line, column and value where a number or a column is missing or no number.
    """
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"")
    if data[-1:] != b"\n" or data[-2:] == b"\n\n":
        data = data.rstrip() + b"\n"
    if data == b"\n":
        raise tape_error(path, "is empty", allowed="at least one candle")
    header_end = data.index(b"\n") + 1
    layout = _layout(data[: header_end - 1].decode("utf-8", "replace"), path)
    if layout.first_line > 1 and header_end == len(data):
        raise tape_error(path, "has a header and no candle", allowed="at least one candle")
    source = Source(path, symbol, timeframe, "line", layout.first_line)
    times, *columns = _columns(data, header_end if layout.first_line > 1 else 0, layout, path)
    if times.fraction.any():
        row = int(times.fraction.argmax())
        raise tape_error(path, "has a fraction", place=source.place(row), column="open_time", allowed=TIMES_ALLOWED)
    return assemble(source, times.whole, [_exact(source, *named) for named in zip(COLUMNS[1:], columns, strict=True)])


def _exact(source: Source, name: str, column: Parts) -> Exact:
    try:
        return column.exact()
    except ValueError as error:
        raise tape_error(source.path, str(error), column=name, allowed=DECIMALS_ALLOWED) from None


def _layout(line: str, path: Path) -> Layout:
    fields = [field.strip().strip('"').lower() for field in line.split(",")]
    if fields[0][:1].isdigit():
        if len(fields) < len(COLUMNS):
            raise tape_error(path, f"{len(fields)} columns", place="line 1", allowed=f"{','.join(COLUMNS)}[,...]")
        return Layout(tuple(range(len(COLUMNS))), len(fields), 1)
    missing = [name for name in COLUMNS if name not in fields]
    if missing:
        what = f"neither a candle nor a header with {', '.join(missing)}:"
        raise tape_error(path, what, place="line 1", value=line[:80], allowed=f"{','.join(COLUMNS)}[,...]")
    return Layout(tuple(fields.index(name) for name in COLUMNS), len(fields), 2)


def _columns(data: bytes, start: int, layout: Layout, path: Path) -> list[Parts]:
    gathered: list[list[Parts]] = [[] for _ in COLUMNS]
    line = layout.first_line
    while start < len(data):
        end = data.index(b"\n", min(start + CHUNK, len(data) - 1)) + 1
        chunk = data[start:end]
        parts = _quick(np.frombuffer(chunk, dtype=np.uint8), layout) or _careful(chunk, layout, path, line)
        for column, part in zip(gathered, parts, strict=True):
            column.append(part)
        line += len(parts[0].whole)
        start = end
    return [joined(column) for column in gathered]


def _quick(text: Bytes, layout: Layout) -> list[Parts] | None:
    """Read whole lines of plain numbers at once; None where a line is anything else."""
    separators = np.flatnonzero(text <= _COMMA)  # digits and the point lie above the comma, the newline below
    rows, rest = divmod(len(separators), layout.width)
    if rest:
        return None
    ends = separators.reshape(rows, layout.width)
    found = text[ends]
    if (found[:, :-1] != _COMMA).any() or (found[:, -1] != _NEWLINE).any():
        return None
    line_starts = np.concatenate(([0], ends[:-1, -1] + 1))
    parts = []
    for place in layout.places:
        starts = line_starts if place == 0 else ends[:, place - 1] + 1
        part = quick_parts(text, starts, np.ascontiguousarray(ends[:, place]))
        if part is None:
            return None
        parts.append(part)
    return parts


def _careful(chunk: bytes, layout: Layout, path: Path, first_line: int) -> list[Parts]:
    """Read line by line, number by number; what is wrong is named."""
    rows: list[list[tuple[int, int]]] = []
    for line, text in enumerate(chunk.decode("utf-8", "replace").splitlines(), start=first_line):
        fields = text.split(",")
        if len(fields) != layout.width:
            what = f"{len(fields)} columns instead of {layout.width}: the line is cut or not a candle:"
            raise tape_error(path, what, place=f"line {line}", value=text[:80])
        row = []
        for name, place in zip(COLUMNS, layout.places, strict=True):
            try:
                row.append(careful_parts(fields[place]))
            except ValueError as error:
                raise tape_error(
                    path,
                    f"{error}:",
                    place=f"line {line}",
                    column=name,
                    value=fields[place][:40],
                    allowed=DECIMALS_ALLOWED,
                ) from None
        rows.append(row)
    table = np.array(rows, dtype=np.int64)
    return [Parts(table[:, place, 0].copy(), table[:, place, 1].copy()) for place in range(len(COLUMNS))]
