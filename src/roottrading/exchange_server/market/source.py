"""Where a symbol's market comes from: what it does, in order of time, and what is known of it up to an instant."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from roottrading.domain.time import Time
from roottrading.exchange_server.market.events import AggregateTrade, MarketEvent, PublicTrade
from roottrading.exchange_server.market.klines import Kline


class Source(Protocol):
    """One symbol's recorded market. Everything that is asked about `now` knows nothing of what comes after it.

    It holds `[start, end)`; before `ready` its book is not known yet (0: it always is). While it `is_stale` nothing is
    known of the present.
    """

    symbol: str
    start: Time
    end: Time
    ready: Time
    is_stale: bool

    def skip_to(self, time: Time) -> Sequence[MarketEvent]:
        """Begin at `time`: pass over what happened up to it, and return what the market looks like there."""

    def next_at(self) -> Time | None:
        """Return when something happens next, None at the end."""

    def take(self) -> Sequence[MarketEvent]:
        """Return what happens at `next_at()`, and go on behind it."""

    def final_until(self, now: Time, span: int) -> Time:
        """Return up to which instant klines of at least `span` microseconds do not change any more, at most `now`."""

    def kline(self, open_time: Time, end: Time, now: Time) -> Kline | None:
        """Return what happened in `[open_time, end)` as far as it is known at `now`; None where there is no candle."""

    def last_price(self, now: Time) -> Decimal | None:
        """Return the last price known at `now`."""

    def trades(self, now: Time, first: int | None, limit: int) -> list[PublicTrade]:
        """Return up to `limit` prints from the id `first` on, or (None) the newest, the oldest first."""

    def aggregates(
        self, now: Time, first: int | None, start: Time | None, end: Time | None, limit: int
    ) -> list[AggregateTrade]:
        """Return aggregates from the id `first`, or from `start` on, or up to `end`, or the newest; oldest first."""
