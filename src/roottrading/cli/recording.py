"""A recording as a person sees it: when it begins, what is wrong meanwhile, and what it holds."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

import typer

from roottrading.history.recording.recorder import Recorder
from roottrading.history.recording.recording_file import RecordingFile


def record_into(output: Path, rest: str, streams: str, symbols: Sequence[str], seconds: int | None) -> None:
    """Record for so long, or until a signal comes. Raises HistoryError where that is not possible."""
    file = RecordingFile(output)
    try:
        if file.cut_off:
            typer.echo(f"{output}: goes on; {file.cut_off:,} bytes of an unfinished part were cut off", err=True)
        recorder = Recorder(rest, streams, symbols, file)
        logging.getLogger("roottrading.history").addHandler(handler := _Lines())
        try:
            asyncio.run(_record(recorder, seconds))
        finally:
            logging.getLogger("roottrading.history").removeHandler(handler)
        _sum_up(recorder, file)
    finally:
        file.close()


async def _record(recorder: Recorder, seconds: int | None) -> None:
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


async def _end(recorder: Recorder, seconds: int | None, stop: asyncio.Event) -> None:
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


def _sum_up(recorder: Recorder, file: RecordingFile) -> None:
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
