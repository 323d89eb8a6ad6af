"""Binance's public archive of candles: ZIP files of a month or a day, each with its checksum beside it."""

import asyncio
import logging
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.files import TapeFile, parse_packed
from roottrading.adapters.tape.reading import Reading
from roottrading.adapters.tape.tape import checked
from roottrading.history.errors import PartError
from roottrading.history.fetching import Fetcher

_LOG: Final = logging.getLogger(__name__)
_CHECKSUM: Final = re.compile(rb"([0-9a-fA-F]{64})\s+\*?(\S+)\s*")
_TRIES: Final = 3  # for a file that is not what its checksum says: it was cut, or is being replaced


class ArchiveFile(Struct, frozen=True):
    """A file that was fetched, with the checksum that the archive tells and that it has."""

    name: str
    checksum: str
    reading: Reading


class Archive:
    """Asks for files by what they hold."""

    def __init__(self, root: str, fetcher: Fetcher) -> None:
        """Take the archive's address."""
        self._root = root.rstrip("/")
        self._fetcher = fetcher

    def url(self, symbol: str, timeframe: str, part: str) -> str:
        """Return the address of the file of a month (2024-01) or a day (2024-01-31)."""
        folder = "monthly" if len(part) == len("2024-01") else "daily"
        return f"{self._root}/data/spot/{folder}/klines/{symbol}/{timeframe}/{symbol}-{timeframe}-{part}.zip"

    async def candles(self, symbol: str, timeframe: str, part: str) -> ArchiveFile | None:
        """Return the candles of a month or day, None where the archive has no such file.

        Raises PartError where the file is not what its checksum says or holds what cannot be true, HistoryError
        where the archive is not reached.
        """
        url = self.url(symbol, timeframe, part)
        name = url.rpartition("/")[2]
        why = ""
        for tried in range(_TRIES):
            if tried:
                _LOG.warning("%s: %s; fetching it again", url, why)
                await asyncio.sleep(self._fetcher.patience.pause(tried))
            told = await self._fetcher.get(f"{url}.CHECKSUM")
            if told is None:
                return None
            data = await self._fetcher.get(url)
            match = _CHECKSUM.fullmatch(told)
            if match is None or match[2].decode("utf-8", "replace") != name:
                why = f"its checksum file says {told[:120]!r}"
            elif data is None:
                why = "there is a checksum, but no file"
            elif (found := sha256(data).hexdigest()) != (expected := match[1].decode().lower()):
                why = f"its SHA-256 is {found}, the archive says {expected}"
            else:
                file = TapeFile(Path(name), symbol, timeframe, "zip")
                return ArchiveFile(name, expected, await asyncio.to_thread(_read, url, data, file))
        raise PartError(f"{url}: {why}, {_TRIES} times: try again later")


def _read(url: str, data: bytes, file: TapeFile) -> Reading:
    try:
        return checked(parse_packed(data, file))
    except TapeError as error:
        raise PartError(f"{url}: the archive's file cannot be used: {error}") from None
