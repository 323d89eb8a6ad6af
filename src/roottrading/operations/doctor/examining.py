"""What can be looked at without the exchange: this machine, and the settings."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from roottrading.config.load import ConfigError, Loaded
from roottrading.config.reading import DEFAULT
from roottrading.config.secrets import FILES
from roottrading.operations.doctor import files, installation, machine
from roottrading.operations.doctor.finding import Finding, ok, problem

CONFIGURATION: Final = "settings"


def examine_machine(folder: Path | None, environment: Mapping[str, str], exchange: bool) -> list[Finding]:
    """Look at what is on this machine: Python, packages, disk, the state folder, files with secrets.

    With `exchange` also the packages that trading over a wire needs.
    """
    found = [installation.python(sys.version_info[:3])]
    found += installation.packages(installation.needed_packages(exchange), installation.installed_version)
    found.append(machine.disk(folder or Path()))
    if folder is not None:
        found.append(files.state_folder(folder, os.geteuid()))
    found += [files.secret_file(Path(environment[name])) for name in sorted(FILES) if name in environment]
    return found


def examine_settings(loaded: Loaded | ConfigError) -> list[Finding]:
    """Say whether the settings are sound; else one finding for each thing that is wrong."""
    if isinstance(loaded, ConfigError):
        return [problem(CONFIGURATION, str(each), "mend it; `roottrading config check`") for each in loaded.problems]
    changed = sum(origin != DEFAULT for origin in loaded.origins.values())
    return [ok(CONFIGURATION, f"sound: {changed} set, {len(loaded.origins) - changed} by default")]
