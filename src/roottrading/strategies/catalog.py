"""The catalog: which strategies there are - the package's, those of installed packages, and a user's own folder."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from roottrading.strategies import discovery, parameters
from roottrading.strategies.contract import Strategy
from roottrading.strategies.discovery import Fault, Found, Loaded
from roottrading.strategies.parameters import Parameter, StrategyError, describe
from roottrading.strategies.template import template

__all__ = [
    "Fault",
    "Loaded",
    "Parameter",
    "StrategyError",
    "builtin",
    "describe",
    "load",
    "make",
    "template",
]

_HELPERS: Final = frozenset({"catalog", "contract", "discovery", "indicators", "levels", "parameters", "template"})


@cache
def _builtin() -> Mapping[str, type[Strategy]]:
    package = import_module(__package__)
    return {
        module.name: discovery.only_strategy(import_module(f"{__package__}.{module.name}"))
        for module in iter_modules(package.__path__)
        if module.name not in _HELPERS
    }


def builtin() -> dict[str, type[Strategy]]:
    """Return the strategies that come with the package, by name: one for every file beside this one."""
    return dict(_builtin())


def load(folder: Path | None = None) -> Loaded:
    """Return all strategies there are: built-in ones, those of installed packages, and those in `folder`.

    One that cannot be used is listed in `broken`, with file, line and reason, and takes no other one down.
    Raises StrategyError where the folder does not exist.
    """
    if folder is not None and not folder.is_dir():
        raise StrategyError(f"there is no folder of strategies at {folder}: make it, or set strategy_folder right")
    found: list[Found] = discovery.installed()
    if folder is not None:
        found += discovery.in_folder(folder)
    return discovery.gather(builtin(), found)


def make(
    name: str,
    given: Mapping[str, object] | None = None,
    strategies: Mapping[str, type[Strategy]] | None = None,
) -> Strategy:
    """Return the strategy of that name with these parameters; without `strategies` the built-in ones are meant.

    Raises StrategyError naming strategy, parameter, value and what is allowed.
    """
    known = _builtin() if strategies is None else strategies
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else "`roottrading strategies list` shows what there is"
        raise StrategyError(f"there is no strategy {name!r}: {hint}")
    return parameters.make(name, known[name], given or {})
