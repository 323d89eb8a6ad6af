"""`roottrading config`: see what is set, and where."""

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
