"""Finding strategies that are not ours: files in a folder, and entry points of installed packages.

Their code may fail in every way; whatever it does becomes a `Fault` with file, line and reason.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from inspect import getsourcelines
from pathlib import Path
from re import fullmatch
from sys import modules
from traceback import extract_tb
from types import ModuleType
from typing import Final, get_args

from msgspec import Struct

from roottrading.strategies.contract import Family, Strategy
from roottrading.strategies.parameters import StrategyError, describe, make

ENTRY_POINTS: Final = "roottrading.strategies"
_MODULES: Final = "roottrading_strategies_of_yours"  # the package that files of a folder appear to be in
_NAME: Final = "[a-z][a-z0-9_]*"


class Fault(Struct, frozen=True):
    """What is wrong with a strategy, and where; `line` is 0 where no line is to blame."""

    name: str
    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"strategy {self.name} ({place}): {self.reason}"


class Found(Struct, frozen=True):
    """A strategy that may be one: its class, or why there is none."""

    name: str
    file: str
    strategy: type[Strategy] | Fault


class Loaded(Struct, frozen=True):
    """The strategies that can be used, by name; those that cannot; and what their authors should mend."""

    strategies: Mapping[str, type[Strategy]]
    broken: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


class _Refused(Exception):
    """A strategy is not usable; `line` says where in its file."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


def only_strategy(module: ModuleType) -> type[Strategy]:
    """Return the one strategy that a module defines; raises where there is none, or another.

    A class of the file that another one there derives from is a base, not a strategy.
    """
    own = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Strategy) and thing.__module__ == module.__name__
    ]
    leaves = [one for one in own if not any(other is not one and issubclass(other, one) for other in own)]
    if not leaves:
        raise _Refused("it defines no strategy: write one class that derives from Strategy")
    if len(leaves) > 1:
        names = ", ".join(one.__name__ for one in leaves)
        raise _Refused(f"it defines {names}: write one strategy a file", _line(leaves[1]))
    return leaves[0]


def in_folder(folder: Path) -> list[Found]:
    """Return what the Python files of a folder hold, by name; files whose names begin with _ are passed by."""
    files = sorted(folder.glob("*.py"))
    return [Found(file.stem, str(file), _from_file(file)) for file in files if not file.stem.startswith("_")]


def installed() -> list[Found]:
    """Return what installed packages offer by the entry-point group `roottrading.strategies`."""
    found = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)):
        strategy: type[Strategy] | Fault
        try:
            strategy = point.load()
            if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
                raise _Refused("it is not a class that derives from Strategy")
            _check(point.name, strategy)
        except (Exception, SystemExit) as error:
            strategy = _fault(point.name, point.value, error)
        found.append(Found(point.name, point.value, strategy))
    return found


def gather(builtin: Mapping[str, type[Strategy]], found: Iterable[Found]) -> Loaded:
    """Join built-in and found strategies; a name that is taken already breaks the later one."""
    strategies = dict(builtin)
    broken, warnings = [], []
    for one in found:
        if isinstance(one.strategy, Fault):
            broken.append(one.strategy)
        elif one.name in strategies:
            whose = "a built-in strategy" if one.name in builtin else "another strategy"
            broken.append(Fault(one.name, one.file, 0, f"{whose} has this name: rename the file"))
        else:
            strategies[one.name] = one.strategy
            warnings += _warnings(one.name, one.file, one.strategy)
    return Loaded(strategies, tuple(broken), tuple(warnings))


def _from_file(file: Path) -> type[Strategy] | Fault:
    module = ModuleType(f"{_MODULES}.{file.stem}")
    module.__file__ = str(file)
    try:
        if not fullmatch(_NAME, file.stem):
            raise _Refused("a strategy's file name has small letters, digits and _, and begins with a letter")
        # Compiled here, so that nothing is written beside the user's files and no stale copy of them is run.
        code = compile(file.read_bytes(), str(file), "exec")
        modules[module.__name__] = module  # where msgspec resolves the annotations of its classes
        exec(code, module.__dict__)
        strategy = only_strategy(module)
        _check(file.stem, strategy)
    except (Exception, SystemExit) as error:
        return _fault(file.stem, str(file), error)
    return strategy


def _check(name: str, strategy: type[Strategy]) -> None:
    """Refuse what would fail or be passed over in silence later."""
    for needed in ("lookback", "evaluate"):
        if getattr(strategy, needed) is getattr(Strategy, needed):
            raise _Refused(f"{strategy.__name__} has no {needed}", _line(strategy))
    if strategy.family not in get_args(Family):
        allowed = ", ".join(get_args(Family))
        raise _Refused(f"its family {strategy.family!r} is not one of {allowed}", _line(strategy))
    if strategy.manage is not Strategy.manage and not strategy.manages:
        raise _Refused("it has a manage that nobody would call: add manages: ClassVar[bool] = True", _line(strategy))
    for parameter in describe(strategy):
        if parameter.required:
            raise _Refused(f"its parameter {parameter.name} has no default", _line(strategy))
    try:
        made = make(name, strategy, {})
    except StrategyError as error:
        raise _Refused(f"it cannot be made with its defaults: {error}", _line(strategy)) from error
    lookback = made.lookback
    if type(lookback) is not int or lookback < 0:
        raise _Refused(f"its lookback is {lookback!r}: it must be a whole number, 0 or more", _line(strategy))


def _warnings(name: str, file: str, strategy: type[Strategy]) -> list[Fault]:
    lacking = []
    for parameter in describe(strategy):
        if not parameter.bounded:
            lacking.append(f"parameter {parameter.name} has no bounds: add Meta(ge=..., le=...)")
        if not parameter.description:
            lacking.append(f"parameter {parameter.name} has no description: add Meta(description=...)")
    return [Fault(name, file, _line(strategy), reason) for reason in lacking]


def _line(strategy: type[Strategy]) -> int:
    try:
        return getsourcelines(strategy)[1]
    except (OSError, TypeError):
        return 0


def _fault(name: str, file: str, error: BaseException) -> Fault:
    """Say where it happened: the deepest line in the strategy's own file."""
    if isinstance(error, _Refused):
        return Fault(name, file, error.line, str(error))
    if isinstance(error, SyntaxError) and error.filename:
        return Fault(name, error.filename, error.lineno or 0, f"{type(error).__name__}: {error.msg}")
    lines = [frame.lineno or 0 for frame in extract_tb(error.__traceback__) if frame.filename == file]
    return Fault(name, file, lines[-1] if lines else 0, f"{type(error).__name__}: {error}")
