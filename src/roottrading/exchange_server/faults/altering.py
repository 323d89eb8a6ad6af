"""Altering what is said: fields and words that no client knows, and answers that are cut short or no JSON."""

from typing import Any, Final

import msgspec

from roottrading.exchange_server.faults.fault import Fault
from roottrading.exchange_server.user_events import UserEvent
from roottrading.exchange_server.wording import Stamp

GARBAGE: Final = b"\x00\xff<not json at all"
HTML: Final = b"<html><body><h1>502 Bad Gateway</h1></body></html>\r\n"


def altered(body: bytes, fault: Fault) -> bytes:
    """Return an answer with the fault's field set wherever its path leads; what is no JSON stays as it is."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body
    _set(content, fault.field.split("."), value_of(fault.value))
    return msgspec.json.encode(content)


def value_of(text: str) -> Any:
    """Return a value as JSON has it, or the text itself."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text


def spoiled(body: bytes, fault: Fault) -> bytes:
    """Return an answer that nobody can read."""
    if fault.shape == "truncated":
        return body[: len(body) // 2]
    return GARBAGE if fault.shape == "garbage" else HTML


class Altered(UserEvent, frozen=True):
    """An event with one field changed or added."""

    event: UserEvent
    field: str
    value: str

    def shown(self, stamp: Stamp) -> dict[str, Any]:
        """Return the event as JSON has it, altered."""
        content = self.event.shown(stamp)
        _set(content, self.field.split("."), value_of(self.value))
        return content


def _set(content: Any, path: list[str], value: Any) -> None:
    """Set a field; on the way lists stand for all that they hold."""
    if isinstance(content, list):
        for item in content:
            _set(item, path, value)
    elif isinstance(content, dict):
        if len(path) == 1:
            content[path[0]] = value
        elif path[0] in content:
            _set(content[path[0]], path[1:], value)
