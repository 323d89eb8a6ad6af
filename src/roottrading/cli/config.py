"""`roottrading config`: see what is set, and where."""

import asyncio
import os

import typer

from roottrading.cli.options import ConfigFile, Set, load_settings

app = typer.Typer(help="Show and check the settings.", no_args_is_help=True)


@app.command()
def show(config: ConfigFile = None, assignments: Set = None) -> None:
    """Print all settings as TOML that can be used as a file, with the place where each was set."""
    from roottrading.config.show import show as shown

    loaded = load_settings(config, assignments)
    typer.echo(shown(loaded.settings, loaded.origins), nl=False)


@app.command()
def check(config: ConfigFile = None, assignments: Set = None) -> None:
    """Check the settings; everything wrong is named with its place."""
    from roottrading.config.reading import DEFAULT

    loaded = load_settings(config, assignments)
    changed = sum(origin != DEFAULT for origin in loaded.origins.values())
    typer.echo(f"the settings are sound: {changed} set, {len(loaded.origins) - changed} by default")


@app.command()
def changes(config: ConfigFile = None, assignments: Set = None) -> None:
    """List what was changed while services ran, as they recorded it: from when on it counts, and who wished it."""
    from roottrading.adapters.store.postgres.configuration import configured_at
    from roottrading.config.secrets import postgres_url
    from roottrading.domain.time import iso

    settings = load_settings(config, assignments).settings.postgres
    found = asyncio.run(configured_at(postgres_url(os.environ, settings.url), settings))
    for each in found:
        since = iso(each.effective_at) if each.effective_at else "always"
        typer.echo(f"{each.number}  {since}  {each.kind} {each.name}  {each.value}  {each.who}")
    if not found:
        typer.echo("nothing was recorded yet: services do so at their first start")
