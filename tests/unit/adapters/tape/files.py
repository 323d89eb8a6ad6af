"""Tape files for tests: small ones made here, and the recorded samples read by Python's own means."""

import csv
import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path

from roottrading.domain.candle import Candle
from roottrading.domain.columns import Candles, candle_at

START = 1_704_067_200_000  # 2024-01-01 00:00 UTC in milliseconds
HEADER = "open_time,open,high,low,close,volume\n"


def line(minute: int, rest: str = "10,12,9,11,5") -> str:
    return f"{START + minute * 60_000},{rest}\n"


def write(folder: Path, text: str, name: str = "BTCUSDT-1m-test.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def zipped(path: Path, *names: str, text: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, text)
    return path


def by_hand(path: Path) -> list[Candle]:
    """Read a file with csv and Decimal, row by row."""
    symbol, timeframe = path.name.split("-")[:2]
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
    elif path.name.endswith(".gz"):
        text = gzip.decompress(path.read_bytes()).decode()
    else:
        text = path.read_text()
    found = []
    for row in csv.reader(io.StringIO(text)):
        if not row[0].isdigit():
            continue
        time = int(row[0]) * (1 if len(row[0]) == 16 else 1000)
        opened, high, low, close, volume = map(Decimal, row[1:6])
        found.append(Candle(symbol, timeframe, time, opened, high, low, close, volume))
    return found


def rows(candles: Candles) -> list[Candle]:
    return [candle_at(candles, row) for row in range(len(candles))]
