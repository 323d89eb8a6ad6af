"""Options that several commands share, and the way from options to settings."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from msgspec import Struct

    from roottrading.config.load import Loaded
    from roottrading.config.settings import Settings

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file (else roottrading.toml here, if there is one).")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set any key, e.g. coordinator.max_cycles=3.")
]
State = Annotated[Path | None, typer.Option("--state", help="Folder that keeps the state, so that a run can go on.")]
Tape = Annotated[list[str] | None, typer.Option("--tape", metavar="PATH", help="Candles (else the shipped tape).")]
Instruments = Annotated[
    list[str] | None, typer.Option("--instruments", metavar="PATH", help="exchangeInfo files (else the shipped ones).")
]
Symbols = Annotated[str | None, typer.Option("--symbols", metavar="A,B", help="Symbols to trade (else all).")]
Timeframe = Annotated[str | None, typer.Option("--timeframe", help="Timeframe of the strategies, such as 5m.")]
From = Annotated[str | None, typer.Option("--from", metavar="DATE", help="Trade from here on.")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Trade until here.")]
Strategies = Annotated[str | None, typer.Option("--strategies", metavar="all|A,B", help="Strategies to use.")]
Capital = Annotated[str | None, typer.Option("--capital", metavar="N", help="What the bot begins with.")]
Output = Annotated[str | None, typer.Option("--output", metavar="DIR", help="Write report.json and CSV files here.")]
Report = Annotated[
    str | None, typer.Option("--report", metavar="html", help="html: a page with charts in --output, too.")
]
Equity = Annotated[
    str | None, typer.Option("--equity", metavar="every-candle", help="Equity of every candle as Parquet, too.")
]
Ledger = Annotated[bool | None, typer.Option("--ledger/--no-ledger", help="Count the settings tried on these candles.")]
Log = Annotated[str | None, typer.Option("--log", metavar="FILE", help="Append a log of JSON lines.")]


# What a command's parameter sets, and what a person calls it.
SETTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "tape": ("run.tape", "--tape"),
    "instruments": ("run.instruments", "--instruments"),
    "symbols": ("run.symbols", "--symbols"),
    "timeframe": ("run.timeframe", "--timeframe"),
    "start": ("run.start", "--from"),
    "end": ("run.end", "--to"),
    "strategies": ("run.strategies", "--strategies"),
    "name": ("run.strategies", "NAME"),
    "folder": ("run.strategy_folder", "--folder"),
    "capital": ("account.capital", "--capital"),
    "speed": ("run.speed", "--speed"),
    "state": ("run.state", "--state"),
    "exchange": ("run.exchange", "--exchange"),
    "market": ("run.market", "--market"),
    "admin": ("run.admin", "--admin"),
    "output": ("run.output", "--output"),
    "report": ("run.report", "--report"),
    "equity": ("run.equity", "--equity"),
    "log": ("run.log", "--log"),
    "ledger": ("run.ledger", "--ledger"),
}


def load_settings(file: Path | None, assignments: Sequence[str] | None = None, **given: object) -> "Loaded":
    """Return the settings of file, environment and command line, strategies and their parameters checked.

    `given` are parameters of a command by their names in `SETTINGS`; None is one that was not given. Raises
    ConfigError, and CommandError for a strategy that is named and broken.
    """
    from roottrading.config.load import load

    flags = {}
    for parameter, value in given.items():
        key, flag = SETTINGS[parameter]
        if value is not None:
            flags[key] = _text(value), flag
    return load(file, os.environ, assignments or (), flags, _known)


def _known(settings: "Settings") -> "Mapping[str, type[Struct]]":
    """Return the strategies that settings may name, looked for only where they name some; CommandError for a broken."""
    from roottrading.cli.errors import CommandError
    from roottrading.cli.preparing import known_strategies

    if not settings.strategies and settings.run.strategies == ("all",):
        return {}
    known = known_strategies(settings)
    for fault in known.broken:
        if fault.name in settings.run.strategies:
            raise CommandError(str(fault))
    return known.strategies


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
