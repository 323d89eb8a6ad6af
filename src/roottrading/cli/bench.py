"""`roottrading bench`: what an installation is capable of."""

from typing import Annotated

import typer

from roottrading.cli import options
from roottrading.cli.service import Realtime
from roottrading.cli.up import LocalServers

app = typer.Typer(help="Measure what this machine and its servers are capable of.", no_args_is_help=True)

Frames = Annotated[int, typer.Option("--frames", min=10, max=20_000, help="Closed candles that are measured.")]
WarmUp = Annotated[int, typer.Option("--warm-up", min=0, max=5_000, help="Closed candles before them.")]
Rate = Annotated[int, typer.Option("--rate", min=1, max=300, help="Minutes of the market in a minute of ours.")]


@app.command()
def latency(
    frames: Frames = 200,
    warm_up: WarmUp = 60,
    rate: Rate = 60,
    local_servers: LocalServers = False,
    realtime: Realtime = False,
    config: options.ConfigFile = None,
) -> None:
    """Measure the time from a market frame to the order that it leads to, hop by hop, through all seven services.

    They trade the shipped tape on an exchange server of their own, with a database and topics that are gone after it;
    the servers are those that the environment names, or --local-servers.
    """
    loaded = options.load_settings(config)
    from roottrading.cli.bench_latency import Measure, run_latency

    run_latency(loaded.settings, Measure(frames, warm_up, rate, local_servers, realtime))
