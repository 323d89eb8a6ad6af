"""Tapes: recorded candles and instruments, read exactly from archive files, Parquet and exchangeInfo."""

from roottrading.adapters.tape.check import CheckReport, check_candles, check_files, fold_files
from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.instruments import read_instruments
from roottrading.adapters.tape.shipped import shipped_instruments, shipped_tape
from roottrading.adapters.tape.tape import Tape, read_tape
from roottrading.adapters.tape.write import write_candles

__all__ = [
    "CheckReport",
    "Tape",
    "TapeError",
    "check_candles",
    "check_files",
    "fold_files",
    "read_instruments",
    "read_tape",
    "shipped_instruments",
    "shipped_tape",
    "write_candles",
]
