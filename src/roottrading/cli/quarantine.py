"""`roottrading quarantine`: what services could not process, and a person's answers (consistency-rules 5)."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from roottrading.cli.control import Who, Why, signature
from roottrading.cli.errors import CommandError
from roottrading.cli.options import ConfigFile, Set, load_settings
from roottrading.messages.channels import MARKET, SIGNALS_AGGREGATED, SIGNALS_RAW

if TYPE_CHECKING:
    from roottrading.adapters.store.postgres.quarantine import QuarantineSeen
    from roottrading.adapters.store.postgres.settings import PostgresSettings

app = typer.Typer(
    help="See and answer what services could not process: it waits with its symbol, all others go on.",
    no_args_is_help=True,
)

_UNBROKEN: Final = frozenset({MARKET, SIGNALS_RAW, SIGNALS_AGGREGATED})  # what comes of each is awaited

Symbol = Annotated[str, typer.Argument(help="Its symbol; `account` for what is said of all, and deadlines.")]
UnitName = Annotated[str, typer.Option("--unit", metavar="SERVICE/SHARD", help="Only this unit's, as `list` shows it.")]


@app.command("list")
def show_all(config: ConfigFile = None, assignments: Set = None) -> None:
    """Say which unit could not process what, and how many messages wait behind it."""
    found = _read("", "", config, assignments)
    if not found:
        typer.echo("nothing is in the quarantine")
    for place in dict.fromkeys((each.unit, each.symbol) for each in found):
        for line in _summary([each for each in found if (each.unit, each.symbol) == place]):
            typer.echo(line)


@app.command()
def show(symbol: Symbol, unit: UnitName = "", config: ConfigFile = None, assignments: Set = None) -> None:
    """Print all that waits of a symbol, in order, as it was said."""
    from roottrading.domain.time import iso

    for each in _named(symbol, unit, config, assignments):
        typer.echo(f"{each.unit} {_name(each)} since {iso(each.at)}: {each.error or 'waits'}")
        typer.echo(each.envelope)


@app.command()
def retry(
    symbol: Symbol,
    unit: UnitName = "",
    config: ConfigFile = None,
    assignments: Set = None,
    why: Why = "",
    who: Who = "",
) -> None:
    """Try it again, after an upgrade say; if it goes well, what waited behind it follows in order."""
    _answer("retry", symbol, unit, who, why, config, assignments)


@app.command()
def resolve(
    symbol: Symbol,
    unit: UnitName = "",
    config: ConfigFile = None,
    assignments: Set = None,
    why: Why = "",
    who: Who = "",
) -> None:
    """Go on without it, for good; what waited behind it follows in order."""
    _answer("resolve", symbol, unit, who, why, config, assignments)


def _answer(
    action: Literal["retry", "resolve"],
    symbol: str,
    unit: str,
    who: str,
    why: str,
    config: ConfigFile,
    assignments: Set,
) -> None:
    asked = [each for each in _named(symbol, unit, config, assignments) if each.error]
    if action == "resolve" and any(each.channel in _UNBROKEN for each in asked):
        raise CommandError(
            f"{asked[0].channel} of {asked[0].symbol} cannot be left out, its readers would wait for it: "
            "retry it with a release that can process it"
        )
    url, settings = _database(config, assignments)
    asyncio.run(_post(url, settings, action, asked, signature(who), why))
    for each in asked:
        typer.echo(f"{action} {_name(each)}: {each.unit} takes it")
    if any(each.kind == "clock" for each in asked):
        typer.echo("what was paused stays so: `roottrading control status` says what, `control resume` lets it buy")
    elif any(each.kind != "dead letter" for each in asked):
        typer.echo(f"{asked[0].symbol} stays paused: `roottrading control resume {asked[0].symbol}` lets it buy again")


async def _post(
    url: str,
    settings: "PostgresSettings",
    action: Literal["retry", "resolve"],
    asked: "list[QuarantineSeen]",
    who: str,
    why: str,
) -> None:
    from roottrading.adapters.store.port import QuarantineAnswered
    from roottrading.adapters.store.postgres.control import post_control
    from roottrading.adapters.store.postgres.database import Database

    async with await Database.open(url, settings) as database:
        for each in asked:
            answered = QuarantineAnswered(0, each.unit, each.source, each.stream, each.sequence, action, who, why)
            await post_control(database, answered)


def _named(symbol: str, unit: str, config: ConfigFile, assignments: Set) -> "tuple[QuarantineSeen, ...]":
    wanted = symbol if symbol == "account" else symbol.upper()
    found = _read(wanted, unit, config, assignments)
    if not found:
        raise CommandError(
            f"nothing of {wanted}{f' at {unit}' if unit else ''} is in the quarantine: `roottrading quarantine list`"
        )
    return found


def _read(symbol: str, unit: str, config: ConfigFile, assignments: Set) -> "tuple[QuarantineSeen, ...]":
    url, settings = _database(config, assignments)

    async def read() -> "tuple[QuarantineSeen, ...]":
        from roottrading.adapters.store.postgres.database import Database
        from roottrading.adapters.store.postgres.quarantine import quarantined

        async with await Database.open(url, settings) as database:
            return await quarantined(database, symbol, unit)

    return asyncio.run(read())


def _database(config: ConfigFile, assignments: Set) -> "tuple[str, PostgresSettings]":
    from roottrading.config.secrets import postgres_url

    settings = load_settings(config, assignments).settings.postgres
    return postgres_url(os.environ, settings.url), settings


def _summary(rows: "list[QuarantineSeen]") -> list[str]:
    """Return a line for each that nobody could process, with how many messages wait behind it."""
    from roottrading.domain.time import iso

    raised = [each for each in rows if each.error]
    waiting = len(rows) - len(raised)
    if not raised:
        return [f"{rows[0].unit}  {rows[0].symbol}  {waiting} messages follow now"]
    lines = [f"{each.unit}  {each.symbol}  {_name(each)} since {iso(each.at)}: {each.error}" for each in raised]
    return lines if not waiting else [*lines, f"{rows[0].unit}  {rows[0].symbol}  {waiting} messages wait behind it"]


def _name(each: "QuarantineSeen") -> str:
    if each.kind == "exchange":
        return f"what the exchange says of {each.symbol}"
    if each.kind == "clock":
        what, _, key = each.stream.partition("/")
        return f"the deadline {key}" if key else f"the end of {what}"
    return f"{each.kind} {each.stream} {each.sequence} of {each.source}"
