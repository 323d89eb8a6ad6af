"""`roottrading data`: look through candles, and fold them into longer timeframes."""

import time
from pathlib import Path
from typing import Annotated

import typer

from roottrading.cli.errors import FAILED

app = typer.Typer(help="Check and fold files of candles.", no_args_is_help=True)

Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Files (SYMBOL-TIMEFRAME-*.zip, .csv, .csv.gz, .parquet) or folders (else the shipped tape)."),
]


@app.command()
def check(paths: Paths = None) -> None:
    """Tell of gaps, duplicates, silent candles and whatever is wrong, file by file; fails where something is."""
    from roottrading.adapters.tape.check import check_files
    from roottrading.adapters.tape.shipped import shipped_tape

    reports = check_files(paths or shipped_tape(), now=time.time_ns() // 1000)
    for report in reports:
        typer.echo(report.describe())
    wrong = sum(not report.sound for report in reports)
    typer.echo(f"{len(reports)} files, {wrong} of them wrong" if wrong else f"{len(reports)} files, all sound")
    if wrong:
        raise typer.Exit(FAILED)


@app.command()
def fold(
    timeframe: Annotated[str, typer.Option("--timeframe", help="Timeframe to fold into: 3m, 5m, 15m, 1h, 4h, 1d.")],
    output: Annotated[Path, typer.Option("--output", help="Folder to write into.")],
    paths: Paths = None,
    form: Annotated[str, typer.Option("--form", help="csv, csv.gz or parquet.")] = "csv.gz",
) -> None:
    """Fold candles into a longer timeframe, one file per symbol."""
    from roottrading.adapters.tape.check import fold_files
    from roottrading.adapters.tape.shipped import shipped_tape
    from roottrading.services.gateway.fold import fold as fold_candles

    now = time.time_ns() // 1000
    for path in fold_files(paths or shipped_tape(), timeframe, output, fold_candles, form, now=now):
        typer.echo(str(path))
