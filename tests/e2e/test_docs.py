"""The documents are true: generated parts current, commands run, settings load, links lead somewhere."""

import ast
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final, get_args

import pytest

from roottrading.config.load import load
from roottrading.messages.service import TradingState
from roottrading.services.coordinator import abnormal
from tests.e2e.conftest import Runner
from tools.make_docs import PART, current

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STAND_INS = Path(__file__).parent / "stand_ins"  # for what a bare machine lacks
REFUSING: Final = frozenset({"Refused", "_at_most"})
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(path.read_text(encoding="utf-8")) if kind == language]


def with_blocks(language: str) -> list[Path]:
    return [path for path in DOCUMENTS if blocks(path, language)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_generated_parts_are_current(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == current(text), "run `make docs`"


def reasons() -> set[str]:
    """Return the words with which the coordinator refuses an entry, as they stand in its code."""
    found = {value for name, value in vars(abnormal).items() if name.isupper() and isinstance(value, str)}
    found |= {state for state in get_args(TradingState) if state != "trading"}
    for path in (ROOT / "src/roottrading/services/coordinator").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSING:
                given = node.args[:1]
            elif isinstance(node, ast.Tuple) and path.name == "sizing.py":
                given = node.elts[:1]
            found |= {each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return found


def test_every_reason_of_a_refusal_is_explained() -> None:
    text = (ROOT / "docs/getting-started.md").read_text(encoding="utf-8")
    lines = text.partition("### Why something was not bought")[2].partition("\n## ")[0].splitlines()
    told = {word for line in lines if line.startswith("| `") for word in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert told == reasons()


def test_something_is_generated() -> None:
    found = {part for path in DOCUMENTS for _, part, _ in PART.findall(path.read_text(encoding="utf-8"))}
    assert found == {"settings", "picture", "services", "channels"}


@pytest.mark.parametrize("path", with_blocks("console"), ids=name_of)
def test_every_command_shown_runs(path: Path, tmp_path: Path) -> None:
    """Lines that begin with `$ ` are typed one after the other in an empty folder; each must end well."""
    for name in ("examples",):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tmp_path / name)
    here = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROOTTRADING_")}
    environment["PATH"] = f"{here}:{environment['PATH']}:{STAND_INS}"
    try:
        type_all(blocks(path, "console"), tmp_path, environment)
    finally:
        for left in tmp_path.glob("*.pid"):  # of a server whose own end was not typed any more
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(left.read_text()), signal.SIGTERM)


def type_all(texts: list[str], folder: Path, environment: dict[str, str]) -> None:
    for command in [line[2:] for text in texts for line in text.splitlines() if line[:2] == "$ "]:
        ended = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"$ {command}\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"


def test_the_strategy_shown_is_an_honest_one(roottrading: Runner) -> None:
    (text,) = [text for text in blocks(ROOT / "docs" / "strategies.md", "python") if "(Strategy" in text]
    Path("strategies").mkdir()
    Path("strategies/dip_buyer.py").write_text(text, encoding="utf-8")
    printed = roottrading("strategies", "check", "dip_buyer", "--symbols", "LTCUSDT", "--from", "2021-04-17")
    assert (printed.code, printed.err) == (0, "")


@pytest.mark.parametrize("path", with_blocks("toml"), ids=name_of)
def test_every_settings_file_shown_loads(path: Path, tmp_path: Path) -> None:
    for text in blocks(path, "toml"):
        file = tmp_path / "shown.toml"
        file.write_text(text, encoding="utf-8")
        load(file)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    found = LINK.findall(path.read_text(encoding="utf-8"))
    assert [link for link in found if not (path.parent / link).exists()] == []
