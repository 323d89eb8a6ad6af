"""Load the settings: defaults, one TOML file, the environment, flags; all errors at once."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from msgspec import Struct

from roottrading.config.reading import DEFAULT, Reader, dotted
from roottrading.config.settings import DERIVED, Settings
from roottrading.config.sources import (
    DEFAULT_FILE,
    FILE_VARIABLE,
    Given,
    Key,
    Problem,
    from_environment,
    from_flags,
    from_toml,
)

ParametersOf = Callable[[Settings], Mapping[str, type[Struct]]]


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Loaded(Struct, frozen=True):
    """The settings, and by key where each value was set."""

    settings: Settings
    origins: Mapping[Key, str]


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Iterable[str] = (),
    flags: Mapping[str, tuple[str, str]] | None = None,
    strategies: ParametersOf | None = None,
) -> Loaded:
    """Return the settings.

    `file` is the TOML file that must exist; without it the one named by ROOTTRADING_CONFIG, else `roottrading.toml`
    of the working folder where there is one. `assignments` are `key=value` of --set; `flags` maps a dotted key to
    (value, the flag's name), for options of their own. `strategies` gives the strategies that exist with the structs
    of their parameters; without it those are not checked. Raises ConfigError.
    """
    environment = environment or {}
    given: dict[Key, Given] = {}
    problems: list[Problem] = []
    path = file or _named(environment) or _beside()
    sources = [from_environment(environment)]
    if path is not None:
        found, wrong = from_toml(path)
        sources.insert(0, found)
        problems += wrong
    found, wrong = from_flags(assignments)
    problems += wrong
    own_flags = {
        tuple(key.split(".")): Given(value, True, f"flag {name}") for key, (value, name) in (flags or {}).items()
    }
    for source in (*sources, found, own_flags):
        _lay_over(given, source)
    for key, leader in DERIVED.items():
        if key in given:
            problems.append(Problem(dotted(key), given.pop(key).origin, f"follows {dotted(leader)}: set that instead"))
        if leader in given:
            given[key] = given[leader]
    reader = Reader(given, DERIVED)
    settings = reader.read(Settings)
    problems += [problem for problem in reader.problems if tuple(problem.key.split(".")) not in DERIVED]
    if strategies is not None and settings is not None:
        problems += _strategy_problems(settings, given, strategies(settings))
    if problems or settings is None:
        raise ConfigError(problems)
    return Loaded(settings, reader.origins)


def _lay_over(given: dict[Key, Given], later: Mapping[Key, Given]) -> None:
    """Add a later source: a key replaces what was there of it, be it a value or a whole section switched off."""
    for key in later:
        for length in range(1, len(key)):
            given.pop(key[:length], None)
        for other in [other for other in given if other[: len(key)] == key and other != key]:
            if later[key].value != {}:
                del given[other]
    given |= later


def _named(environment: Mapping[str, str]) -> Path | None:
    return Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None


def _beside() -> Path | None:
    path = Path(DEFAULT_FILE)
    return path if path.exists() else None


def _strategy_problems(
    settings: Settings, given: Mapping[Key, Given], known: Mapping[str, type[Struct]]
) -> list[Problem]:
    problems = []
    wanted: dict[str, Key] = {name: ("strategies", name) for name in settings.strategies}
    wanted |= {name: ("run", "strategies") for name in settings.run.strategies if name != "all"}
    for name, key in wanted.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "`roottrading strategies list` shows what there is"
            problems.append(Problem(dotted(key), _origin(given, key), f"there is no strategy {name!r}: {hint}"))
        elif name in settings.strategies:
            prefix = ("strategies", name, "parameters")
            reader = Reader({key: value for key, value in given.items() if key[:3] == prefix})
            reader.read(known[name], prefix)
            problems += reader.problems
    return problems


def _origin(given: Mapping[Key, Given], key: Key) -> str:
    places: list[Any] = [value.origin for other, value in given.items() if other[: len(key)] == key]
    return places[0] if places else DEFAULT
