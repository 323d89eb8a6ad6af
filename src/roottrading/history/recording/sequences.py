"""What is news among the frames of two connections that overlap, and whether anything was left out between two."""

from typing import Final

import msgspec
from msgspec import Raw, Struct, field

DEPTH: Final = "depth@100ms"
NUMBERED: Final = {"trade": "t", "aggTrade": "a", "bookTicker": "u", DEPTH: "u", "kline_1m": "E"}


class Said(Struct):
    """A frame: of a stream, or what else a server says: `event` of a raw serverShutdown, `id` of a reply, an error."""

    stream: str = ""
    data: Raw = field(default_factory=Raw)
    id: int | str | None = None
    event: str = field(default="", name="e")
    error: Raw = field(default_factory=Raw)
    code: int | None = None


class _Numbers(Struct):
    """Numbers of a payload, whichever it has."""

    trade: int = field(default=-1, name="t")
    update: int = field(default=-1, name="u")
    first: int = field(default=-1, name="U")
    said_at: int = field(default=-1, name="E")


class _Aggregate(Struct):
    number: int = field(default=-1, name="a")


_frame: Final = msgspec.json.Decoder(Said).decode
_numbers: Final = msgspec.json.Decoder(_Numbers).decode
_aggregate: Final = msgspec.json.Decoder(_Aggregate).decode


class News(Struct, frozen=True):
    """A frame that was not heard before: its stream's symbol and kind, its number, and the number that it follows.

    `missing` says that frames between the last one and this one were not heard; only prints and changes of the book
    tell that.
    """

    symbol: str
    kind: str
    number: int
    first: int
    missing: int


def read_frame(data: bytes | str) -> Said | None:
    """Return what a frame says; None where it is none."""
    try:
        return _frame(data)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return None


class Sequences:
    """The last number of each stream."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._last: dict[str, int] = {}

    def take(self, said: Said) -> News | None:
        """Return what is new about a frame; None where it was heard before or makes no sense."""
        name, _, kind = said.stream.partition("@")
        if kind not in NUMBERED:
            return None
        try:
            if kind == "aggTrade":
                number = first = _aggregate(said.data).number
            else:
                numbers = _numbers(said.data)
                number = {"t": numbers.trade, "u": numbers.update, "E": numbers.said_at}[NUMBERED[kind]]
                first = numbers.first if kind == DEPTH else number
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
            return None
        last = self._last.get(said.stream)
        if number < 0 or first < 0 or (last is not None and number <= last):
            return None
        self._last[said.stream] = number
        counted = last is not None and kind in {"trade", DEPTH}
        return News(name.upper(), kind, number, first, max(0, first - last - 1) if counted and last is not None else 0)
