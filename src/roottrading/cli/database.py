"""`roottrading db`: the schema of the services' database, and what it needs from time to time."""

import asyncio
import os
import time
from typing import TYPE_CHECKING

import typer

from roottrading.cli.errors import FAILED
from roottrading.cli.options import ConfigFile, Set, load_settings

if TYPE_CHECKING:
    from roottrading.adapters.store.postgres.candle_months import Month
    from roottrading.adapters.store.postgres.settings import PostgresSettings

app = typer.Typer(help="Make, check and tend the services' database.", no_args_is_help=True)


@app.command()
def upgrade(config: ConfigFile = None, assignments: Set = None) -> None:
    """Bring the schema to this version's; what is kept there stays."""
    from roottrading.adapters.store.postgres.errors import shown
    from roottrading.adapters.store.postgres.migrations.migrate import upgrade as bring_up

    url, settings = _database(config, assignments)
    before, after = asyncio.run(bring_up(url, settings))
    if before == after:
        typer.echo(f"{shown(url)} is at revision {after} already")
    else:
        typer.echo(f"{shown(url)} is at revision {after} now (before: {before or 'none'})")


@app.command()
def check(config: ConfigFile = None, assignments: Set = None) -> None:
    """Compare the schema with what this version writes; ends with 1 where they differ."""
    from roottrading.adapters.store.account_rows import TABLES
    from roottrading.adapters.store.postgres.checking import differences
    from roottrading.adapters.store.postgres.errors import shown
    from roottrading.runtimes.assembly import ALL_TABLES

    url, settings = _database(config, assignments)
    found = asyncio.run(differences(url, settings, (*ALL_TABLES, *TABLES)))
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(FAILED)
    typer.echo(f"{shown(url)}: the schema is what this version writes")


@app.command()
def status(config: ConfigFile = None, assignments: Set = None) -> None:
    """Show the server, the revision, the months of candles, and how far each service has come."""
    from roottrading.adapters.store.postgres.migrations.revisions import HEAD
    from roottrading.adapters.store.postgres.overview import overview
    from roottrading.config.secrets import postgres_replica_url
    from roottrading.domain.time import iso

    url, settings = _database(config, assignments)
    seen = asyncio.run(overview(url, settings))
    typer.echo(f"{seen.where}: PostgreSQL {seen.version}, {seen.megabytes} MB")
    typer.echo(f"revision {seen.revision or 'none'}" + ("" if seen.revision == HEAD else f", {HEAD} is this version's"))
    if seen.revision != HEAD:
        return
    typer.echo(f"candles: {_span(seen.months)}")
    typer.echo(f"control: {seen.commands} commands")
    for unit in seen.units:
        typer.echo(
            f"{unit.service}: {unit.shards} {'shard' if unit.shards == 1 else 'shards'}, {unit.commits} loads and "
            f"commits, {unit.waiting} messages not confirmed, last loaded {iso(unit.loaded_at)}"
        )
    copy = postgres_replica_url(os.environ, settings.replica_url)
    if copy is not None:
        typer.echo(f"copy to read from: {asyncio.run(_told_of(copy, settings))}")


@app.command()
def maintain(config: ConfigFile = None, assignments: Set = None) -> None:
    """Make room for the months to come; drop what is kept no longer. The portfolio does it each day."""
    from roottrading.adapters.store.postgres.maintenance import maintain as tend

    url, settings = _database(config, assignments)
    done = asyncio.run(tend(url, settings, time.time_ns() // 1_000))
    if done.busy:
        typer.echo("another process is at it")
        return
    typer.echo(f"months made: {_span(done.made)}; dropped: {_span(done.dropped)}; messages forgotten: {done.forgotten}")


def _database(config: "ConfigFile", assignments: "Set") -> "tuple[str, PostgresSettings]":
    """Return the database's address and settings; SecretError where no address is named."""
    from roottrading.config.secrets import postgres_url

    settings = load_settings(config, assignments).settings.postgres
    return postgres_url(os.environ, settings.url), settings


async def _told_of(copy: str, settings: "PostgresSettings") -> str:
    from roottrading.adapters.store.port import StoreError
    from roottrading.adapters.store.postgres.database import Database
    from roottrading.adapters.store.postgres.reading import seconds_behind

    try:
        async with await Database.open(copy, settings, writes=False) as database:
            return f"{database.where}, {await seconds_behind(database):.1f} s behind"
    except StoreError as error:
        return str(error)


def _span(months: "tuple[Month, ...]") -> str:
    if not months:
        return "none"
    first, last = (f"{year}-{month:02}" for year, month in (months[0], months[-1]))
    return first if len(months) == 1 else f"{first} to {last}"
