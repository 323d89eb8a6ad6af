"""What can be heard of the market, and the name that Binance gives the stream of it."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from roottrading.domain.time import TIMEFRAMES, duration

Kind = Literal["candles", "aggregate_trades", "trades", "best_quote", "depth", "day_ticker", "mini_ticker"]

SERVER_SHUTDOWN: Final = "!serverShutdown"

_CANDLES: Final = "kline_"
_SUFFIXES: Final[Mapping[Kind, str]] = {
    "aggregate_trades": "aggTrade",
    "trades": "trade",
    "best_quote": "bookTicker",
    "depth": "depth@100ms",
    "day_ticker": "ticker",
    "mini_ticker": "miniTicker",
}
_KINDS: Final[Mapping[str, Kind]] = {suffix: kind for kind, suffix in _SUFFIXES.items()} | {"depth": "depth"}


class Subscription(Struct, frozen=True):
    """One stream: a kind of news of one symbol; `timeframe` is set for candles only."""

    kind: Kind
    symbol: str
    timeframe: str = ""

    @property
    def name(self) -> str:
        """The stream's name at Binance: the symbol in small letters, then what of it."""
        suffix = _CANDLES + self.timeframe if self.kind == "candles" else _SUFFIXES[self.kind]
        return f"{self.symbol.lower()}@{suffix}"


def candles(symbol: str, timeframe: str) -> Subscription:
    """Return the stream of a symbol's candles, in progress and closed; ValueError where the timeframe is unknown."""
    duration(timeframe)
    return Subscription("candles", symbol, timeframe)


def read_name(name: str) -> Subscription | None:
    """Return what a stream of this name says, or None where we do not know the kind or the timeframe."""
    symbol, _, suffix = name.partition("@")
    if not symbol or not suffix:
        return None
    symbol = symbol.upper()
    if suffix.startswith(_CANDLES):
        timeframe = suffix[len(_CANDLES) :]
        return Subscription("candles", symbol, timeframe) if timeframe in TIMEFRAMES else None
    kind = _KINDS.get(suffix)
    return None if kind is None else Subscription(kind, symbol)
