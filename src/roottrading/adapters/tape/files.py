"""Tape files by name: SYMBOL-timeframe[-anything].zip, .csv, .csv.gz or .parquet; folders are searched through."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from roottrading.adapters.tape.csv_text import parse_csv
from roottrading.adapters.tape.errors import tape_error
from roottrading.adapters.tape.parquet import parse_parquet
from roottrading.adapters.tape.reading import Reading
from roottrading.domain.time import TIMEFRAMES

NAME: Final = re.compile(r"(?P<symbol>[A-Z0-9]+)-(?P<timeframe>\d+[mhd])(-.*)?\.(?P<kind>zip|csv|csv\.gz|parquet)")
_DAMAGED: Final = (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError)
ALLOWED: Final = "SYMBOL-timeframe[-anything] with .zip, .csv, .csv.gz or .parquet, such as BTCUSDT-1m-2024-01.zip"


class TapeFile(Struct, frozen=True):
    """A file of candles, as its name tells."""

    path: Path
    symbol: str
    timeframe: str
    kind: str


def find_files(paths: Sequence[Path]) -> list[TapeFile]:
    """Return the tape files among `paths` and in the folders among them, sorted.

    In folders other files are passed over; a path given by itself must exist and be named as a tape is, else TapeError.
    """
    found: dict[Path, TapeFile] = {}
    for path in paths:
        if path.is_dir():
            candidates = [inside for inside in path.rglob("*") if inside.is_file()]
        elif path.exists():
            candidates = [path]
        else:
            raise tape_error(path, "does not exist")
        for candidate in candidates:
            file = _named(candidate)
            if file is not None:
                found[candidate.resolve()] = file
            elif candidate == path:
                raise tape_error(path, "is not named as a tape is", allowed=ALLOWED)
    if not found:
        raise tape_error(", ".join(map(str, paths)) or "no path", "holds no tape", allowed=ALLOWED)
    return sorted(found.values(), key=lambda file: (file.symbol, file.timeframe, str(file.path)))


def _named(path: Path) -> TapeFile | None:
    match = NAME.fullmatch(path.name)
    if match is None or match["timeframe"] not in TIMEFRAMES:
        return None
    return TapeFile(path, match["symbol"], match["timeframe"], match["kind"])


def read_file(file: TapeFile) -> Reading:
    """Read one file's candles, unchecked beyond being numbers; TapeError where it cannot be read."""
    if file.kind == "parquet":
        return parse_parquet(file.path, file.symbol, file.timeframe)
    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise tape_error(file.path, f"cannot be read ({error.strerror or error})") from None
    return parse_packed(data, file)


def parse_packed(data: bytes, file: TapeFile) -> Reading:
    """Read candles as text, plain or packed as the file's kind says; its path only names them in errors."""
    try:
        if file.kind == "zip":
            data = _unzipped(data, file.path)
        elif file.kind == "csv.gz":
            data = gzip.decompress(data)
    except (*_DAMAGED, OSError) as error:
        raise tape_error(file.path, f"cut or damaged ({error}): fetch it again") from None
    return parse_csv(data, file.path, file.symbol, file.timeframe)


def _unzipped(data: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        if len(names) != 1:
            inside = ", ".join(archive.namelist()) or "nothing"
            raise tape_error(path, "holds", value=inside, allowed="exactly one .csv file")
        return archive.read(names[0])
