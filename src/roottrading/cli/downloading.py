"""A download as a person sees it: a bar on a terminal, lines elsewhere, and a summary."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roottrading.cli.errors import FAILED
from roottrading.history.download import Done, Download, Wanted


class Shown:
    """Shows how far the download is, and in the end what came of it."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._console = Console()
        self._done: list[Done] = []
        self._advance: Callable[[], None] = lambda: None

    def run(self, made: Download) -> None:
        """Carry the download out."""
        if not made.months:
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        terminal = self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=not terminal) as bar:
            task = bar.add_task("months", total=len(made.months))
            self._advance = lambda: bar.advance(task)
            logging.getLogger("roottrading.history").addHandler(handler := _Lines(self))
            try:
                asyncio.run(made.run())
            finally:
                logging.getLogger("roottrading.history").removeHandler(handler)

    def tell(self, done: Done) -> None:
        """Note a month."""
        self._done.append(done)
        self._advance()
        if done.problem:
            self.warn(done.problem)
        elif not self._console.is_terminal:
            typer.echo(f"{done.symbol} {done.month}: {done.rows:,} new candles")

    def warn(self, text: str) -> None:
        """Say what somebody should know, above the bar."""
        if self._console.is_terminal:
            self._console.print(f"warning: {text}", markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(f"warning: {text}", err=True)

    def sum_up(self, made: Download, wanted: Wanted, catalog: Path) -> None:
        """Say what there is now; the command fails where something is lacking."""
        empty = [each.symbol for each in made.series if not each.manifest.rows]
        for each in made.series:
            new = sum(done.rows for done in self._done if done.symbol == each.symbol)
            absent = sum(source.absent for month in each.manifest.months.values() for source in month.sources)
            lacks = f"; the archive has no file for {absent} months or days: not listed then" if absent else ""
            typer.echo(
                f"{each.symbol} {wanted.timeframe}: {new:,} new candles, {each.manifest.rows:,} in {catalog}{lacks}"
            )
        problems = sum(bool(done.problem) for done in self._done)
        if empty:
            typer.echo(f"error: no candles of {', '.join(empty)}: check the symbols and the dates", err=True)
        if problems:
            typer.echo(f"error: {problems} months are not whole: the same command tries them again", err=True)
        if empty or problems:
            raise typer.Exit(FAILED)


class _Lines(logging.Handler):
    """Passes warnings on to whoever shows the progress."""

    def __init__(self, shown: Shown) -> None:
        super().__init__(logging.WARNING)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        """Show the warning."""
        self._shown.warn(record.getMessage())
