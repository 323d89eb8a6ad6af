"""From values given by key to a typed settings struct: everything wrong is found and said at once."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from roottrading.config.fields import Field, fields_of
from roottrading.config.sources import Given, Key, Problem
from roottrading.config.values import OFF, NotAllowed, allowed, convert, to_toml

DEFAULT: Final = "default"
_Settings = TypeVar("_Settings", bound=Struct)
_PASSWORD: Final = re.compile(r"(?<=:)(?!/)[^\s:@/]+(?=@)|(?<=password=)[^\s&\"]+")  # in an address


class Reader:
    """Reads one settings struct; `problems` and `origins` (of every value, by key) grow as it goes.

    `derived` names the keys that follow another one, which nobody is told to set.
    """

    def __init__(self, given: Mapping[Key, Given], derived: Mapping[Key, Key] = {}) -> None:
        self._given = given
        self._derived = derived
        self.problems: list[Problem] = []
        self.origins: dict[Key, str] = {}

    def read(self, struct: type[_Settings], prefix: Key = ()) -> _Settings | None:
        """Return the struct with what was given, defaults elsewhere; None where something is wrong with it."""
        before = len(self.problems)
        fields = fields_of(struct)
        self._refuse_unknown(fields, prefix)
        values = {field.name: self._field(field, (*prefix, field.name), field.default) for field in fields}
        if len(self.problems) > before:
            return None
        try:
            return struct(**values)
        except ValueError as error:  # what a struct itself refuses: relations between its fields
            self.problems.append(Problem(dotted(prefix), self._origin_near(prefix), str(error)))
            return None

    def _field(self, field: Field, key: Key, default: Any) -> Any:
        given = self._given.get(key)
        if field.kind == "section":
            return self._section(field, key, given, default)
        if field.kind == "table":
            return self._table(field, key, given, default)
        if given is None:
            if self._below(key):
                first = min(self._below(key))
                self._wrong(first, self._given[first], f"{dotted(key)} is a value, not a section")
            elif default is msgspec.UNSET:
                self.problems.append(Problem(dotted(key), "", f"is missing: give {allowed(field)}"))
            self.origins[key] = DEFAULT
            return default
        self.origins[key] = given.origin
        try:
            return convert(field, given.value, given.text)
        except NotAllowed as error:
            shown = given.value if given.text else to_toml(given.value)
            self._wrong(key, given, f"{_PASSWORD.sub('...', str(shown))} is not allowed: use {error}")
            return default

    def _section(self, field: Field, key: Key, given: Given | None, default: Any) -> Any:
        if given is not None:
            if field.optional and isinstance(given.value, str) and given.value.strip().lower() in OFF:
                self.origins[key] = given.origin
                return None
            if given.value != {}:
                self._wrong(key, given, "is a section: give its keys")
                return default
        if field.optional and given is None and not self._below(key):
            self.origins[key] = DEFAULT
            return default
        found = self.read(field.type, key)
        return default if found is None else found

    def _table(self, field: Field, key: Key, given: Given | None, default: Any) -> Any:
        assert field.item is not None
        if given is not None and given.value != {}:
            self._wrong(key, given, "is a section: give names and their values")
            return default
        names = dict.fromkeys([*default, *sorted({below[len(key)] for below in self._below(key)})])
        return {name: self._field(field.item, (*key, name), default.get(name, msgspec.UNSET)) for name in names}

    def _refuse_unknown(self, fields: Iterable[Field], prefix: Key) -> None:
        names = [field.name for field in fields]
        for key in sorted(self._below(prefix)):
            name = key[len(prefix)]
            if name not in names:
                self._wrong(key, self._given[key], f"is unknown: {self._hint(name, names, prefix)}")

    def _hint(self, name: str, names: Sequence[str], prefix: Key) -> str:
        """Return which key was meant, or which there are, of those that can be set."""
        near = difflib.get_close_matches(name, names, 1, 0.5)
        if near:
            meant = (*prefix, near[0])
            return f"did you mean {dotted(self._derived.get(meant, meant))}?"
        return f"there is {', '.join(name for name in names if (*prefix, name) not in self._derived)}"

    def _below(self, prefix: Key) -> list[Key]:
        return [key for key in self._given if len(key) > len(prefix) and key[: len(prefix)] == prefix]

    def _origin_near(self, prefix: Key) -> str:
        return ", ".join(dict.fromkeys(self._given[key].origin for key in self._below(prefix)))

    def _wrong(self, key: Key, given: Given, text: str) -> None:
        self.problems.append(Problem(dotted(key), given.origin, text))


def dotted(key: Key) -> str:
    """Write a key as people do."""
    return ".".join(key)
