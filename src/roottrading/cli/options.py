"""Options that several commands share, and the way from options to settings."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from roottrading.config.load import Loaded

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file (else roottrading.toml here, if there is one).")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set any key, e.g. coordinator.max_cycles=3.")
]
State = Annotated[Path | None, typer.Option("--state", help="Folder that keeps the state, so that a run can go on.")]
Tape = Annotated[
    list[Path] | None, typer.Option("--tape", help="Files or folders with candles (else the shipped tape).")
]


def load_settings(
    file: Path | None,
    assignments: Sequence[str] | None,
    flags: Mapping[str, tuple[object, str]] | None = None,
) -> "Loaded":
    """Return the settings of file, environment and command line, strategies and their parameters checked.

    `flags` maps a dotted key to (an option's value, the option's name); options that were not given are None.
    """
    from roottrading.config.load import load

    given = {key: (_text(value), flag) for key, (value, flag) in (flags or {}).items() if value is not None}
    return load(file, os.environ, assignments or (), given)


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
