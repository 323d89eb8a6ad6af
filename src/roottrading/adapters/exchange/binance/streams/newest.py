"""News that the next message replaces: only what is newer than the last is passed on."""

from typing import Final

from roottrading.adapters.exchange.binance.streams.observations import BestQuote, DayTicker
from roottrading.domain.time import Time

_NONE_YET: Final = -1


class Newest:
    """The newest best quote or ticker of one symbol; what comes again or late is dropped and counted."""

    def __init__(self) -> None:
        self.last = _NONE_YET
        self.dropped = 0

    def observe(self, news: BestQuote | DayTicker, said_at: Time) -> tuple[BestQuote | DayTicker, ...]:
        """Take news of the stream; return it where it is newer."""
        order = news.update_id if type(news) is BestQuote else said_at
        if order <= self.last:
            self.dropped += 1
            return ()
        self.last = order
        return (news,)

    def begin_anew(self) -> None:
        """Forget what came last: no connection is left that could repeat it, and the exchange may count from new."""
        self.last = _NONE_YET

    def due(self, now: Time) -> None:
        """Ask nothing: what was left out is of no interest any more."""
