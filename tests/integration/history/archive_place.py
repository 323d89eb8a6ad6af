"""Binance's archive on loopback: real files of it, their checksums made here, and whatever can go wrong on the way."""

import asyncio
import gzip
import io
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from tests.recorded import SAMPLES

ARCHIVE = Path(__file__).parents[2] / "data" / "archive"
HOURS = {month: ARCHIVE / f"BTCUSDT-1h-{month}.csv.gz" for month in ("2024-12", "2025-01")}
Fault = Callable[[web.Request, bytes], "bytes | float | web.StreamResponse | None"]


def zipped(name: str, text: bytes) -> bytes:
    """Return a ZIP as the archive makes them: one CSV of the same name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name.replace(".zip", ".csv")), text)
    return packed.getvalue()


def hours(month: str) -> list[bytes]:
    """Return the lines of the archive's file of hourly candles of BTCUSDT."""
    return gzip.decompress(HOURS[month].read_bytes()).splitlines(keepends=True)


def hours_of(day: str) -> bytes:
    """Return a day's file, cut out of its month."""
    first = 24 * (int(day[8:]) - 1)
    return zipped(f"BTCUSDT-1h-{day}.zip", b"".join(hours(day[:7])[first : first + 24]))


class ArchivePlace:
    """Files by name (`BTCUSDT-1h-2024-12.zip`), what was asked for, and faults by name, one an occurrence."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.faults: dict[str, list[Fault]] = {}
        self.delay = 0.0
        self.url = ""
        for month in HOURS:
            name = f"BTCUSDT-1h-{month}.zip"
            self.files[name] = zipped(name, b"".join(hours(month)))
        for path in (*SAMPLES.glob("*.zip"), *ARCHIVE.glob("*.zip")):
            self.files[path.name] = path.read_bytes()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        folder = "monthly" if len(name.removesuffix(".CHECKSUM")) == len("BTCUSDT-1h-2024-12.zip") else "daily"
        self.asked[name] += 1
        await asyncio.sleep(self.delay)
        body = self._body(name) if f"/{folder}/" in request.path else None
        faults = self.faults.get(name)
        if faults:
            said = faults.pop(0)(request, body or b"")
            if isinstance(said, float):
                await asyncio.sleep(said)
                said = body
            if said is None or isinstance(said, web.StreamResponse):
                return said or web.Response(status=404)
            body = said
        return (
            web.Response(body=body) if body is not None else web.Response(status=404, text="<Error>NoSuchKey</Error>")
        )

    def _body(self, name: str) -> bytes | None:
        if not name.endswith(".CHECKSUM"):
            return self.files.get(name)
        file = name.removesuffix(".CHECKSUM")
        data = self.files.get(file)
        return None if data is None else f"{sha256(data).hexdigest()}  {file}\n".encode()


def status(code: int, **headers: str) -> Fault:
    """Return a fault: another status than 200."""
    return lambda request, body: web.Response(
        status=code, headers={key.replace("_", "-"): headers[key] for key in headers}
    )


def cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Cut the connection in the middle of the body."""
    assert request.transport is not None
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    request.transport.write(head + body[: len(body) // 2])
    request.transport.close()
    return web.Response()


def dropped(request: web.Request, body: bytes) -> web.StreamResponse:
    """Close the connection without a word."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def silent(request: web.Request, body: bytes) -> float:
    """Say nothing for a while."""
    return 0.6


def truncated(request: web.Request, body: bytes) -> bytes:
    """Answer in good order with half of the file."""
    return body[: len(body) // 2]


def another_checksum(request: web.Request, body: bytes) -> bytes:
    """Tell the checksum of something else."""
    return sha256(b"something else").hexdigest().encode() + body[64:]


@asynccontextmanager
async def archive_place() -> AsyncIterator[ArchivePlace]:
    """Serve the archive."""
    place = ArchivePlace()
    app = web.Application()
    app.router.add_get("/data/spot/{folder}/klines/{symbol}/{timeframe}/{name}", place.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    place.url = f"http://{host}:{port}"
    try:
        yield place
    finally:
        await runner.cleanup()
