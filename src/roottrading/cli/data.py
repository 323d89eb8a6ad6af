"""`roottrading data`: fetch, take in, record, look through and fold a market's history."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from roottrading.cli import data_download, data_record
from roottrading.cli.errors import FAILED

app = typer.Typer(help="Download, import, record, check and fold candles.", no_args_is_help=True)
app.command()(data_download.download)
app.command()(data_record.record)

CATALOG: Final = data_download.CATALOG
Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Catalogs, files (SYMBOL-TIMEFRAME-*.zip, .csv, .csv.gz, .parquet) or folders (else the shipped tape)."
    ),
]


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files (SYMBOL-TIMEFRAME-*.zip, .csv, ...) or folders.")],
    catalog: data_download.Catalog = CATALOG,
    symbol: Annotated[
        str | None, typer.Option("--symbol", help="Symbol, where the files' names do not say it.")
    ] = None,
    timeframe: Annotated[
        data_download.AnyTimeframe | None, typer.Option("--timeframe", help="Timeframe, where names do not say it.")
    ] = None,
) -> None:
    """Take candles of your own (CSV, ZIP, Parquet) into a catalog; what it has already counts once."""
    from roottrading.history.catalog import writing_into
    from roottrading.history.importing import files_to_import, import_files

    data_download.check_parquet()
    files = files_to_import(paths, symbol, timeframe)
    with writing_into(catalog):
        for done in import_files(catalog, files, time.time_ns() // 1000):
            typer.echo(f"{done.path}: {done.symbol} {done.timeframe}, {done.rows:,} candles, {done.new:,} of them new")


@app.command("list")
def list_(catalog: Annotated[Path, typer.Argument(help="The catalog's folder.")] = CATALOG) -> None:
    """Tell what a catalog holds: symbols, spans, candles, gaps."""
    from rich.console import Console
    from rich.table import Table

    from roottrading.domain.time import iso
    from roottrading.history.errors import HistoryError
    from roottrading.history.looking import held

    found = held(catalog)
    if not found:
        raise HistoryError(f"{catalog}: no catalog here: `roottrading data download` makes one")
    table = Table(box=None, pad_edge=False)
    for name, side in (("symbol", "left"), ("timeframe", "left"), ("from", "left"), ("to", "left")):
        table.add_column(name, justify=side, no_wrap=True)  # type: ignore[arg-type]
    for name in ("candles", "gaps", "missing", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        missing = sum(gap.missing for gap in each.gaps)
        table.add_row(
            each.symbol,
            each.timeframe,
            iso(each.first) if each.rows else "-",
            iso(each.last) if each.rows else "-",
            f"{each.rows:,}",
            f"{len(each.gaps):,}",
            f"{missing:,}",
            f"{each.bytes / 1e6:.1f}",
        )
    Console(width=max(100, Console().width), soft_wrap=True).print(table)


@app.command()
def check(paths: Paths = None) -> None:
    """Tell of gaps, duplicates, silent candles and whatever is wrong, file by file; fails where something is."""
    from roottrading.adapters.tape.shipped import shipped_tape
    from roottrading.history.looking import check_all

    reports = check_all(paths or shipped_tape(), now=time.time_ns() // 1000)
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
