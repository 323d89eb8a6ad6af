"""Where settings come from: one TOML file, environment variables and flags, each value with the place it was set.

Later sources win: defaults, then the file, then ROOTTRADING_SECTION__KEY variables, then flags.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from roottrading.config.secrets import NO_SETTINGS

PREFIX: Final = "ROOTTRADING_"
FILE_VARIABLE: Final = "ROOTTRADING_CONFIG"  # names the TOML file; no setting
DEFAULT_FILE: Final = "roottrading.toml"
Key = tuple[str, ...]


class Given(Struct, frozen=True):
    """A value somebody set: `text` where it was typed without TOML's types, `origin` the place."""

    value: Any
    text: bool
    origin: str


class Problem(Struct, frozen=True):
    """One thing wrong with the configuration, in words."""

    key: str
    origin: str
    text: str

    def __str__(self) -> str:
        where = f" ({self.origin})" if self.origin else ""
        return f"{self.key}{where}: {self.text}" if self.key else f"{self.origin}: {self.text}"


def from_toml(path: Path) -> tuple[dict[Key, Given], list[Problem]]:
    """Read the file's values by key, each with its line."""
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        return {}, [Problem("", str(path), f"cannot be read: {error.strerror}")]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [Problem("", str(path), f"is no valid TOML: {error}")]
    lines = _lines(text)
    return {
        key: Given(value, False, f"{path}:{_line(lines, key)}" if _line(lines, key) else str(path))
        for key, value in _flat(found, ())
    }, []


def from_environment(environment: Mapping[str, str]) -> dict[Key, Given]:
    """Read the variables whose names begin with ROOTTRADING_; two underscores part section and key.

    Those of secrets are no settings.
    """
    return {
        tuple(name.removeprefix(PREFIX).lower().split("__")): Given(value, True, f"variable {name}")
        for name, value in sorted(environment.items())
        if name.startswith(PREFIX) and name != FILE_VARIABLE and name not in NO_SETTINGS
    }


def from_flags(assignments: Iterable[str]) -> tuple[dict[Key, Given], list[Problem]]:
    """Read `--set section.key=value` flags."""
    found: dict[Key, Given] = {}
    problems = []
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            problems.append(Problem("", f"flag --set {assignment}", "has no key=value"))
            continue
        found[tuple(key.strip().split("."))] = Given(value, True, f"flag --set {key.strip()}")
    return found, problems


def _flat(table: Mapping[str, Any], prefix: Key) -> Iterable[tuple[Key, Any]]:
    for name, value in table.items():
        key = (*prefix, name)
        if isinstance(value, dict):
            yield from _flat(value, key)
            if not value:
                yield key, {}
        else:
            yield key, value


_NAME: Final = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_HEADER: Final = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
_PAIR: Final = re.compile(rf"^\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_PART: Final = re.compile(_NAME)


def _lines(text: str) -> dict[Key, int]:
    """Return the line on which each key (or section) is written; values within inline tables have their table's."""
    section: Key = ()
    lines: dict[Key, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = _parts(header[1])
            lines.setdefault(section, number)
        elif pair := _PAIR.match(line):
            lines.setdefault((*section, *_parts(pair[1])), number)
    return lines


def _parts(dotted: str) -> Key:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _line(lines: Mapping[Key, int], key: Key) -> int:
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return lines[key[:length]]
    return 0
