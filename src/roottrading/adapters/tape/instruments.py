"""Instruments of a recorded exchangeInfo."""

import gzip
import zlib
from pathlib import Path

import msgspec

from roottrading.adapters.tape.errors import tape_error
from roottrading.domain.instrument import Instrument
from roottrading.messages.exchange_info import ExchangeInfoError, parse_instruments


def read_instruments(path: Path, *, absent_is_allowed: bool = True) -> dict[str, Instrument]:
    """Read an exchangeInfo answer from a .json or .json.gz file; instruments by symbol.

    `absent_is_allowed`: flags and order types that a recording predates are taken as allowed; for a fresh answer they
    are not (trading-rules 5.8). Raises TapeError naming file, symbol and filter where something is missing.
    """
    try:
        data = path.read_bytes()
        if path.name.endswith(".gz"):
            data = gzip.decompress(data)
        answer = msgspec.json.decode(data)
    except (gzip.BadGzipFile, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise tape_error(path, f"cut or no JSON ({error})") from None
    except OSError as error:
        raise tape_error(path, f"cannot be read ({error.strerror or error})") from None
    try:
        return parse_instruments(answer, absent_is_allowed=absent_is_allowed)
    except ExchangeInfoError as error:
        raise tape_error(path, str(error)) from None
