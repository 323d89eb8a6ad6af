"""The tape that comes with the package: five symbols through the crash of April 2021."""

from pathlib import Path
from typing import Final

from roottrading.adapters.tape.instruments import read_instruments
from roottrading.domain.instrument import Instrument

FOLDER: Final = Path(__file__).parents[2] / "tape"


def shipped_tape() -> list[Path]:
    """Return the files of the shipped tape (its source stands in the README beside them)."""
    return sorted(FOLDER.glob("*.csv.gz"))


def shipped_instruments() -> dict[str, Instrument]:
    """Return recorded instruments by symbol: those of the shipped tape and many others that trade against USDT."""
    return read_instruments(FOLDER / "exchange_info.json.gz")
