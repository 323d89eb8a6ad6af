"""The recorder: keeps listening, through cuts and renewals, and writes what it hears."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import aiohttp
from msgspec import Struct

from roottrading.adapters.exchange.binance.answers import Success
from roottrading.history.errors import HistoryError
from roottrading.history.fetching import Patience
from roottrading.history.public_rest import PublicRest
from roottrading.history.recording.books import Book, streams_of
from roottrading.history.recording.listening import Listening
from roottrading.history.recording.recording_file import RecordingFile
from roottrading.history.recording.sequences import DEPTH, Said, Sequences

_LOG: Final = logging.getLogger(__name__)
MOST_SYMBOLS: Final = 200  # five streams each, on one connection of at most 1,024
_LEVELS: Final = 1_000
_DEPTH_WEIGHT: Final = 50


class Keeping(Struct, frozen=True):
    """How connections are kept, in seconds.

    One is replaced after `lifetime` (Binance ends it after 24 hours) by another that overlaps it for `overlap`; one
    that served for `proven` ends a row of failures. All streams are to be confirmed within `opening`. What was heard
    reaches the disk after `flush`.
    """

    lifetime: float = 23.5 * 3_600
    overlap: float = 5.0
    proven: float = 60.0
    opening: float = 20.0
    flush: float = 2.0


class Recorder:
    """Records symbols until it is canceled; `counts` are frames by kind, `missed` prints and changes not heard."""

    def __init__(
        self,
        rest: str,
        streams: str,
        symbols: Sequence[str],
        file: RecordingFile,
        patience: Patience | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        """Take the two doors of the market, and where to write. Raises HistoryError for too many symbols."""
        if len(symbols) > MOST_SYMBOLS:
            raise HistoryError(f"{len(symbols)} symbols: one recording holds at most {MOST_SYMBOLS}; make several")
        self.counts: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.cuts = 0
        self.renewals = 0
        self.recording = asyncio.Event()
        self._symbols = tuple(symbols)
        self._streams = streams
        self._file = file
        self._patience = patience or Patience()
        self._keeping = keeping or Keeping()
        self._rest = PublicRest(rest, self._patience)
        self._sequences = Sequences()
        self._books = {symbol: Book(symbol) for symbol in symbols}
        self._wanting = asyncio.Event()

    async def run(self) -> None:
        """Record until canceled; what was heard is in the file then.

        Raises HistoryError where the exchange is not reached at all, does not list a symbol, or the disk is full.
        """
        try:
            await self._rest.open()
            await self._rest.check_listed(self._symbols)
            async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_flushing())
                tasks.create_task(self._keep_snapshots())
                tasks.create_task(self._keep_listening(session, tasks))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            await self._rest.close()
            self._file.flush()

    async def _keep_listening(self, session: aiohttp.ClientSession, tasks: asyncio.TaskGroup) -> None:
        names = [name for symbol in self._symbols for name in streams_of(symbol)]
        old: asyncio.Task[None] | None = None
        failures = 0
        while True:
            listening = Listening(session, self._streams, names, self._hear)
            task = tasks.create_task(listening.run())
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._keeping.opening):
                    await _first_of(listening.serving, listening.over)
            except TimeoutError:
                task.cancel()
                listening.end("its streams were not confirmed in time")
            if listening.serving.is_set() and old is not None:
                await asyncio.sleep(self._keeping.overlap)
                old.cancel()
                old = None
            try:
                async with asyncio.timeout(self._keeping.lifetime):
                    await listening.over.wait()
            except TimeoutError:
                listening.why = "renewed by age"
            if not task.done() and listening.serving.is_set():
                _LOG.info("a new connection: %s", listening.why)
                self.renewals += 1
                old = task
                continue
            self.cuts += 1
            _LOG.warning("the streams were cut: %s", listening.why)
            failures = 1 if time.monotonic() - began > self._keeping.proven else failures + 1
            await asyncio.sleep(max(self._patience.pause(failures), listening.retry_after))

    async def _keep_snapshots(self) -> None:
        """Fetch the snapshots that books want, one after the other."""
        while True:
            await self._wanting.wait()
            self._wanting.clear()
            for symbol, book in self._books.items():
                if book.waits:
                    await self._fetch_snapshot(symbol, book)
            if any(book.waits for book in self._books.values()):
                self._wanting.set()
                await asyncio.sleep(self._patience.pause(1))
            if all(not book.wants_snapshot for book in self._books.values()):
                self.recording.set()

    async def _fetch_snapshot(self, symbol: str, book: Book) -> None:
        params: dict[str, str | int | bool] = {"symbol": symbol, "limit": _LEVELS}
        try:
            answer = await self._rest.ask("/api/v3/depth", params, _DEPTH_WEIGHT)
        except HistoryError as error:
            if not self.recording.is_set():
                raise
            _LOG.warning("%s: %s: its changes are held back", symbol, error)
            return
        if isinstance(answer, Success):
            for came_at, line in book.snapshot(time.time_ns(), answer.told):
                self._file.write(came_at, line)

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(self._keeping.flush)
            self._file.flush()

    def _hear(self, came_at: int, said: Said, frame: bytes) -> None:
        news = self._sequences.take(said)
        if news is None or news.symbol not in self._books:
            return
        self.counts[news.kind] += 1
        if news.missing:
            self.missed[news.kind] += news.missing
            _LOG.warning("%s: %d %s were not heard", news.symbol, news.missing, news.kind)
        if news.kind != DEPTH:
            self._file.write(came_at, frame)
            return
        book = self._books[news.symbol]
        for at, line in book.change(news, came_at, frame):
            self._file.write(at, line)
        if book.waits:
            self._wanting.set()


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until one of these is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
