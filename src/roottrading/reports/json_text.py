"""JSON for readers and programs alike: amounts as exact numbers, no NaN, no infinity, no exponents in money."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from roottrading.domain.money import plain
from roottrading.domain.time import iso

_TIMES = ("_at", "_from", "_to")


def json_text(value: object, indent: str = "") -> str:
    """Return a value as JSON text: structs by field, times of fields named `..._at`, `_from`, `_to` as ISO 8601.

    Decimals are numbers with all their digits; floats that are no numbers are null. Raises TypeError for what JSON
    has no form for.
    """
    inner = indent + "  "
    match value:
        case None | bool() | str():
            return msgspec.json.encode(value).decode()
        case int():
            return str(value)
        case Decimal():
            return plain(value) if value.is_finite() else "null"
        case float():
            return repr(value) if math.isfinite(value) else "null"
        case Struct():
            return json_text({name: _readable(name, getattr(value, name)) for name in value.__struct_fields__}, indent)
        case Mapping():
            if not value:
                return "{}"
            lines = [
                f"{inner}{msgspec.json.encode(str(key)).decode()}: {json_text(item, inner)}"
                for key, item in value.items()
            ]
            return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
        case Sequence() | frozenset():
            if not value:
                return "[]"
            items = sorted(value) if isinstance(value, frozenset) else value
            return "[\n" + ",\n".join(f"{inner}{json_text(item, inner)}" for item in items) + f"\n{indent}]"
        case _:
            raise TypeError(f"a report cannot hold {value!r} ({type(value).__name__})")


def _readable(name: str, value: object) -> object:
    return iso(value) if isinstance(value, int) and name.endswith(_TIMES) else value
