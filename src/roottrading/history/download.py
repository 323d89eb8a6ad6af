"""Downloading: every month of every series from the archive, then what that does not have over REST.

What is in the catalog is not asked for again, so a download that was ended, however hard, goes on where it was.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import aiohttp
from msgspec import Struct

from roottrading.adapters.tape.errors import TapeError
from roottrading.domain.time import Time, iso
from roottrading.history.archive import Archive
from roottrading.history.catalog import Series
from roottrading.history.errors import HistoryError, PartError
from roottrading.history.fetching import Fetcher, Patience
from roottrading.history.month_download import MonthDownload
from roottrading.history.months import Span, month_of, months_in, without
from roottrading.history.public_rest import PublicRest
from roottrading.history.rest_candles import RestCandles

_AT_ONCE: Final = 4  # months that are worked on


class Wanted(Struct, frozen=True):
    """What to download, and from where: a span of whole candles; `archive` empty: everything over REST."""

    symbols: tuple[str, ...]
    timeframe: str
    span: Span
    archive: str
    rest: str


class Done(Struct, frozen=True):
    """A month is in the catalog as far as it can be: new candles, and in words what was wrong with it."""

    symbol: str
    month: str
    rows: int
    problem: str = ""


class Download:
    """Carries the work out, several months at once; `tell` hears of each that is done."""

    def __init__(
        self,
        root: Path,
        wanted: Wanted,
        tell: Callable[[Done], None],
        patience: Patience | None = None,
        now: Callable[[], Time] = lambda: time.time_ns() // 1_000,
    ) -> None:
        """Look at what there is; `now` says which files the archive should have. To be used under `writing_into`.

        Raises HistoryError where a manifest is damaged.
        """
        self.series = [Series(root, symbol, wanted.timeframe) for symbol in wanted.symbols]
        for each in self.series:
            each.heal()
        self._wanted = wanted
        self._tell = tell
        self._patience = patience or Patience()
        self.months = _months(self.series, wanted.span, now)

    async def run(self) -> None:
        """Fetch and keep. Raises HistoryError at the first thing that keeps everything else from being fetched, too."""
        rest = PublicRest(self._wanted.rest, self._patience)
        candles = RestCandles(rest)
        left = self.months
        try:
            if self._wanted.archive:
                async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
                    archive = Archive(self._wanted.archive, Fetcher(session, self._patience))
                    await _several(left, lambda month: self._from_archive(month, archive))
                left = self._left_for_rest()
            await _several(left, lambda month: self._from_rest(month, candles))
        finally:
            await rest.close()
        self._note_unlisted()

    async def _from_archive(self, month: MonthDownload, archive: Archive) -> None:
        try:
            await month.from_archive(archive)
        except (PartError, TapeError) as error:
            month.problem = str(error)
        if month.problem or not (month.absent or month.missing()):
            self._finish(month)

    def _left_for_rest(self) -> list[MonthDownload]:
        """Return the months of which REST may know more; the others are as whole as they will be."""
        self._note_unlisted()
        left = []
        for month in self.months:
            if month.is_done:
                continue
            if month.missing():
                left.append(month)
            else:
                self._finish(month)
        return left

    def _note_unlisted(self) -> None:
        """Let months note what was not listed yet; not where a file could not be had: it may hold the first candle."""
        troubled = {month.series.symbol for month in self.months if month.problem}
        for month in self.months:
            if month.series.symbol not in troubled:
                month.note_unlisted()

    async def _from_rest(self, month: MonthDownload, rest: RestCandles) -> None:
        try:
            await month.from_rest(rest)
        except (PartError, TapeError) as error:
            month.problem = str(error)
        self._finish(month)

    def _finish(self, month: MonthDownload) -> None:
        month.is_done = True
        self._tell(Done(month.series.symbol, month.month, month.rows, month.problem))


async def _several(months: Sequence[MonthDownload], work: Callable[[MonthDownload], Awaitable[None]]) -> None:
    """Work on several months at once; the first exception ends all of it."""
    left = deque(months)

    async def some() -> None:
        while left:
            await work(left.popleft())

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(_AT_ONCE, len(left))):
                tasks.create_task(some())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def _months(series: Sequence[Series], span: Span, now: Callable[[], Time]) -> list[MonthDownload]:
    """Return the months in which something of a span is not in the catalog yet."""
    return [
        MonthDownload(each, month, part, lock, now)
        for each, lock in ((each, asyncio.Lock()) for each in series)
        for month, part in months_in(span)
        if without(part, each.covered(month))
    ]


def check_wanted(wanted: Wanted) -> None:
    """Raise HistoryError for a span that cannot be."""
    start, end = wanted.span
    if start >= end:
        raise HistoryError(f"nothing to download from {iso(start)} to {iso(end)}: --from is to be before --to and now")
    if month_of(start) < "2017-07":
        raise HistoryError(f"--from {iso(start)}: Binance began in July 2017: give a date from then on")
