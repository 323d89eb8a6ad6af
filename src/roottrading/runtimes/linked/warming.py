"""What the services must have heard before the first candle: fetched from the exchange's history at every start."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Final, Protocol

from roottrading.adapters.exchange.binance.streams import HistoryUnavailable
from roottrading.adapters.store.port import UnitState
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration
from roottrading.messages.channels import MARKET
from roottrading.messages.service import Row
from roottrading.services.gateway.state import MARKET_DATA

Stream = tuple[str, str]  # symbol, timeframe

_TRIES: Final = 150
_PAUSE: Final = 0.5  # seconds between two tries: a minute's request weight may be used up by hundreds of symbols


class CandleHistory(Protocol):
    """The exchange's memory of candles."""

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        """Return the candles with `start` <= open time < `end`, from `start` on and in order; not all of them at once.

        Raises where the exchange does not answer now.
        """


def heard_until(
    units: Mapping[str, UnitState], symbols: Iterable[str], finest: str, completed: Time
) -> dict[str, Time]:
    """Return by symbol the T of the last finest candle that the analyzer was given, else the last T that is complete.

    A symbol whose candle was not waited for is behind the others: what it lacks comes late, but it comes.
    """
    analyzer = units.get("analyzer", UnitState())
    return {
        symbol: analyzer.seen.get(("gateway", f"{MARKET}/{symbol}/{finest}"), completed) for symbol in sorted(symbols)
    }


async def candles_before(history: CandleHistory, wanted: Mapping[Stream, Time], until: Mapping[str, Time]) -> list[Row]:
    """Fetch the candles that had closed by `until` (by symbol), by stream from the open time wanted on.

    They are rows of `market_data`.
    """
    rows: list[Row] = []
    for (symbol, timeframe), since in sorted(wanted.items()):
        for candle in await fetched(history, (symbol, timeframe), since, until[symbol]):
            rows.append(Row(MARKET_DATA, (symbol, timeframe, candle.open_time), candle))
    return rows


async def fetched(history: CandleHistory, stream: Stream, since: Time, until: Time) -> list[Candle]:
    """Fetch the candles of a stream that open at `since` or later and had closed by `until`.

    Raises HistoryUnavailable where the exchange does not answer for long.
    """
    symbol, timeframe = stream
    span = duration(timeframe)
    start, end = since - since % -span, until - until % span
    candles: list[Candle] = []
    while start < end:
        found = await _asked(history, symbol, timeframe, start, end)
        closed = [candle for candle in found if candle.at <= until]
        candles += closed
        if not closed:
            break
        start = closed[-1].open_time + span
    return candles


async def _asked(history: CandleHistory, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
    """Ask again while the exchange does not answer, or its last candle is not settled yet."""
    for _ in range(_TRIES):
        with suppress(HistoryUnavailable):
            return await history.klines(symbol, timeframe, start, end)
        await asyncio.sleep(_PAUSE)
    return await history.klines(symbol, timeframe, start, end)


def closes_in(rows: Sequence[Row]) -> dict[str, Decimal]:
    """Return the last close of every symbol in these rows of `market_data`."""
    newest: dict[str, Candle] = {}
    for row in rows:
        candle: Candle = row.values
        known = newest.get(candle.symbol)
        if known is None or candle.at > known.at:
            newest[candle.symbol] = candle
    return {symbol: candle.close for symbol, candle in newest.items()}
