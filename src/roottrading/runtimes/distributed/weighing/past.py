"""What services that share a database learn from: signals and candles as they stand there (trading-rules 3.8)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from roottrading.adapters.store.port import Archive
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time, duration
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.evidence import Past, Reach, Said
from roottrading.runtimes.linked.candle_memory import CandleMemory
from roottrading.runtimes.stored_opinions import OpinionChange, change_of
from roottrading.services.analyzer.state import History, SignalRow

_PAGE: Final = 1_000  # candles at once: the loop goes on in between


class Opinions(Protocol):
    """What the analyzers' units wrote down."""

    async def changes(self, said: Sequence[Said], since: Time, until: Time) -> Sequence[SignalRow]:
        """Return the changes with since < T <= until of these opinions, and those by which they stood at `since`.

        Those of one opinion are in the order of T.
        """

    async def histories(self) -> Sequence[History]:
        """Return when the histories of streams begin."""

    async def first_said(self, source: str, stream: str) -> int | None:
        """Return the sequence of the first message of a stream that is kept, None where there is none."""

    async def unsaid(self, source: str, last: Mapping[str, int]) -> Sequence[str]:
        """Return those streams on which nothing was said yet up to the sequence that is named, in order."""

    async def set_aside(self) -> Sequence[str]:
        """Return the symbols of which opinions are not formed until a person answers, in order."""


class DatabasePast:
    """`StoredPast` of services: nothing of it is remembered but candles, while they are needed."""

    def __init__(self, cast: Cast, opinions: Opinions, archive: Archive) -> None:
        """Nothing is asked yet."""
        self._said = [(use.name, symbol) for use in cast.uses for symbol in cast.plan.symbols]
        self._opinions = opinions
        self._memory = CandleMemory(_Archived(archive))

    async def read(self, reach: Reach, until: Time) -> Past:
        """Return what was stored. Raises StoreError where the database does not answer."""
        candles = await self._memory.candles(reach.candles, until)
        changes: dict[Said, list[OpinionChange]] = defaultdict(list)
        for row in await self._opinions.changes(self._said, reach.changes, until):
            changes[row.strategy, row.symbol].append(change_of(row))
        begins = {(each.symbol, each.timeframe): each.begins for each in await self._opinions.histories()}
        return Past(changes, candles, begins)


class _Archived:
    """An archive, asked as an exchange's history is."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        """Return the first candles that open at `start` or later and before `end`: none only where there are none."""
        page = _PAGE * duration(timeframe)
        for first in range(start, end, page):
            if found := await self._archive.candles(symbol, timeframe, first, min(end, first + page)):
                return found
        return ()
