"""`roottrading data download`: past candles of Binance into a catalog."""

import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from roottrading.cli import options
from roottrading.cli.errors import INTERRUPTED, CommandError

if TYPE_CHECKING:
    from roottrading.domain.time import Time

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

    from roottrading.cli.downloading import Shown
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
        shown = Shown()
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
