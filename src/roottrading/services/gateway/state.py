"""What the gateway keeps: as little as continues its streams, since candles can be fetched again."""

from typing import Final

from msgspec import Struct

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.service import Table

MARKET_DATA: Final = "market_data"
STREAMS: Final = "gateway_streams"
ABSENCES: Final = "gateway_absences"
DROPPED: Final = "gateway_dropped"


class Stream(Struct, frozen=True, gc=False):
    """Where a stream of closed candles begins: its first message follows nothing, every other the T before its own."""

    symbol: str
    timeframe: str
    first: Time


class Absence(Struct, frozen=True, gc=False):
    """A symbol's last finest candle that the market did not have: a position that no candle can tell."""

    symbol: str
    open_time: Time


class Dropped(Struct, frozen=True, gc=False):
    """How many of a symbol's candles came again (`duplicate`) or after a later one (`late`)."""

    symbol: str
    duplicate: int = 0
    late: int = 0


TABLES: Final = (
    Table(MARKET_DATA, ("symbol", "timeframe", "open_time"), Candle, "journal"),
    Table(STREAMS, ("symbol", "timeframe"), Stream, "state"),
    Table(ABSENCES, ("symbol",), Absence, "state"),
    Table(DROPPED, ("symbol",), Dropped, "state"),
)
