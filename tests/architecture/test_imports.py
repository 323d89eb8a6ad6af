"""No two modules wait for each other: whichever is imported first, it can be."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import roottrading

SOURCE = Path(roottrading.__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / "roottrading").rglob("*.py"))
}


def imports(name: str, text: str, modules: frozenset[str]) -> set[str]:
    """Return the modules that this one imports when it is imported itself."""
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            wanted = [f"{node.module}.{each.name}" for each in node.names]
            found |= {full if full in modules else node.module for full in wanted}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return (found & modules) - {name}


def in_order(texts: dict[str, str]) -> tuple[str, ...]:
    """Return the modules in an order in which each can be imported. Raises CycleError where there is none."""
    modules = frozenset(texts)
    return tuple(TopologicalSorter({name: imports(name, texts[name], modules) for name in texts}).static_order())


def test_no_modules_import_each_other() -> None:
    assert len(in_order({name: path.read_text(encoding="utf-8") for name, path in MODULES.items()})) == len(MODULES)


def test_modules_that_do_are_noticed() -> None:
    with pytest.raises(CycleError):
        in_order({"a": "from b import find", "b": "import c", "c": "from a import close"})
