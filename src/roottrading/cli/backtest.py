"""`roottrading backtest`: a recorded market as fast as it goes."""

import time
from typing import TYPE_CHECKING

from roottrading.cli import options

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from roottrading.runtimes.session import Position


def backtest(
    tape: options.Tape = None,
    instruments: options.Instruments = None,
    symbols: options.Symbols = None,
    timeframe: options.Timeframe = None,
    start: options.From = None,
    end: options.To = None,
    strategies: options.Strategies = None,
    capital: options.Capital = None,
    output: options.Output = None,
    report: options.Report = None,
    equity: options.Equity = None,
    log: options.Log = None,
    ledger: options.Ledger = None,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Trade a recorded market as fast as it goes, check the strategies, and report."""
    loaded = options.load_settings(
        config,
        assignments,
        tape=tape,
        instruments=instruments,
        symbols=symbols,
        timeframe=timeframe,
        start=start,
        end=end,
        strategies=strategies,
        capital=capital,
        output=output,
        report=report,
        equity=equity,
        log=log,
        ledger=ledger,
    )
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from roottrading.cli import checking
    from roottrading.cli.preparing import prepare
    from roottrading.cli.reporting import begin_log, check_outputs, claim_outputs, finish, warn
    from roottrading.runtimes.backtest import run_backtest
    from roottrading.runtimes.learning import whole_blocks

    settings = loaded.settings
    check_outputs(settings.run)
    log_file = begin_log(settings.run)
    prepared = prepare(settings)
    warn(prepared.faults)
    claim_outputs(settings.run)
    market = prepared.market
    blocks = whole_blocks(prepared.cast, market)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("trading", total=market.end - market.start)
        store = run_backtest(settings, prepared.cast, market, Advance(bar, task, market.start), blocks=blocks)
    finish(prepared, store, console, checking.lines(checking.check(prepared, blocks, store)), log_file)


class Advance:
    """Moves a progress bar, at most ten times a second."""

    def __init__(self, bar: "Progress", task: "TaskID", start: int) -> None:
        self._bar = bar
        self._task = task
        self._start = start
        self._next = 0.0

    def __call__(self, position: "Position") -> bool:
        """Note the place; never stops the run."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.1
            self._bar.update(self._task, completed=position.at - self._start)
        return True
