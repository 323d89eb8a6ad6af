"""What can be set: a settings struct as a tree of fields, read from its type annotations.

A field is a value, a section (a nested struct) or a table (a mapping whose keys the user names).
"""

import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta, Struct

from roottrading.domain.bounds import Bounds


class Moment(Struct, frozen=True):
    """Marks an `int` as an instant: written as an ISO 8601 date or time, UTC."""

    description: str = ""


class Field(Struct, frozen=True):
    """One key: its bare type (without None and without annotations), what it means and what is allowed.

    `kind` is value, list, section or table; `item` is the type of a list's or table's items.
    """

    name: str
    kind: Literal["value", "list", "section", "table"]
    type: Any
    optional: bool
    bounds: Bounds
    default: Any
    item: "Field | None" = None
    pattern: str = ""
    is_moment: bool = False


NUMBERS = (int, float, Decimal)


def fields_of(struct: type[Struct]) -> tuple[Field, ...]:
    """Return the struct's fields in the order in which they are written."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return tuple(
        field_of(field.name, hints[field.name], msgspec.UNSET if field.required else _default(field))
        for field in msgspec.structs.fields(struct)
    )


def field_of(name: str, hint: Any, default: Any = msgspec.UNSET) -> Field:
    """Return the field that a type annotation describes."""
    bare, extras = _unwrapped(hint)
    bare, optional = _without_none(bare)
    bare, inner = _unwrapped(bare)
    notes = (*extras, *inner)
    bounds, pattern = _bounds(notes)
    moment = any(isinstance(note, Moment) for note in notes)
    origin = typing.get_origin(bare)
    if origin is tuple:
        item = field_of(name, typing.get_args(bare)[0])
        return Field(name, "list", bare, optional, bounds, default, item)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        item = field_of(name, typing.get_args(bare)[1])
        return Field(name, "table", bare, optional, bounds, default, item)
    if isinstance(bare, type) and issubclass(bare, Struct):
        return Field(name, "section", bare, optional, bounds, default)
    return Field(name, "value", bare, optional, bounds, default, None, pattern, moment)


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _unwrapped(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(hint) is Annotated:
        return hint.__origin__, hint.__metadata__
    return hint, ()


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in {Union, types.UnionType}:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        if len(kinds) == 1:
            return kinds[0], True
    return hint, False


def _bounds(notes: tuple[Any, ...]) -> tuple[Bounds, str]:
    found = Bounds()
    pattern = ""
    for note in notes:
        if isinstance(note, Bounds):
            found = note
        elif isinstance(note, Moment):
            found = Bounds(description=note.description)
        elif isinstance(note, Meta):
            found = Bounds(_exact(note.ge), _exact(note.gt), _exact(note.le), _exact(note.lt), note.description or "")
            pattern = note.pattern or ""
    return found, pattern


def _exact(number: float | None) -> int | str | None:
    return repr(number) if isinstance(number, float) else number
