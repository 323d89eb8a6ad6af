"""Envelopes as bytes: JSON with a schema version, Decimals as text, bodies named by their type.

Within a version a message may gain fields that have a default, and nothing else: who reads an older one takes the
default, who reads a newer one leaves out what it does not know. Every other change is a new version, of which golden
files are kept (consistency-rules 6.5).
"""

from functools import cache
from typing import Any, Final, Union

import msgspec
from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages import commands, events, market, signals
from roottrading.messages.envelope import Envelope, Message

VERSION: Final = 1
OLDEST: Final = 1  # a release reads its own version and the one before
_MODULES: Final = frozenset(module.__name__ for module in (commands, events, market, signals))
_ENCODE: Final = msgspec.json.Encoder().encode
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last: nested too deep


class UnreadableMessage(ValueError):
    """The bytes are no message, or one of a version that this release does not read."""


class Frame(Struct, frozen=True):
    """An envelope as it travels; `v` is the version of its body's schema."""

    v: int
    source: str
    stream: str
    sequence: int
    follows: int
    at: Time
    cause: str
    body: Message


class _Tag(Struct, frozen=True):
    message: str


class _Outline(Struct, frozen=True):
    """What can be told of a message whatever its version is."""

    v: int
    body: _Tag


def encode(envelope: Envelope) -> bytes:
    """Return an envelope's bytes."""
    return _ENCODE(
        Frame(
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


def decode(data: bytes | memoryview) -> Envelope:
    """Return the envelope of these bytes. Raises UnreadableMessage, naming what is wrong."""
    try:
        frame = _FRAMES.decode(data)
    except _BROKEN as error:
        raise UnreadableMessage(_why(data, error)) from None
    if not OLDEST <= frame.v <= VERSION:
        raise UnreadableMessage(_of_version(frame.v))
    if "/" not in frame.stream:
        raise UnreadableMessage(f"no message: its stream {frame.stream!r} names no symbol")
    return Envelope(frame.source, frame.stream, frame.sequence, frame.follows, frame.at, frame.cause, frame.body)


def encode_body(body: Message) -> bytes:
    """Return the bytes of a message without its envelope."""
    return _ENCODE(body)


def decode_body(data: str | bytes) -> Message:
    """Return the message of these bytes. Raises UnreadableMessage."""
    try:
        body: Message = _BODIES.decode(data)
    except _BROKEN as error:
        raise UnreadableMessage(str(error)) from None
    return body


@cache
def bodies() -> tuple[type[Message], ...]:
    """Return every kind of message there is, by name."""
    found = (body for body in Message.__subclasses__() if body.__module__ in _MODULES)
    return tuple(sorted(found, key=lambda body: body.__name__))


@cache
def frame_type() -> type[Struct]:
    """Return `Frame` with its body as the union of all messages: for readers, and for schemas."""
    return msgspec.defstruct(
        "Frame",
        [(name, _union() if name == "body" else kind) for name, kind in Frame.__annotations__.items()],
        namespace={"__doc__": Frame.__doc__},
        frozen=True,
    )


def _why(data: bytes | memoryview, error: Exception) -> str:
    try:
        outline = _OUTLINES.decode(data)
    except _BROKEN:
        return f"no message: {error}"
    if not OLDEST <= outline.v <= VERSION:
        return _of_version(outline.v)
    name = outline.body.message
    if name not in {body.__name__ for body in bodies()}:
        return f"a message {name!r}, which this release does not know: upgrade it"
    return f"{name} of version {outline.v}, not as this release knows it: {error}"


def _of_version(version: int) -> str:
    if version > VERSION:
        return f"the message is of version {version}, this release reads up to {VERSION}: upgrade it"
    return f"the message is of version {version}, this release reads none before {OLDEST}"


def _union() -> Any:
    return Union[bodies()]  # noqa: UP007 made at run time


# Made here, before there are threads: where two of them make decoders of the same types at once, msgspec 0.22 shows
# types to one that the other has not finished, and the process ends (signal 11). First messages come on two carriers.
_FRAMES: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(frame_type())
_BODIES: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(_union())
_OUTLINES: Final = msgspec.json.Decoder(_Outline)
