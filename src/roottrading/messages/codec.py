"""Envelopes as bytes: JSON with a schema version, Decimals as text, bodies named by their type."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Union

import msgspec
from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages import commands, events, market, signals
from roottrading.messages.envelope import Envelope, Message

VERSION: Final = 1
_MODULES: Final = frozenset(module.__name__ for module in (commands, events, market, signals))


class UnreadableMessage(ValueError):
    """The bytes are no message, or one of a version that this release does not read."""


class _Frame(Struct, frozen=True):
    """An envelope as it travels; `v` is the version of its body's schema."""

    v: int
    source: str
    stream: str
    sequence: int
    follows: int
    at: Time
    cause: str
    body: Message


class _Version(Struct, frozen=True):
    v: int


def encode(envelope: Envelope) -> bytes:
    """Return an envelope's bytes."""
    return msgspec.json.encode(
        _Frame(
            VERSION,
            envelope.source,
            envelope.stream,
            envelope.sequence,
            envelope.follows,
            envelope.at,
            envelope.cause,
            envelope.body,
        )
    )


def decode(data: bytes) -> Envelope:
    """Return the envelope of these bytes. Raises UnreadableMessage, naming what is wrong."""
    try:
        frame = _decoder().decode(data)
    except msgspec.DecodeError as error:
        raise UnreadableMessage(_why(data, error)) from None
    if frame.v != VERSION:
        raise UnreadableMessage(f"the message is of version {frame.v}, this release reads {VERSION}: upgrade it")
    return Envelope(frame.source, frame.stream, frame.sequence, frame.follows, frame.at, frame.cause, frame.body)


def bodies() -> Iterator[type[Message]]:
    """Return every kind of message there is."""
    return (body for body in Message.__subclasses__() if body.__module__ in _MODULES)


def _why(data: bytes, error: msgspec.DecodeError) -> str:
    try:
        version = msgspec.json.decode(data, type=_Version).v
    except msgspec.DecodeError:
        return f"no message: {error}"
    if version > VERSION:
        return f"the message is of version {version}, this release reads {VERSION}: upgrade it"
    return f"a message of version {version} that is none: {error}"


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    body: Any = Union[tuple(bodies())]  # noqa: UP007 made at run time
    frame = msgspec.defstruct(
        "Frame", [(name, body if name == "body" else kind) for name, kind in _Frame.__annotations__.items()]
    )
    return msgspec.json.Decoder(frame)
