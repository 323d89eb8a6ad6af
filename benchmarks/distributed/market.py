"""Many symbols with the shipped tape's candles, as files and one by one: the same everywhere, and no downloads."""

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from roottrading.adapters.tape.shipped import FOLDER, shipped_tape
from roottrading.adapters.tape.tape import Tape, read_tape
from roottrading.adapters.tape.write import write_candles
from roottrading.domain.candle import Candle
from roottrading.domain.columns import candle_at
from roottrading.domain.time import DAY, MINUTE, Time, parse_time
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleClosed

FIRST_DAY: Final = parse_time("2021-04-11")
BEGIN: Final = parse_time("2021-04-17")  # when the exchange's time begins
LAST: Final = BEGIN + DAY
FINEST: Final = "1m"


class WideMarket:
    """Symbols named after those of the shipped tape, each a copy: LTC000USDT has the candles of LTCUSDT."""

    def __init__(self, symbols: int) -> None:
        """Read the tape."""
        self._tape: Tape = read_tape(shipped_tape()).between(FIRST_DAY, LAST)
        origins = list(self._tape)
        self._origins = {
            f"{origin.removesuffix('USDT')}{number // len(origins):03}USDT": origin
            for number in range(symbols)
            for origin in (origins[number % len(origins)],)
        }
        self.symbols: Sequence[str] = tuple(sorted(self._origins))

    def write(self, folder: Path) -> None:
        """Write tape and exchangeInfo."""
        folder.mkdir(parents=True)
        written: dict[str, Path] = {}
        for symbol, origin in self._origins.items():
            path = folder / f"{symbol}-{FINEST}-wide.csv.gz"
            if origin in written:
                path.hardlink_to(written[origin])
            else:
                write_candles(self._tape[origin], path)
                written[origin] = path
        self.instruments(folder).write_bytes(gzip.compress(json.dumps(self.exchange_info()).encode(), mtime=0))

    @staticmethod
    def instruments(folder: Path) -> Path:
        """Return where the exchangeInfo lies in a folder."""
        return folder / "exchange_info.json.gz"

    def exchange_info(self) -> dict[str, object]:
        """Return the shipped exchangeInfo under the new names."""
        told = json.loads(gzip.decompress((FOLDER / "exchange_info.json.gz").read_bytes()))
        listed = {each["symbol"]: each for each in told["symbols"]}
        names = self._origins.items()
        symbols = [{**listed[origin], "symbol": name, "baseAsset": name.removesuffix("USDT")} for name, origin in names]
        return {**told, "symbols": symbols}

    def candle(self, symbol: str, open_time: Time) -> Candle:
        """Return a closed candle."""
        columns = self._tape[self._origins[symbol]]
        row = int(columns.open_time.searchsorted(open_time))
        return replace(candle_at(columns, row), symbol=symbol, open_time=open_time)

    def candles(self, symbol: str, since: Time, until: Time) -> Iterable[Candle]:
        """Yield the candles that open in `[since, until)`."""
        columns = self._tape[self._origins[symbol]]
        first, last = (int(row) for row in columns.open_time.searchsorted([since, until]))
        for row in range(first, last):
            yield replace(candle_at(columns, row), symbol=symbol)

    def said(self, symbol: str, open_time: Time, first: bool = False) -> Envelope:
        """Return what the gateway says of a candle."""
        candle = self.candle(symbol, open_time)
        at = candle.at
        follows = 0 if first else at - MINUTE
        return Envelope("gateway", f"market/{symbol}/{FINEST}", at, follows, at, f"{symbol}/{at}", CandleClosed(candle))
