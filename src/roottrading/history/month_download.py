"""One month of a series: its file of the archive, else the files of its days, and what these lack over REST."""

import asyncio
from collections.abc import Callable
from typing import Final

from roottrading.adapters.tape.reading import Reading
from roottrading.domain.columns import Candles
from roottrading.domain.time import DAY, Time, iso
from roottrading.history.archive import Archive, ArchiveFile
from roottrading.history.catalog import Series
from roottrading.history.errors import PartError
from roottrading.history.manifest import Source
from roottrading.history.months import Span, day_of, days_in, month_span, without
from roottrading.history.rest_candles import RestCandles

_FEW_DAYS: Final = 3  # so many days of a month are fetched as daily files
_MONTHLY_BY: Final = 40 * DAY  # after its end a month that has no file will not get one any more
_DAILY_BY: Final = 4 * DAY  # after its end a day that has no file will not get one any more


class MonthDownload:
    """What is done about a month: `rows` are new candles, `problem` what keeps it from being whole, in words.

    `absent` are files that the archive does not have, and will not get any more.
    """

    def __init__(self, series: Series, month: str, span: Span, lock: asyncio.Lock, now: Callable[[], Time]) -> None:
        """Take the part of the month that is wanted; `lock` is held while the series is written to."""
        self.series = series
        self.month = month
        self.rows = 0
        self.problem = ""
        self.is_done = False
        self.absent: list[Source] = []
        self._span = span
        self._lock = lock
        self._now = now

    def missing(self) -> list[Span]:
        """Return the spans that are neither in the catalog nor known to be nowhere."""
        nowhere = [source.span for source in self.absent]
        return without(self._span, [*self.series.covered(self.month), *nowhere])

    async def from_archive(self, archive: Archive) -> None:
        """Fetch what the archive has. Raises PartError for a file that cannot be used, HistoryError for all of it."""
        now, whole = self._now(), month_span(self.month)
        if whole[1] <= now and len(days_in(self.missing())) > _FEW_DAYS:
            await self._fetch(archive, self.month, whole, whole[1] + _MONTHLY_BY <= now)
        for day in days_in(self.missing()):
            if day + DAY <= now:
                await self._fetch(archive, day_of(day), (day, day + DAY), day + DAY + _DAILY_BY <= now)

    async def from_rest(self, rest: RestCandles) -> None:
        """Ask for what is missing. Raises PartError where the symbol is unknown, HistoryError where nobody answers."""
        for start, end in self.missing():
            reading, until = await rest.candles(self.series.symbol, self.series.timeframe, (start, end))
            if until > start:
                rows = 0 if reading is None else len(reading.candles)
                await self._keep(reading, Source("rest", rest.source, iso(start), iso(until), rows, iso(self._now())))

    def note_unlisted(self) -> None:
        """Keep which files the archive does not have since the symbol was not listed yet; look for the others again.

        A file that is not there although earlier ones are is no sign of that: REST may know better.
        """
        first = self.series.first
        if first is None:
            return
        for source in self.absent:
            if source.span[1] <= first:
                self.series.note(self.month, source)
        self.absent.clear()

    async def _fetch(self, archive: Archive, part: str, span: Span, final: bool) -> None:
        series = self.series
        found = await archive.candles(series.symbol, series.timeframe, part)
        times = iso(span[0]), iso(span[1])
        if found is not None:
            rows = len(found.reading.candles)
            source = Source("archive", found.name, *times, rows, iso(self._now()), checksum=found.checksum)
            await self._keep(self._new(found, span), source)
        elif final:
            name = archive.url(series.symbol, series.timeframe, part).rpartition("/")[2]
            self.absent.append(Source("archive", name, *times, 0, iso(self._now()), absent=True))

    def _new(self, found: ArchiveFile, span: Span) -> Reading:
        """Return the candles of a file that no other source told of. Raises PartError for those of another time."""
        candles = found.reading.candles
        times = candles.open_time
        if len(times) and not (span[0] <= int(times.min()) and int(times.max()) < span[1]):
            raise PartError(
                f"{found.name}: holds candles from {iso(int(times.min()))} to {iso(int(times.max()))}: not of its time"
            )
        kept = times < 0
        for start, end in without(span, self.series.covered(self.month)):
            kept |= (times >= start) & (times < end)
        columns = (getattr(candles, name)[kept] for name in ("open", "high", "low", "close", "volume"))
        opened, high, low, close, volume = columns
        digits = candles.volume_digits
        new = Candles(candles.symbol, candles.timeframe, times[kept], opened, high, low, close, volume, digits)
        return Reading(found.reading.source, new)

    async def _keep(self, reading: Reading | None, source: Source) -> None:
        async with self._lock:
            kept = asyncio.to_thread(self.series.add, self.month, [] if reading is None else [reading], source)
            self.rows += await asyncio.shield(kept)
