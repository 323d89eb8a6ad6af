"""Recorded feeds: one message a line, `<receive time> <JSON>` of the combined streams, and REST snapshots of the book.

A snapshot by itself belongs to the symbol that is spoken of around it; one in a stream `<symbol>@depth.snapshot` comes
before the next change of that symbol's book.
What says nothing about depth, trades or best quotes is passed over. The exchange's own times count, not the recorder's.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.adapters.tape.errors import TapeError
from roottrading.domain.time import MILLISECOND, Time
from roottrading.exchange_server.market.events import BestChanged, BookChanged, BookLoaded, Level, PublicTrade

FeedEvent = PublicTrade | BookChanged | BestChanged | BookLoaded
_HEAD: Final = 4_096
_SENSELESS: Final = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)
_SNAPSHOT: Final = "@depth.snapshot"


class Recorded(Struct):
    """What a feed tells of one symbol: everything in order of time, and of arrival within an instant."""

    symbol: str
    events: list[tuple[Time, FeedEvent]]


def is_feed(path: Path) -> bool:
    """Say whether a file is a recorded feed, by its first line."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head[:2] == b"\x1f\x8b":
            head = zlib.decompressobj(31).decompress(head, _HEAD)
    except (OSError, zlib.error):
        return False
    stamp, _, rest = head.partition(b" ")
    return stamp.isdigit() and rest.lstrip()[:1] == b"{"


def read_feeds(paths: Sequence[Path]) -> dict[str, Recorded]:
    """Read feeds by symbol, sorted; files that go on with a symbol are joined.

    Raises TapeError naming file and line where something is no message.
    """
    parts: dict[str, list[tuple[Time, FeedEvent]]] = {}
    for path in paths:
        symbol = ""
        pending: list[Any] = []
        named: dict[str, Any] = {}
        running = 0
        for line, message in _messages(path):
            try:
                stream = message.get("stream", "")
                if stream.endswith(_SNAPSHOT):
                    named[stream.removesuffix(_SNAPSHOT).upper()] = message["data"]
                    continue
                if "lastUpdateId" in message:
                    if not symbol:
                        pending.append(message)
                        continue
                    parts[symbol].append((running, _snapshot(symbol, running, message)))
                    continue
                read = _read(message, running)
            except _SENSELESS as error:
                raise TapeError(f"{path}, line {line}: no message of a market stream ({error!r})") from None
            if read is None or not (running or read[1]):
                continue  # about something else, or best quotes before any time is known
            symbol, at, event = read
            running = max(running, at)
            events = parts.setdefault(symbol, [])
            events += [(at, _snapshot(symbol, at, snapshot)) for snapshot in pending]
            pending.clear()
            if isinstance(event, BookChanged) and symbol in named:
                try:
                    events.append((at, _snapshot(symbol, at, named.pop(symbol))))
                except _SENSELESS as error:
                    raise TapeError(f"{path}, before line {line}: no snapshot of a book ({error!r})") from None
            events.append((at, event))
    found = {}
    for symbol in sorted(parts):
        events = parts[symbol]
        events.sort(key=_time)
        found[symbol] = Recorded(symbol, events)
    if not found:
        raise TapeError(f"{', '.join(map(str, paths))}: no trades and no book in the feed")
    return found


def _time(entry: tuple[Time, FeedEvent]) -> Time:
    return entry[0]


def _messages(path: Path) -> Iterator[tuple[int, Any]]:
    data = path.read_bytes()
    try:
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TapeError(f"{path}: cut or damaged ({error}): fetch it again") from None
    for line, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        _, _, rest = row.partition(b" ")
        try:
            message = msgspec.json.decode(rest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TapeError(f"{path}, line {line}: no JSON after the receive time ({error})") from None
        if not isinstance(message, dict):
            raise TapeError(f"{path}, line {line}: a message is an object")
        yield line, message


def _read(message: dict[str, Any], running: Time) -> tuple[str, Time, FeedEvent] | None:
    """Return symbol, time and event of a stream's message; None where it is about something else.

    Best quotes carry no time: they come when the last message before them came.
    """
    data = message.get("data", message)
    kind = data.get("e")
    if kind == "trade":
        at = int(data["T"]) * MILLISECOND
        price, quantity = _number(data["p"]), _number(data["q"])
        return _symbol(data), at, PublicTrade(int(data["t"]), price, quantity, at, bool(data["m"]))
    if kind == "depthUpdate":
        at = int(data["E"]) * MILLISECOND
        first, last = int(data["U"]), int(data["u"])
        return _symbol(data), at, BookChanged(data["s"], at, first, last, _levels(data["b"]), _levels(data["a"]))
    if kind is None and {"u", "s", "b", "B", "a", "A"} <= data.keys():
        bid, ask = _level(data["b"], data["B"]), _level(data["a"], data["A"])
        return _symbol(data), running, BestChanged(data["s"], running, int(data["u"]), bid, ask)
    return None


def _snapshot(symbol: str, at: Time, message: dict[str, Any]) -> BookLoaded:
    return BookLoaded(symbol, at, int(message["lastUpdateId"]), _levels(message["bids"]), _levels(message["asks"]))


def _levels(rows: Sequence[Sequence[str]]) -> tuple[Level, ...]:
    return tuple((_number(price), _number(quantity)) for price, quantity in rows)


def _level(price: str, quantity: str) -> Level | None:
    return (_number(price), _number(quantity)) if _number(price) else None


def _symbol(data: dict[str, Any]) -> str:
    symbol = data["s"]
    if not isinstance(symbol, str):
        raise TypeError("a symbol is a text")
    return symbol


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or number < 0:
        raise ValueError(f"{text} is no price or quantity")
    return number
