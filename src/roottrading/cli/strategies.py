"""`roottrading strategies`: which there are, what they take, a new one, and whether one is honest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roottrading.cli import options
from roottrading.cli.errors import FAILED, CommandError

if TYPE_CHECKING:
    from roottrading.strategies.catalog import Loaded
    from roottrading.strategies.contract import Strategy

app = typer.Typer(help="List, show, begin and check strategies.", no_args_is_help=True)

Folder = Annotated[
    Path | None, typer.Option("--folder", help="Folder with strategies of your own (else the settings').")
]
Name = Annotated[str, typer.Argument(help="A strategy's name: its file's, without .py.")]


@app.command("list")
def list_all(folder: Folder = None, config: options.ConfigFile = None) -> None:
    """List all strategies: the package's, installed ones, and those of your folder."""
    from rich.console import Console
    from rich.table import Table

    loaded = _load(folder, config)
    table = Table(box=None, pad_edge=False)
    for head in ("strategy", "family", "what it does"):
        table.add_column(head)
    for name, strategy in sorted(loaded.strategies.items()):
        table.add_row(name, strategy.family, _summary(strategy))
    Console().print(table)
    for fault in (*loaded.broken, *loaded.warnings):
        typer.echo(f"warning: {fault}", err=True)


@app.command()
def show(name: Name, folder: Folder = None, config: options.ConfigFile = None) -> None:
    """Show one strategy: its idea, its parameters, and what can be put into the settings."""
    from roottrading.config.values import to_toml
    from roottrading.strategies import catalog

    strategy = _named(name, _load(folder, config))
    typer.echo(f"{name} ({strategy.family})\n{_summary(strategy)}")
    made = catalog.make(name, {}, {name: strategy})
    typer.echo(f"needs {made.lookback} candles before its first opinion\n")
    typer.echo(f"[strategies.{name}.parameters]")
    for parameter in catalog.describe(strategy):
        meaning = f": {parameter.description}" if parameter.description else ""
        typer.echo(f"{parameter.name} = {to_toml(parameter.default)}  # {parameter.allowed}{meaning}")


@app.command()
def new(
    name: Name,
    folder: Annotated[Path, typer.Option("--folder", help="Where to write it.")] = Path("strategies"),
) -> None:
    """Write a new strategy that works as it stands, to be changed."""
    from roottrading.config.settings import STRATEGY_FOLDER
    from roottrading.strategies import catalog

    text = catalog.template(name)
    if name in catalog.load().strategies:
        raise CommandError(f"there is a strategy {name!r} already: choose another name, or two would answer to it")
    path = folder / f"{name}.py"
    if path.exists():
        raise CommandError(f"{path} is there already: choose another name, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    where = "" if str(folder) == STRATEGY_FOLDER else f" --folder {folder}"
    typer.echo(f"wrote {path}: change it, then `roottrading strategies check {name}{where}`")


@app.command()
def check(
    name: Name,
    folder: Folder = None,
    tape: options.Tape = None,
    instruments: options.Instruments = None,
    symbols: options.Symbols = None,
    timeframe: options.Timeframe = None,
    start: options.From = None,
    end: options.To = None,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Look for look-ahead and short warm-up on thousands of candles, then trade the strategy and report.

    Fails where something is found.
    """
    loaded = options.load_settings(
        config,
        assignments,
        tape=tape,
        instruments=instruments,
        symbols=symbols,
        timeframe=timeframe,
        start=start,
        end=end,
        name=name,
        folder=folder,
    )
    from rich.console import Console

    from roottrading.cli import checking
    from roottrading.cli.preparing import prepare
    from roottrading.cli.reporting import check_outputs, claim_outputs, finish
    from roottrading.reports.wording import counted
    from roottrading.research.checks import DEEP
    from roottrading.runtimes.backtest import run_backtest
    from roottrading.runtimes.learning import whole_blocks

    check_outputs(loaded.settings.run)
    prepared = prepare(loaded.settings)
    claim_outputs(loaded.settings.run)
    blocks = whole_blocks(prepared.cast, prepared.market)
    store = run_backtest(prepared.settings, prepared.cast, prepared.market, blocks=blocks)
    checks = checking.check(prepared, blocks, store, DEEP)
    finish(prepared, store, Console(), checking.lines(checks))
    findings = [finding for each in checks for finding in each.findings]
    for finding in findings:
        typer.echo(f"error: {finding}", err=True)
    looked = sum(each.look_ahead_checked for each in checks)
    said = counted(len(findings), "finding", "findings") if findings else "nothing wrong"
    typer.echo(f"{name}: looked at {looked:,} candles, {said}")
    if findings:
        raise typer.Exit(FAILED)


def _load(folder: Path | None, config: Path | None) -> "Loaded":
    from roottrading.cli.preparing import known_strategies

    return known_strategies(options.load_settings(config, folder=folder).settings)


def _named(name: str, loaded: "Loaded") -> "type[Strategy]":
    for fault in loaded.broken:
        if fault.name == name:
            raise CommandError(str(fault))
    if name not in loaded.strategies:
        raise CommandError(f"there is no strategy {name!r}: `roottrading strategies list` shows what there is")
    return loaded.strategies[name]


def _summary(strategy: "type[Strategy]") -> str:
    return " ".join((strategy.__doc__ or "").partition("\n\n")[0].split())
