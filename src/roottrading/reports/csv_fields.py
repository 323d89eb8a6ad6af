"""Values as fields of a CSV line: exact decimals, ISO 8601 times, texts quoted where they have to be."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from roottrading.domain.money import plain
from roottrading.domain.time import DAY, Time, iso

Kind = Literal["word", "text", "number", "amount", "time", "truth", "json"]
_SPECIAL: Final = frozenset(',"\r\n')


def text(value: str) -> str:
    """Return a text as a field, quoted where it has to be."""
    if _SPECIAL.isdisjoint(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def fields_as() -> Mapping[Kind, Callable[[Any], str] | None]:
    """Return how a value of each kind becomes a field; times are remembered, so take new ones for every file.

    A "word" (an id, a symbol, one of a few names) is a text that needs no quotes and is taken as it stands; an "amount"
    may be None and is then left empty.
    """
    return {
        "word": None,
        "text": text,
        "number": str,
        "amount": _amount,
        "time": _Times().__getitem__,
        "truth": _truth,
        "json": _json,
    }


class _Times(dict[Time, str]):
    """ISO 8601 texts as `iso` makes them; days and times of day recur, so that most are only put together."""

    def __init__(self) -> None:
        super().__init__()
        self._days: dict[int, str] = {}
        self._clocks: dict[int, str] = {}

    def __missing__(self, time: Time) -> str:
        day, rest = divmod(time, DAY)
        date = self._days.get(day)
        if date is None:
            date = self._days[day] = iso(day * DAY)[:10]
        clock = self._clocks.get(rest)
        if clock is None:
            clock = self._clocks[rest] = iso(rest)[10:]
        found = self[time] = date + clock
        return found


def _amount(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _json(value: object) -> str:
    return text(msgspec.json.encode(value, order="sorted").decode())
