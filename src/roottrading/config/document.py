"""The reference of all settings as Markdown, made from the structs: it cannot say anything else than they do."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.config.fields import Field, fields_of
from roottrading.config.reading import dotted
from roottrading.config.settings import DERIVED, Settings
from roottrading.config.sources import Key
from roottrading.config.values import allowed, to_toml

_RULE: Final = re.compile(r" \(trading-rules [^)]*\)")  # the source, for who reads the code


def reference() -> str:
    """Return one table of keys per section."""
    return "\n".join(_sections(Settings, ())).strip() + "\n"


def _sections(struct: type[Struct], prefix: Key) -> Iterator[str]:
    rows = []
    later: list[tuple[Key, Any]] = []
    for field in fields_of(struct):
        key = (*prefix, field.name)
        if key in DERIVED:
            continue
        if field.kind == "section":
            later.append((key, field.type))
        elif field.kind == "table" and field.item is not None and field.item.kind == "section":
            later.append(((*key, "NAME"), field.item.type))
        else:
            rows.append(_row(field))
    if prefix:
        yield f"### `[{dotted(prefix)}]`\n"
        yield f"{_summary(struct)}\n"
        if rows:
            yield "| key | default | allowed | meaning |\n|---|---|---|---|"
            yield from rows
            yield ""
    for below, kind in later:
        yield from _sections(kind, below)


def _row(field: Field) -> str:
    default = "" if field.default is msgspec.UNSET else f"`{_default(field)}`"
    limits, meaning = allowed(field), field.bounds.description
    if field.kind == "table" and field.item is not None:
        limits = "names with values" if field.item.type is Any else f"names, each with {allowed(field.item)}"
        meaning = meaning or field.item.bounds.description
    cells = [f"`{field.name}`", default, limits, "" if meaning == limits else meaning]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: Field) -> str:
    return "{}" if field.kind == "table" else to_toml(field.default, field)


def _summary(struct: type[Struct]) -> str:
    first = inspect.cleandoc(struct.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    return _RULE.sub("", first)
