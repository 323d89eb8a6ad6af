"""Names of market streams: what they ask for."""

import re
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.time import DAY, HOUR, MILLISECOND, SECOND
from roottrading.exchange_server.market.intervals import INTERVALS, zone_offset

Kind = Literal["trade", "aggTrade", "kline", "bookTicker", "depth", "levels", "ticker", "miniTicker", "avgPrice"]
WINDOWS: Final = {"1h": HOUR, "4h": 4 * HOUR, "1d": DAY}
ALL: Final = ""
_DEPTH: Final = re.compile(r"depth(5|10|20)?(?:@(100|1000)ms)?")
_KLINE: Final = re.compile(r"kline_(\w+?)(?:@([+-]?\d{1,2}:?\d{0,2}))?")
_PLAIN: Final[dict[str, Kind]] = {
    "trade": "trade",
    "aggTrade": "aggTrade",
    "bookTicker": "bookTicker",
    "ticker": "ticker",
    "miniTicker": "miniTicker",
    "avgPrice": "avgPrice",
}


class Stream(Struct, frozen=True):
    """A stream, as its name asks for it.

    `symbol` is ALL for those of every symbol; `every` is the least time between two of its messages, 0 for those that
    follow each event; `window` the span of rolling statistics, 0 for the last 24 hours of the old form.
    """

    name: str
    kind: Kind
    symbol: str
    interval: str = ""
    offset: int = 0
    levels: int = 0
    every: int = 0
    window: int = 0


def parse_stream(name: str) -> Stream | None:
    """Return what a name asks for; None for names that Binance has not."""
    if name.startswith("!"):
        return _of_all(name)
    symbol, _, what = name.partition("@")
    if not symbol or symbol != symbol.lower() or not what:
        return None
    return _of_symbol(name, symbol.upper(), what)


def _of_symbol(name: str, symbol: str, what: str) -> Stream | None:
    if what in _PLAIN:
        kind = _PLAIN[what]
        every = SECOND if kind in {"ticker", "miniTicker", "avgPrice"} else 0
        return Stream(name, kind, symbol, every=every)
    if (depth := _DEPTH.fullmatch(what)) is not None:
        every = int(depth[2] or 1000) * MILLISECOND
        return Stream(name, "levels" if depth[1] else "depth", symbol, levels=int(depth[1] or 0), every=every)
    if (kline := _KLINE.fullmatch(what)) is not None:
        offset = 0 if kline[2] is None else zone_offset(kline[2])
        if kline[1] not in INTERVALS or offset is None:
            return None
        every = SECOND if kline[1] == "1s" else 2 * SECOND
        return Stream(name, "kline", symbol, kline[1], offset, every=every)
    window = WINDOWS.get(what.removeprefix("ticker_"))
    if what.startswith("ticker_") and window:
        return Stream(name, "ticker", symbol, every=SECOND, window=window)
    return None


def _of_all(name: str) -> Stream | None:
    if name == "!miniTicker@arr":
        return Stream(name, "miniTicker", ALL, every=SECOND)
    window = WINDOWS.get(name.removeprefix("!ticker_").removesuffix("@arr"))
    if name.startswith("!ticker_") and name.endswith("@arr") and window:
        return Stream(name, "ticker", ALL, every=SECOND, window=window)
    return None
