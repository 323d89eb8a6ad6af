"""`roottrading control`: the kill switch and a person's commands to a running process (trading-rules 7.4, 7.5)."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from roottrading.cli.errors import CommandError
from roottrading.cli.options import ConfigFile, State, load_settings

if TYPE_CHECKING:
    from roottrading.adapters.store.port import Control
    from roottrading.cli.service_database import ServiceDatabase
    from roottrading.messages.service import TradingState

app = typer.Typer(
    help="See and steer a run through its state folder, or services through their database.",
    no_args_is_help=True,
)

Why = Annotated[str, typer.Option("--why", help="Why you do it; stands in the alert.")]
Who = Annotated[str, typer.Option("--who", help="Who you are (else the user and host).")]
Action = Literal["state", "pause", "resume", "exit", "flatten"]


@app.command()
def status(state: State = None, config: ConfigFile = None) -> None:
    """Show who runs, how far the run is, whether it may buy, and its open cycles."""
    from roottrading.cli.control_status import describe

    for line in describe(where(state, config)):
        typer.echo(line)


@app.command()
def pause(
    symbol: Annotated[str, typer.Argument(help="Only this symbol.")] = "",
    state: State = None,
    config: ConfigFile = None,
    why: Why = "",
    who: Who = "",
) -> None:
    """Buy nothing new, of one symbol or of all; stops and exits go on."""
    _send(where(state, config), "pause", who, why, symbol=symbol)


@app.command("reduce-only")
def reduce_only(state: State = None, config: ConfigFile = None, why: Why = "", who: Who = "") -> None:
    """Buy nothing new until `resume`."""
    _send(where(state, config), "state", who, why, wanted="reduce_only")


@app.command()
def halt(state: State = None, config: ConfigFile = None, why: Why = "", who: Who = "") -> None:
    """The kill switch: no entries; what is open keeps its stop and may leave."""
    _send(where(state, config), "state", who, why, wanted="halted")


@app.command()
def resume(
    symbol: Annotated[str, typer.Argument(help="Only this symbol, paused before.")] = "",
    state: State = None,
    config: ConfigFile = None,
    why: Why = "",
    who: Who = "",
) -> None:
    """Trade again; without a symbol also after a drawdown, from a new mark."""
    _send(where(state, config), "resume", who, why, symbol=symbol, wanted=None if symbol else "trading")


@app.command("exit")
def leave(
    cycle: Annotated[str, typer.Argument(help="Id of the cycle; `status` shows it.")],
    state: State = None,
    config: ConfigFile = None,
    why: Why = "",
    who: Who = "",
) -> None:
    """Sell one open cycle at market."""
    from roottrading.cli.control_status import open_cycles

    place = where(state, config)
    there = open_cycles(place)
    if cycle not in there:
        known = f"open are {', '.join(there)}" if there else "none is open"
        raise CommandError(f"no cycle {cycle!r} is open in {place}: {known}")
    _send(place, "exit", who, why, target=cycle)


@app.command()
def flatten(state: State = None, config: ConfigFile = None, why: Why = "", who: Who = "") -> None:
    """Sell every open cycle at market; `halt` first keeps new ones from being opened."""
    _send(where(state, config), "flatten", who, why)


def state_folder(state: Path | None, config: Path | None) -> Path:
    """Return the state folder of the option, else of the settings; a usage error where neither names one."""
    folder = state or load_settings(config).settings.run.state
    if folder is None:
        raise typer.BadParameter("name the state folder of the run", param_hint="--state")
    return Path(folder)


def where(state: Path | None, config: Path | None) -> "Path | ServiceDatabase":
    """Return what is meant: a state folder that is named, else the services' database where the environment names it.

    Raises a usage error where neither is.
    """
    from roottrading.config.secrets import POSTGRES_URL, postgres_replica_url

    settings = load_settings(config).settings
    folder = state or settings.run.state
    url = os.environ.get(POSTGRES_URL)
    if folder is None and url:
        from roottrading.cli.service_database import ServiceDatabase

        copy = postgres_replica_url(os.environ, settings.postgres.replica_url)
        return ServiceDatabase(url, settings.postgres, copy)
    return state_folder(state, config)


def signature(who: str) -> str:
    """Return who sends a command."""
    return who or f"{os.environ.get('USER') or os.getuid()}@{socket.gethostname()}"


def send(place: "Path | ServiceDatabase", control: "Control", keep_state: bool = False) -> None:
    """Leave a command in the folder or database and say who will take it."""
    from roottrading.adapters.store.control_inbox import post_control
    from roottrading.adapters.store.inspection import inspect_folder

    if not isinstance(place, Path):
        typer.echo(f"command {place.post(control, keep_state)}: the services of {place} take it")
        return
    number = post_control(place, control, keep_state)
    seen = inspect_folder(place)
    taker = (
        f"process {seen.owner.pid} takes it" if seen.owner and seen.running else "nothing runs there: a run takes it"
    )
    typer.echo(f"command {number}: {taker} at the next instant")


def _send(
    place: "Path | ServiceDatabase",
    action: Action,
    who: str,
    why: str,
    symbol: str = "",
    target: str = "",
    wanted: "TradingState | None" = None,
) -> None:
    from roottrading.messages.service import ControlChanged

    control = ControlChanged(0, action, wanted or "trading", symbol.upper(), target, signature(who), why)
    send(place, control, keep_state=wanted is None)
