"""Single values: from TOML or text to the field's type, and back to TOML text."""

import math
import re
import typing
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from roottrading.config.fields import NUMBERS, Field
from roottrading.domain.money import plain
from roottrading.domain.time import iso, parse_time

OFF: Final = ("off", "none")
_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")


class NotAllowed(Exception):
    """A value that its field does not take; the text says what is allowed."""


def convert(field: Field, value: object, text: bool) -> Any:
    """Return the value as the field's type; `text` says that it was typed without quotes (a variable or a flag).

    Raises NotAllowed saying what is.
    """
    if field.optional and isinstance(value, str) and value.strip().lower() in OFF:
        return None
    if field.kind == "list":
        return _list(field, value, text)
    try:
        found = _scalar(field, value, text)
    except (ValueError, TypeError, InvalidOperation):
        raise NotAllowed(allowed(field)) from None
    if isinstance(found, NUMBERS) and not isinstance(found, bool) and not field.is_moment:
        number = Decimal(repr(found)) if isinstance(found, float) else found
        if not field.bounds.allows(number):
            raise NotAllowed(allowed(field))
    return found


def allowed(field: Field) -> str:
    """Say in words what the field takes."""
    if field.kind == "list":
        return f"a list: each {allowed(field.item)}" if field.item is not None else "a list"
    kind = field.type
    if field.is_moment:
        words = "a date or an instant, such as 2024-01-31 or 2024-01-31T12:00:00Z"
    elif typing.get_origin(kind) is Literal:
        words = "one of " + ", ".join(map(str, typing.get_args(kind)))
    elif kind is bool:
        words = "true or false"
    elif kind is int:
        words = "a whole number"
    elif kind in {Decimal, float}:
        words = "a number"
    elif field.pattern:
        words = field.bounds.description or f"a text like {field.pattern}"
    else:
        words = "a text"
    if field.bounds.text:
        words += " " + field.bounds.text
    return words + (', or "off"' if field.optional else "")


def to_toml(value: Any, field: Field | None = None) -> str:
    """Write a value as TOML that reads back as the same value."""
    if value is None:
        return '"off"'
    if field is not None and field.is_moment and isinstance(value, int):
        return f'"{iso(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(to_toml(item) for item in value) + "]"
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in str(value)) + '"'


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _list(field: Field, value: object, text: bool) -> tuple[Any, ...]:
    assert field.item is not None
    if isinstance(value, str):
        value, text = [part.strip() for part in value.split(",") if part.strip()], True
    if not isinstance(value, list | tuple):
        raise NotAllowed(allowed(field))
    try:
        return tuple(convert(field.item, item, text) for item in value)
    except NotAllowed:
        raise NotAllowed(allowed(field)) from None


def _scalar(field: Field, value: object, text: bool) -> Any:
    kind = field.type
    if field.is_moment:
        return _moment(value)
    if kind is Any:
        return _guessed(value) if text and isinstance(value, str) else value
    if typing.get_origin(kind) is Literal:
        return _choice(typing.get_args(kind), value)
    if kind is bool:
        return _truth(value, text)
    if kind is str:
        if not isinstance(value, str) or (field.pattern and re.fullmatch(field.pattern, value) is None):
            raise ValueError(value)
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float | str):
        raise TypeError(value)
    number = Decimal(str(value).strip())
    if not number.is_finite():
        raise ValueError(value)
    if kind is int:
        if number != number.to_integral_value():
            raise ValueError(value)
        return int(number)
    return float(number) if kind is float else number


def _choice(choices: tuple[Any, ...], value: object) -> Any:
    for choice in choices:
        if value == choice or (isinstance(value, str) and value.strip() == str(choice)):
            return choice
    raise ValueError(value)


def _truth(value: object, text: bool) -> bool:
    if isinstance(value, bool):
        return value
    if text and isinstance(value, str) and value.strip().lower() in _TRUE + _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError(value)


def _moment(value: object) -> int:
    if isinstance(value, datetime):
        moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return parse_time(moment.astimezone(UTC).isoformat())
    if isinstance(value, date):
        return parse_time(value.isoformat())
    if isinstance(value, str):
        return parse_time(value.strip())
    raise TypeError(value)


def _guessed(value: str) -> object:
    """Read a text whose type nobody knows yet as TOML would: number, truth or text."""
    stripped = value.strip()
    if stripped in {"true", "false"}:
        return stripped == "true"
    try:
        number = Decimal(stripped)
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    return int(number) if number == number.to_integral_value() and math.isfinite(number) else number
