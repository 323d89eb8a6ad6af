"""Python and the packages: are they there, and new enough?"""

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from typing import Final

from roottrading.operations.doctor.finding import Finding, ok, problem

OURS: Final = "roottrading"
LEAST_PYTHON: Final = (3, 11)
WIRE: Final = ("aiohttp>=3.11", "cryptography>=43")  # what the extra `exchange` brings
_NEEDED: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?[^;]*?>=\s*([0-9.]+)")

VersionOf = Callable[[str], str | None]


def python(version: Sequence[int]) -> Finding:
    """Judge Python's version."""
    said = ".".join(map(str, version[:3]))
    least = ".".join(map(str, LEAST_PYTHON))
    if tuple(version[:2]) < LEAST_PYTHON:
        return problem("python", said, f"use Python {least} or newer")
    return ok("python", said)


def packages(needed: Iterable[str], version_of: VersionOf) -> list[Finding]:
    """Judge packages, each named as in `aiohttp>=3.11,<4`: one line for all that are well, one for each that is not."""
    well: list[str] = []
    wrong: list[Finding] = []
    for each in needed:
        found = _NEEDED.match(each)
        if found is None:
            continue
        name, least = found[1], found[2]
        version = version_of(name)
        if version is None:
            wrong.append(problem("packages", f"{name} is not installed", f"pip install '{name}>={least}'"))
        elif _numbers(version) < _numbers(least):
            wrong.append(
                problem("packages", f"{name} {version} is older than {least}", f"pip install '{name}>={least}'")
            )
        else:
            well.append(f"{name} {version}")
    return [*wrong, ok("packages", ", ".join(well))] if well else wrong


def needed_packages(exchange: bool) -> list[str]:
    """Return what the core needs and, to trade over a wire, what that needs; nothing where we are not installed."""
    try:
        told = metadata.requires(OURS) or []
    except metadata.PackageNotFoundError:
        told = []
    core = [each for each in told if "extra ==" not in each]
    return [*core, *(WIRE if exchange else ())]


def installed_version(name: str) -> str | None:
    """Return a package's version, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
