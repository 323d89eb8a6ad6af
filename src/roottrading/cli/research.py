"""`roottrading research`: what a way to trade would have made of data that it had not seen."""

from typing import Annotated

import typer

from roottrading.cli import options

app = typer.Typer(help="Judge ways to trade on data that they have not seen.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass  # so that a single command keeps its name


@app.command("walk-forward")
def walk_forward(
    tape: options.Tape = None,
    instruments: options.Instruments = None,
    symbols: options.Symbols = None,
    timeframe: options.Timeframe = None,
    start: options.From = None,
    end: options.To = None,
    strategies: options.Strategies = None,
    window: Annotated[int, typer.Option("--window", min=1, metavar="DAYS", help="Days after which is chosen anew.")] = (
        30
    ),
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Compare learned weights, equal ones, the best strategy of the window before, and holding, as a Markdown table."""
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
    )
    from rich.console import Console

    from roottrading.cli.errors import CommandError
    from roottrading.cli.preparing import prepare
    from roottrading.cli.reporting import warn
    from roottrading.research import walk_forward as research
    from roottrading.research.walk_forward_text import lines

    prepared = prepare(loaded.settings)
    warn(prepared.faults)
    market = prepared.market
    try:
        research.windows(market, window)
    except ValueError as error:
        raise CommandError(str(error)) from None
    with Console(stderr=True).status("walking forward") as status:
        found = research.walk_forward(
            prepared.settings, prepared.cast.uses, market, window, lambda name: status.update(f"trading {name}")
        )
    for line in lines(found):
        typer.echo(line)
