"""The port to the exchange's memory: what a stream did not say is asked for there."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.observations import BookSnapshot, PublicTrade
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time


class HistoryUnavailable(Exception):
    """The exchange's history gave no answer now: a timeout, a limit, a server's error. It may be asked again."""


class CandlesWanted(Struct, frozen=True):
    """All closed candles with `start` <= open time < `end`, at most `CANDLES_A_QUESTION` of them."""

    symbol: str
    timeframe: str
    start: Time
    end: Time


class TradesWanted(Struct, frozen=True):
    """The prints from id `first` to `last`, at most `TRADES_A_QUESTION` of them."""

    symbol: str
    aggregate: bool
    first: int
    last: int


class BookWanted(Struct, frozen=True):
    """The book as it is now, as deep as the exchange gives it."""

    symbol: str


Question = CandlesWanted | TradesWanted | BookWanted

CANDLES_A_QUESTION = 1_000  # as many as one request for klines gives
TRADES_A_QUESTION = 1_000  # as many as one request for trades gives


class History(Protocol):
    """What the REST client answers; each raises HistoryUnavailable where asking again later may help."""

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        """Return the candles with `start` <= open time < `end` in order; those that the market lacks are missing."""

    async def public_trades(self, symbol: str, aggregate: bool, first: int, last: int) -> Sequence[PublicTrade]:
        """Return the prints with ids from `first` to `last` in order; those that are not kept any more are missing."""

    async def depth(self, symbol: str) -> BookSnapshot:
        """Return the book as it is now."""
