"""Rules of the house that no type checker knows, read from the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import roottrading

PACKAGE = Path(roottrading.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
PURE = ("domain", "messages", "services", "strategies")
KNOWS_MODES = (
    "runtimes",
    "research",
    "adapters",
    "config",
    "cli",
    "exchange_server",
)  # design 3.1; research calls runtimes by their names, the exchange's texts are Binance's
# as words of their own or parts of a name; LIVE in capitals is an exchange's word for orders that may still fill
MODE_WORDS = re.compile(r"(?<![A-Za-z])([Bb]acktest(s|ing)?|[Ll]ive|[Pp]aper|[Ee]mbedded)(?![A-Za-z])")
LIVENESS = "/health/live"  # the address at which the world asks whether a process is alive

CLOCKS = {
    "time": {
        "time",
        "time_ns",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "sleep",
        "process_time",
    },
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
WITH_OUTSIDE = {
    "aiohttp", "asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "queue", "random", "requests",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time",
    "urllib", "uuid", "io", "concurrent",
}  # fmt: skip
# The catalog of strategies finds users' files: it and its helper are the strategies' only doors to the disk.
DOORS = {"strategies/catalog.py", "strategies/discovery.py"}
LONGEST = 400


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def layer_of(path: Path) -> str:
    return name_of(path).split("/")[0]


PURE_MODULES = [path for path in MODULES if layer_of(path) in PURE]


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def clock_readings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if node.attr in CLOCKS.get(owner, ()):
                yield f"line {node.lineno}: {owner}.{node.attr}"


def test_there_is_something_to_check() -> None:
    assert {layer_of(path) for path in PURE_MODULES} == set(PURE)


@pytest.mark.parametrize("path", PURE_MODULES, ids=name_of)
def test_logic_touches_no_clock_no_chance_and_no_outside(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = list(clock_readings(tree))
    if name_of(path) not in DOORS:
        found += [f"import {name}" for name in imports(tree) if name in WITH_OUTSIDE]
    found += [
        f"line {node.lineno}: {type(node).__name__}"
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"open", "print", "input"}
        )
    ]
    assert found == []


@pytest.mark.parametrize("path", [path for path in MODULES if layer_of(path) not in KNOWS_MODES], ids=name_of)
def test_the_mode_is_a_runtime(path: Path) -> None:
    lines = [f"module {path.stem}", *path.read_text(encoding="utf-8").splitlines()]
    said = [line.replace(LIVENESS, "") for line in lines]
    found = [f"line {number}: {line.strip()}" for number, line in enumerate(said) if MODE_WORDS.search(line)]
    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_grows_beyond_what_a_reader_holds(path: Path) -> None:
    length = len(path.read_text(encoding="utf-8").splitlines())
    assert length <= LONGEST, f"{length} lines: a module of more than {LONGEST} holds more than one idea"


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of)
def test_a_package_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
