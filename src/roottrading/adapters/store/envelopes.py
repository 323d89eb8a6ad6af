"""The body of an envelope as JSON text, for outboxes: whatever message it is, it comes back the very same."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Union

import msgspec

from roottrading.adapters.store.port import StoreCorrupt
from roottrading.messages import commands, events, market, signals
from roottrading.messages.envelope import Envelope, Message

_MODULES = frozenset(module.__name__ for module in (commands, events, market, signals))


def body_text(envelope: Envelope) -> str:
    """Return the body as text."""
    return msgspec.json.encode(envelope.body).decode()


def body_of(text: str | bytes) -> Message:
    """Return the body that was written as this text. Raises StoreCorrupt for what no message is written as."""
    try:
        body: Message = _decoder().decode(text)
    except msgspec.DecodeError as error:
        raise StoreCorrupt(f"an outbox holds a message that this version cannot read: {error}") from error
    return body


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Union[tuple(_bodies())])  # noqa: UP007 made at run time


def _bodies() -> Iterator[type[Message]]:
    return (body for body in Message.__subclasses__() if body.__module__ in _MODULES)
