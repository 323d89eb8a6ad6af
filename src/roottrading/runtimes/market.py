"""The market of a run: its tape cut to the symbols in use, its instruments, and every timeframe folded once."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.files import find_files
from roottrading.adapters.tape.instruments import read_instruments
from roottrading.adapters.tape.shipped import shipped_instruments, shipped_tape
from roottrading.adapters.tape.tape import Tape, read_tape
from roottrading.config.settings import RunSettings
from roottrading.domain.columns import Candles
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time, duration, iso
from roottrading.runtimes.replay import CandleReader
from roottrading.services.gateway.fold import fold


class Market(Struct):
    """A recorded market; candles before `start` feed lookbacks only (trading-rules 4.6)."""

    tape: Tape
    instruments: Mapping[str, Instrument]
    symbols: tuple[str, ...]  # those that are traded
    start: Time
    end: Time
    _folded: dict[tuple[str, str], Candles] = {}

    @property
    def finest(self) -> str:
        """The tape's timeframe."""
        return self.tape.timeframe

    def candles(self, symbol: str, timeframe: str) -> Candles:
        """Return a symbol's candles of a timeframe, folded from the finest ones where it is longer.

        A candle whose end the market has seen is closed, even where the symbol itself had nothing more to say by then.
        """
        key = (symbol, timeframe)
        if key not in self._folded:
            finest = self.tape[symbol]
            self._folded[key] = finest if timeframe == self.finest else fold(finest, timeframe, self.tape.span[1])
        return self._folded[key]

    def readers(self, symbols: Iterable[str]) -> dict[str, CandleReader]:
        """Return readers of the finest candles."""
        return {symbol: CandleReader(self.tape[symbol]) for symbol in symbols}


def open_market(
    run: RunSettings, quote_asset: str, inputs: Mapping[str, str] | None = None, now: Time | None = None
) -> Market:
    """Read tape and instruments as the settings say.

    `inputs` are further symbols that are looked at, each with who does, in words; `now`, where given, is
    the clock that no candle may be ahead of. Raises TapeError where a symbol is unknown, trades against another
    asset, or the span holds no candles.
    """
    paths = [Path(path) for path in run.tape] or shipped_tape()
    instruments: dict[str, Instrument] = {}
    for path in run.instruments:
        instruments |= read_instruments(Path(path))
    if not instruments:
        instruments = shipped_instruments()
    _check_inputs(inputs or {}, paths)
    wanted = tuple(sorted({*run.symbols, *(inputs or ())})) if run.symbols else None
    tape = read_tape(paths, wanted, None, now)
    symbols = tuple(sorted(run.symbols or tape))
    for symbol in symbols:
        _check_instrument(symbol, instruments, quote_asset)
    first, last = tape.span
    step = duration(tape.timeframe)
    start = first if run.start is None else max(first, run.start - run.start % -step)
    end = last if run.end is None else min(last, run.end - run.end % step)
    if start >= end:
        raise TapeError(
            f"nothing to trade from {iso(start)} to {iso(end)}: the tape goes from {iso(first)} to {iso(last)}"
        )
    return Market(tape, instruments, symbols, start, end)


def _check_inputs(inputs: Mapping[str, str], paths: Sequence[Path]) -> None:
    """Raise TapeError where somebody looks at a symbol that the tape has no candles of."""
    if not inputs:
        return
    there = sorted({file.symbol for file in find_files(paths)})
    for symbol, who in inputs.items():
        if symbol not in there:
            raise TapeError(
                f"{who} looks at {symbol}, but the tape holds {', '.join(there)}: add candles of "
                f"{symbol} with --tape, or leave it out"
            )


def _check_instrument(symbol: str, instruments: Mapping[str, Instrument], quote_asset: str) -> None:
    instrument = instruments.get(symbol)
    if instrument is None:
        raise TapeError(f"no instrument {symbol!r}: give an exchangeInfo file that holds it with --instruments")
    if instrument.quote_asset != quote_asset:
        raise TapeError(f"{symbol} is paid in {instrument.quote_asset}, the account holds {quote_asset}: leave it out")
