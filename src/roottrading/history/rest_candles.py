"""Candles over REST: the newest days, which the archive does not have yet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from roottrading.adapters.exchange.binance.streams.history import CANDLES_A_QUESTION, HistoryUnavailable
from roottrading.adapters.exchange.binance.streams.rest_history import RestHistory
from roottrading.adapters.tape.csv_text import parse_csv
from roottrading.adapters.tape.reading import Reading
from roottrading.domain.candle import Candle
from roottrading.domain.money import plain
from roottrading.domain.time import MILLISECOND, SECOND, Time, duration
from roottrading.history.errors import HistoryError
from roottrading.history.months import Span
from roottrading.history.public_rest import PublicRest

_SETTLED: Final = 2 * SECOND  # after its end a candle is final


class RestCandles:
    """Closed candles of a span, page after page."""

    def __init__(self, rest: PublicRest) -> None:
        """Take whom to ask."""
        self._rest = rest
        self._history = RestHistory(rest.ask)

    @property
    def source(self) -> str:
        """Where the candles come from."""
        return f"{self._rest.root}/api/v3/klines"

    async def candles(self, symbol: str, timeframe: str, span: Span) -> tuple[Reading | None, Time]:
        """Return the closed candles that open in a span of whole candles, and until where there can be any by now.

        Raises HistoryError where the exchange does not answer, or refuses.
        """
        await self._rest.open()
        step = duration(timeframe)
        start, end = span
        now = self._rest.now() - _SETTLED
        end = min(end, now - now % step)
        found: list[Candle] = []
        asked = start
        while asked < end:
            until = min(asked + CANDLES_A_QUESTION * step, end)
            try:
                found += await self._history.klines(symbol, timeframe, asked, until)
            except HistoryUnavailable as error:
                raise HistoryError(f"{self.source}: {error}") from None
            asked = until
        return (_reading(self.source, symbol, timeframe, found) if found else None), max(start, end)


def _reading(source: str, symbol: str, timeframe: str, candles: Sequence[Candle]) -> Reading:
    """Return candles as they would be read from a file: as exact as any."""
    lines = []
    for each in candles:
        numbers = map(plain, (each.open, each.high, each.low, each.close, each.volume))
        lines.append(",".join((str(each.open_time // MILLISECOND), *numbers)))
    return parse_csv("\n".join(lines).encode(), Path(source), symbol, timeframe)
