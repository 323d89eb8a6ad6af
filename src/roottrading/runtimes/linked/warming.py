"""What the services must have heard before the first candle: fetched from the exchange's history at every start."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration
from roottrading.messages.service import Row
from roottrading.services.gateway.state import MARKET_DATA

Stream = tuple[str, str]  # symbol, timeframe


class CandleHistory(Protocol):
    """The exchange's memory of candles."""

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        """Return the candles with `start` <= open time < `end`, from `start` on and in order; not all of them at once.

        Raises where the exchange does not answer now.
        """


async def candles_before(history: CandleHistory, wanted: Mapping[Stream, Time], at: Time) -> list[Row]:
    """Fetch the candles that had closed by `at`, by stream from the open time wanted on: rows of `market_data`."""
    rows: list[Row] = []
    for (symbol, timeframe), since in sorted(wanted.items()):
        span = duration(timeframe)
        start, end = since - since % -span, at - at % span
        while start < end:
            found = await history.klines(symbol, timeframe, start, end)
            closed = [candle for candle in found if candle.at <= at]
            rows.extend(Row(MARKET_DATA, (symbol, timeframe, candle.open_time), candle) for candle in closed)
            if not closed:
                break
            start = closed[-1].open_time + span
    return rows


def closes_in(rows: Sequence[Row]) -> dict[str, Decimal]:
    """Return the last close of every symbol in these rows of `market_data`."""
    newest: dict[str, Candle] = {}
    for row in rows:
        candle: Candle = row.values
        known = newest.get(candle.symbol)
        if known is None or candle.at > known.at:
            newest[candle.symbol] = candle
    return {symbol: candle.close for symbol, candle in newest.items()}
