"""A strategy's parameters: what they are, and strategies made from given values with errors that help."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import Struct, inspect

from roottrading.strategies.contract import Strategy


class StrategyError(Exception):
    """A strategy cannot be made; the text says which, why and what is allowed."""


class Parameter(Struct, frozen=True):
    """One parameter: `kind` is its type in words; bounds are None where there are none."""

    name: str
    kind: str
    required: bool
    default: object
    lowest: float | None
    highest: float | None
    above: float | None
    below: float | None
    choices: tuple[object, ...]
    description: str

    @property
    def allowed(self) -> str:
        """What values are allowed, in words."""
        if self.choices:
            return "value out of " + ", ".join(map(str, self.choices))
        words = [(self.lowest, "at least"), (self.above, "above"), (self.highest, "at most"), (self.below, "below")]
        bounds = " and ".join(f"{word} {bound:g}" for bound, word in words if bound is not None)
        return f"{self.kind}, {bounds}" if bounds else self.kind

    @property
    def bounded(self) -> bool:
        """Whether a number has a lowest and a highest value; other kinds need none."""
        if self.kind not in {"whole number", "number"}:
            return True
        return (self.lowest is not None or self.above is not None) and (
            self.highest is not None or self.below is not None
        )


def describe(strategy: type[Strategy]) -> tuple[Parameter, ...]:
    """Return the parameters in the order of the file."""
    info = inspect.type_info(strategy)
    assert isinstance(info, inspect.StructType)
    return tuple(_parameter(field) for field in info.fields)


def make(name: str, strategy: type[Strategy], given: Mapping[str, object]) -> Strategy:
    """Return the strategy with these parameters, the others at their defaults; texts of numbers are numbers.

    Raises StrategyError naming strategy, parameter, value and what is allowed.
    """
    known = {parameter.name: parameter for parameter in describe(strategy)}
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
            raise StrategyError(f"strategy {name} has no parameter {key!r}: {hint}")
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(strategy):
        parameter = known[field.name]
        # Defaults are converted too: 2 given for a 2.0 is the same strategy, and so has the same signal ids.
        value = given.get(field.name, parameter.default)
        try:
            values[field.name] = msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError:
            meaning = f" ({parameter.description})" if parameter.description else ""
            raise StrategyError(
                f"strategy {name}: {field.name} is {value!r}; it must be a {parameter.allowed}{meaning}"
            ) from None
    try:
        return strategy(**values)
    except (TypeError, ValueError) as error:
        raise StrategyError(f"strategy {name}: {error}") from error


def _parameter(field: inspect.Field) -> Parameter:
    kind, description = field.type, ""
    if isinstance(kind, inspect.Metadata):
        description = str((kind.extra_json_schema or {}).get("description", ""))
        kind = kind.type
    default = field.default
    if default is msgspec.NODEFAULT:
        default = None if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return Parameter(
        field.name,
        _KINDS.get(type(kind), type(kind).__name__.removesuffix("Type").lower()),
        field.required,
        default,
        getattr(kind, "ge", None),
        getattr(kind, "le", None),
        getattr(kind, "gt", None),
        getattr(kind, "lt", None),
        tuple(getattr(kind, "values", ())),
        description,
    )


_KINDS: dict[type, str] = {
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.StrType: "text",
}
