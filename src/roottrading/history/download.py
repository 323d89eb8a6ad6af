"""Downloading: every month of every series from the archive, and what that does not have yet over REST.

What is in the catalog is not asked for again, so a download that was ended, however hard, goes on where it was.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import aiohttp
from msgspec import Struct

from roottrading.adapters.tape.errors import TapeError
from roottrading.adapters.tape.reading import Reading
from roottrading.domain.columns import Candles
from roottrading.domain.time import DAY, Time, iso
from roottrading.history.archive import Archive, ArchiveFile
from roottrading.history.catalog import Series
from roottrading.history.errors import HistoryError, PartError
from roottrading.history.fetching import Fetcher, Patience
from roottrading.history.manifest import Source
from roottrading.history.months import Span, day_of, days_in, month_of, month_span, months_in, without
from roottrading.history.public_rest import PublicRest
from roottrading.history.rest_candles import RestCandles

_AT_ONCE: Final = 4  # months that are worked on
_FEW_DAYS: Final = 3  # so many days of a month are fetched as daily files
_MONTHLY_BY: Final = 40 * DAY  # after its end a month that has no file will not get one any more
_DAILY_BY: Final = 4 * DAY  # after its end a day that has no file will not get one any more


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


class Work(Struct):
    """A month of a series that lacks something in `span`."""

    series: Series
    month: str
    span: Span


def work_of(series: Sequence[Series], span: Span) -> list[Work]:
    """Return the months in which something of a span is not in the catalog yet."""
    return [
        Work(each, month, part)
        for each in series
        for month, part in months_in(span)
        if without(part, each.covered(month))
    ]


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
        self.work = work_of(self.series, wanted.span)
        self._wanted = wanted
        self._tell = tell
        self._now = now
        self._patience = patience or Patience()
        self._locks = {each.symbol: asyncio.Lock() for each in self.series}

    async def run(self) -> None:
        """Fetch and keep. Raises HistoryError at the first thing that keeps everything else from being fetched, too."""
        left = deque(self.work)
        rest = PublicRest(self._wanted.rest, self._patience)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            archive = Archive(self._wanted.archive, Fetcher(session, self._patience)) if self._wanted.archive else None
            try:
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(min(_AT_ONCE, len(left))):
                        tasks.create_task(self._work(left, archive, RestCandles(rest)))
            except ExceptionGroup as group:
                raise group.exceptions[0] from None
            finally:
                await rest.close()

    async def _work(self, left: deque[Work], archive: Archive | None, rest: RestCandles) -> None:
        while left:
            work = left.popleft()
            month = _MonthDownload(work, archive, rest, self._locks[work.series.symbol], self._now)
            problem = ""
            try:
                await month.run()
            except (PartError, TapeError) as error:
                problem = str(error)
            self._tell(Done(work.series.symbol, work.month, month.rows, problem))


class _MonthDownload:
    """One month: its file, else the files of its days, else REST."""

    def __init__(
        self, work: Work, archive: Archive | None, rest: RestCandles, lock: asyncio.Lock, now: Callable[[], Time]
    ) -> None:
        self.rows = 0
        self._series = work.series
        self._month = work.month
        self._span = work.span
        self._archive = archive
        self._rest = rest
        self._lock = lock
        self._now = now

    async def run(self) -> None:
        if self._archive is not None:
            await self._from_archive(self._archive)
        for start, end in self._missing():
            reading, until = await self._rest.candles(self._series.symbol, self._series.timeframe, (start, end))
            if until > start:
                rows = 0 if reading is None else len(reading.candles)
                times = iso(start), iso(until)
                source = Source("rest", self._rest.source, *times, rows, iso(self._now()))
                await self._keep(reading, source)

    async def _from_archive(self, archive: Archive) -> None:
        now, whole = self._now(), month_span(self._month)
        if whole[1] <= now and len(days_in(self._missing())) > _FEW_DAYS:
            await self._fetch(archive, self._month, whole, whole[1] + _MONTHLY_BY <= now)
        for day in days_in(self._missing()):
            if day + DAY <= now:
                await self._fetch(archive, day_of(day), (day, day + DAY), day + DAY + _DAILY_BY <= now)

    async def _fetch(self, archive: Archive, part: str, span: Span, final: bool) -> None:
        """Take a file of the archive in; where it is not there for good, that is noted."""
        series = self._series
        found = await archive.candles(series.symbol, series.timeframe, part)
        times = iso(span[0]), iso(span[1])
        if found is not None:
            source = Source(
                "archive", found.name, *times, len(found.reading.candles), iso(self._now()), checksum=found.checksum
            )
            await self._keep(self._new(found, span), source)
        elif final:
            name = archive.url(series.symbol, series.timeframe, part).rpartition("/")[2]
            await self._keep(None, Source("archive", name, *times, 0, iso(self._now()), absent=True))

    def _new(self, found: ArchiveFile, span: Span) -> Reading:
        """Return the candles of a file that no other source told of. Raises PartError for those of another time."""
        candles = found.reading.candles
        times = candles.open_time
        if len(times) and not (span[0] <= int(times.min()) and int(times.max()) < span[1]):
            raise PartError(
                f"{found.name}: holds candles from {iso(int(times.min()))} to {iso(int(times.max()))}: not of its time"
            )
        kept = times < 0
        for start, end in without(span, self._series.covered(self._month)):
            kept |= (times >= start) & (times < end)
        columns = (getattr(candles, name)[kept] for name in ("open", "high", "low", "close", "volume"))
        opened, high, low, close, volume = columns
        digits = candles.volume_digits
        new = Candles(candles.symbol, candles.timeframe, times[kept], opened, high, low, close, volume, digits)
        return Reading(found.reading.source, new)

    def _missing(self) -> list[Span]:
        return without(self._span, self._series.covered(self._month))

    async def _keep(self, reading: Reading | None, source: Source) -> None:
        async with self._lock:
            kept = asyncio.to_thread(self._series.add, self._month, [] if reading is None else [reading], source)
            self.rows += await asyncio.shield(kept)


def check_wanted(wanted: Wanted) -> None:
    """Raise HistoryError for a span that cannot be."""
    start, end = wanted.span
    if start >= end:
        raise HistoryError(f"nothing to download from {iso(start)} to {iso(end)}: --from is to be before --to and now")
    if month_of(start) < "2017-07":
        raise HistoryError(f"--from {iso(start)}: Binance began in July 2017: give a date from then on")
