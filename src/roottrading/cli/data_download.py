"""`roottrading data download`: past candles of Binance into a catalog."""

import asyncio
import logging
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from roottrading.cli import options
from roottrading.cli.errors import FAILED, INTERRUPTED, CommandError

if TYPE_CHECKING:
    from roottrading.domain.time import Time
    from roottrading.history.download import Done, Download, Wanted

CATALOG: Final = Path("catalog")
BINANCE: Final = "binance"
AnyTimeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]

Catalog = Annotated[Path, typer.Option("--catalog", metavar="DIR", help="The catalog's folder; made if need be.")]
Symbols = Annotated[str, typer.Option("--symbols", metavar="A,B", help="Symbols, as the exchange writes them.")]
Timeframe = Annotated[AnyTimeframe, typer.Option("--timeframe", help="Timeframe of the candles.")]
From = Annotated[str, typer.Option("--from", metavar="DATE", help="From this date on, UTC.")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Until this date (else now).")]
Market = Annotated[
    str, typer.Option("--market", metavar="binance|URL", help="Binance, or an exchange server: where REST is.")
]
FromArchive = Annotated[
    bool, typer.Option("--archive/--no-archive", help="Take what Binance's archive has from there, the rest over REST.")
]


def download(
    symbols: Symbols,
    start: From,
    end: To = None,
    timeframe: Timeframe = "1m",
    catalog: Catalog = CATALOG,
    market: Market = BINANCE,
    archive: FromArchive = True,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Download candles from Binance's archive, the newest days over REST, into a catalog for --tape.

    What the catalog has is not fetched again: stopped at any moment, the same command goes on.
    """
    check_extras()
    settings = options.load_settings(config, assignments).settings.binance
    rest = settings.public_rest if market == BINANCE else address(market)

    from roottrading.domain.time import duration
    from roottrading.history.catalog import writing_into
    from roottrading.history.download import Download, Wanted, check_wanted

    now = time.time_ns() // 1000
    step = duration(timeframe)
    first, last = _moment("--from", start), now if end is None else min(now, _moment("--to", end))
    wanted = Wanted(
        symbol_names(symbols),
        timeframe,
        (first - first % step, last - last % -step),
        settings.archive if archive else "",
        rest,
    )
    check_wanted(wanted)
    with writing_into(catalog):
        shown = _Shown()
        made = Download(catalog, wanted, shown.tell)
        try:
            shown.run(made)
        except KeyboardInterrupt:
            typer.echo(f"interrupted: what was fetched is in {catalog}, and the same command goes on", err=True)
            raise typer.Exit(INTERRUPTED) from None
    shown.sum_up(made, wanted, catalog)


def check_extras() -> None:
    """Raise CommandError where a package is missing that fetching and keeping candles needs."""
    check_aiohttp()
    check_parquet()


def check_aiohttp() -> None:
    """Raise CommandError where nobody can be spoken with."""
    if find_spec("aiohttp") is None:
        raise CommandError("this speaks with Binance: pip install 'roottrading[binance]'")


def check_parquet() -> None:
    """Raise CommandError where no Parquet can be written."""
    if find_spec("polars") is None:
        raise CommandError("a catalog is of Parquet files: pip install 'roottrading[parquet]'")


def symbol_names(text: str) -> tuple[str, ...]:
    """Return the symbols of an option; CommandError where one is none."""
    names = tuple(dict.fromkeys(name.strip().upper() for name in text.split(",") if name.strip()))
    for name in names:
        if not (name.isascii() and name.isalnum()):
            raise CommandError(f"--symbols {text}: {name!r} is no symbol: write them as BTCUSDT,ETHUSDT")
    if not names:
        raise CommandError("--symbols: name at least one, such as BTCUSDT,ETHUSDT")
    return names


def address(market: str) -> str:
    """Return the root of an exchange server's REST; CommandError where --market is no address."""
    from roottrading.adapters.exchange.binance.settings import roots_at

    try:
        return roots_at(market)[0]
    except ValueError:
        raise CommandError(f"--market {market}: write binance, or an address such as http://127.0.0.1:8080") from None


def _moment(option: str, text: str) -> "Time":
    from roottrading.domain.time import parse_time

    try:
        return parse_time(text)
    except ValueError:
        raise CommandError(f"{option} {text}: write a date such as 2024-01-31") from None


class _Shown:
    """Shows how far the download is, and in the end what came of it."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console()
        self._done: list[Done] = []
        self._advance: Callable[[], None] = lambda: None

    def run(self, made: "Download") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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

    def tell(self, done: "Done") -> None:
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

    def sum_up(self, made: "Download", wanted: "Wanted", catalog: Path) -> None:
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

    def __init__(self, shown: _Shown) -> None:
        super().__init__(logging.WARNING)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        """Show the warning."""
        self._shown.warn(record.getMessage())
