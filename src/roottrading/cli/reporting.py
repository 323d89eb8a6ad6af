"""What commands that trade have in common around the run: the log, warnings, the report and its files."""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

import typer
from rich.console import Console

from roottrading.adapters.store.port import Store
from roottrading.cli.errors import CommandError
from roottrading.cli.failing import notes
from roottrading.cli.json_log import LogFile, log_to
from roottrading.cli.preparing import Prepared
from roottrading.cli.tried_sets import tried_sets
from roottrading.config.settings import RunSettings
from roottrading.reports import CheckLine, build_report, print_report, write_outputs
from roottrading.reports.outputs import OutputError
from roottrading.runtimes.result import gather


def check_outputs(run: RunSettings) -> None:
    """Raise CommandError before the work is done where its files would have nowhere to go."""
    if run.output is None and (run.report == "html" or run.equity == "every-candle"):
        wanted = "--report html" if run.report == "html" else "--equity every-candle"
        raise CommandError(f"{wanted} writes a file: name a folder with --output")
    if run.equity == "every-candle" and find_spec("polars") is None:
        raise CommandError("--equity every-candle writes Parquet: pip install 'roottrading[parquet]'")


def claim_outputs(run: RunSettings) -> None:
    """Make the folder of the outputs before the work is done; raises OutputError where nothing can be written there."""
    if run.output is None:
        return
    folder = Path(run.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; choose another folder") from error


def begin_log(run: RunSettings) -> LogFile | None:
    """Begin the log, where one is wanted. Raises OSError where it cannot be written."""
    return None if run.log is None else log_to(Path(run.log))


def warn(lines: Iterable[str]) -> None:
    """Print warnings."""
    for line in lines:
        typer.echo(f"warning: {line}", err=True)


def finish(
    prepared: Prepared,
    store: Store,
    console: Console,
    checks: Sequence[CheckLine] = (),
    log: LogFile | None = None,
) -> None:
    """Print the report of a run that came to its end, and write the files where a folder is named."""
    run, market = prepared.settings.run, prepared.market
    said = (*notes(store, prepared.faults), *(() if log is None else log.notes()))
    tried = tried_sets(prepared) if run.ledger else None
    others = tried.others() if tried else ()
    result = gather(prepared.settings, market, store, market.end, checks, said, others)
    report = build_report(result)
    if tried:
        tried.add(report.metrics.sharpe)
        warn(tried.notes)
    print_report(report, console)
    if run.output is not None:
        html, every_candle = run.report == "html", run.equity == "every-candle"
        for path in write_outputs(result, report, Path(run.output), html, every_candle):
            typer.echo(f"wrote {path}")
