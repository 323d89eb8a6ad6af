"""Opening a market: tapes of candles and recorded feeds, read from their files, by symbol."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.files import find_files
from roottrading.adapters.tape.tape import Tape, read_tape
from roottrading.domain.columns import Candles
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time, duration, iso
from roottrading.exchange_server.market.candle_source import CandleSource
from roottrading.exchange_server.market.feed_file import is_feed, read_feeds
from roottrading.exchange_server.market.feed_source import FeedSource
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.market.tick_prices import TickPrices


class OpenedMarket(Struct, frozen=True):
    """A market, and how orders can be matched in it: `feeds` are the symbols with a recorded book."""

    market: PublicMarket
    instruments: Mapping[str, Instrument]
    start: Time
    finest: int  # microseconds of a candle; 0 where there are feeds only
    feeds: frozenset[str]


def open_market(
    paths: Sequence[Path],
    instruments: Mapping[str, Instrument],
    model: FillModel,
    *,
    symbols: Sequence[str] | None = None,
    start: Time | None = None,
    end: Time | None = None,
    begin_at: Time | None = None,
) -> OpenedMarket:
    """Read tapes and feeds; `symbols` None takes all that there are.

    `start` is the instant of the recording at which the market begins, `end` that after which no candle closes;
    `begin_at` shifts candles so that the start is this instant of the exchange's time (whole candles). Raises TapeError
    where a file cannot be read, a symbol is in a tape and a feed, or is listed nowhere.
    """
    feed_paths = [path for path in paths if path.is_file() and is_feed(path)]
    tape_paths = [path for path in paths if path not in feed_paths]
    feeds = read_feeds(feed_paths) if feed_paths else {}
    tape = _tape(tape_paths, symbols)
    found = sorted({*feeds, *(tape or ())})
    wanted = found if symbols is None else list(dict.fromkeys(symbols))
    for symbol in wanted:
        if symbol not in found:
            raise TapeError(f"no market of {symbol!r}: there are {', '.join(found)}")
        if symbol in feeds and tape is not None and symbol in tape:
            raise TapeError(f"{symbol} is in a tape of candles and in a recorded feed: give one of them")
        if symbol not in instruments:
            raise TapeError(f"no instrument {symbol!r}: give an exchangeInfo file that holds it with --instruments")
    if feeds and begin_at is not None:
        raise TapeError("a recorded feed keeps its own times: it cannot be moved to another one")
    chosen = [symbol for symbol in wanted if tape is not None and symbol in tape]
    ticks = {symbol: TickPrices(instruments[symbol], model.slippage, model.volume_share) for symbol in chosen}
    shift = 0
    if tape is not None and chosen:
        start = _checked(tape, start)
        shift = 0 if begin_at is None else begin_at - begin_at % duration(tape.timeframe) - start
    sources = [
        CandleSource(_shifted(_until(tape[symbol], end), shift), ticks[symbol]) for symbol in chosen if tape is not None
    ]
    recorded = [FeedSource(feeds[symbol]) for symbol in wanted if symbol in feeds]
    market = PublicMarket([*sources, *recorded])
    begin = market.start if start is None else max(start + shift, market.start)
    for source in sources if recorded else ():
        if source.end <= begin:
            raise TapeError(f"the candles of {source.symbol} end at {iso(source.end)}, the feeds begin at {iso(begin)}")
    return OpenedMarket(
        market,
        {symbol: instruments[symbol] for symbol in wanted},
        begin,
        0 if tape is None else duration(tape.timeframe),
        frozenset(symbol for symbol in wanted if symbol in feeds),
    )


def _tape(paths: Sequence[Path], symbols: Sequence[str] | None) -> Tape | None:
    """Read the candles of these symbols, or of all where one of them is not there: it may be in a feed."""
    if not paths:
        return None
    there = {file.symbol for file in find_files(paths)}
    return read_tape(paths, symbols if symbols and there.issuperset(symbols) else None, None)


def _checked(tape: Tape, start: Time | None) -> Time:
    """Return the start on a whole candle, within the tape."""
    first, last = tape.span
    if start is None:
        return first
    start -= start % duration(tape.timeframe)
    if not first <= start < last:
        raise TapeError(f"nothing from {iso(start)} on: the tape goes from {iso(first)} to {iso(last)}")
    return start


def _until(candles: Candles, end: Time | None) -> Candles:
    """Return the candles that closed by `end`; TapeError where there are none."""
    if end is None:
        return candles
    count = int(np.searchsorted(candles.open_time, end - duration(candles.timeframe), side="right"))
    if not count:
        raise TapeError(f"{candles.symbol} has no candle that closes by {iso(end)}: let the market end later")
    return candles.slice(0, count)


def _shifted(candles: Candles, shift: int) -> Candles:
    return candles if not shift else replace(candles, open_time=candles.open_time + shift)
