"""`roottrading data record`: the market's streams into a file that `roottrading exchange --tape` replays."""

import asyncio
import contextlib
import logging
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roottrading.cli import options
from roottrading.cli.data_download import BINANCE, Symbols, address, check_aiohttp, symbol_names
from roottrading.cli.errors import CommandError

if TYPE_CHECKING:
    from roottrading.history.recording.recorder import Recorder
    from roottrading.history.recording.recording_file import RecordingFile

_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Output = Annotated[Path, typer.Option("--output", metavar="FILE", help="File to record into, such as market.gz.")]
Market = Annotated[
    str, typer.Option("--market", metavar="binance|URL", help="Binance, or an exchange server: whose streams.")
]
For = Annotated[
    str | None, typer.Option("--for", metavar="10m", help="How long: 30s, 10m, 2h, 7d (else until Ctrl-C).")
]


def record(
    symbols: Symbols,
    output: Output,
    duration: For = None,
    market: Market = BINANCE,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Record trades, best quotes, books and candles as they come; `exchange --tape FILE` replays the file.

    Into a file that is there, the recording goes on. Ctrl-C ends it.
    """
    check_aiohttp()
    settings = options.load_settings(config, assignments).settings.binance
    rest, streams = settings.public_rest, settings.public_stream
    if market != BINANCE:
        rest = address(market)
        streams = f"ws{rest.removeprefix('http')}"
    seconds = None if duration is None else _seconds(duration)

    from roottrading.history.recording.recorder import Recorder
    from roottrading.history.recording.recording_file import RecordingFile

    names = symbol_names(symbols)
    file = RecordingFile(output)
    try:
        if file.cut_off:
            typer.echo(f"{output}: goes on; {file.cut_off:,} bytes of an unfinished part were cut off", err=True)
        recorder = Recorder(rest, streams, names, file)
        logging.getLogger("roottrading.history").addHandler(handler := _Lines())
        try:
            asyncio.run(_record(recorder, seconds))
        finally:
            logging.getLogger("roottrading.history").removeHandler(handler)
        _sum_up(recorder, file)
    finally:
        file.close()


def _seconds(text: str) -> int:
    match = _SPAN.fullmatch(text)
    if match is None or not int(match[1]):
        raise CommandError(f"--for {text}: write a time such as 30s, 10m, 2h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


async def _record(recorder: "Recorder", seconds: int | None) -> None:
    """Record for so long, or until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = asyncio.create_task(recorder.run())
    ending = asyncio.create_task(_end(recorder, seconds, stop))
    await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _end(recorder: "Recorder", seconds: int | None, stop: asyncio.Event) -> None:
    """Return when the time is over that began with the first whole book, or at a signal."""

    async def begun() -> None:
        await recorder.recording.wait()
        typer.echo("recording")

    telling = asyncio.create_task(begun())
    try:
        if seconds is None:
            await stop.wait()
            return
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait((telling, waiting), return_when=asyncio.FIRST_COMPLETED)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await waiting
    finally:
        telling.cancel()


def _sum_up(recorder: "Recorder", file: "RecordingFile") -> None:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(recorder.counts.items())) or "nothing"
    typer.echo(f"{file.path}: {file.frames:,} lines ({kinds}), {file.size / 1e6:.1f} MB in all")
    if recorder.missed:
        missed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(recorder.missed.items()))
        typer.echo(f"not heard, through {recorder.cuts} cuts: {missed}", err=True)


class _Lines(logging.Handler):
    """Passes warnings on to the person."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Show the warning."""
        typer.echo(f"warning: {record.getMessage()}", err=True)
