"""Who said it: every message is sealed by whoever sends it, with a key that only this channel's parties have.

HMAC-SHA256 over deployment, channel, sender and the whole frame, which names version, source, stream and sequence
(consistency-rules 6.4). One key per (sender, channel), derived from a secret by HKDF. What is played back later is
genuine and falls to its sequence. A sender's message must have an author who may use this way: itself, or on a
bridge whoever speaks at its other end.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from roottrading.adapters.bus.port import Forged, Heads, Unreadable
from roottrading.messages.codec import UnreadableMessage, decode, encode
from roottrading.messages.envelope import Envelope

HEADS: Final = "heads:"  # and a channel's name: where heads are told
SHORTEST: Final = 16  # characters of a secret
_SIGNED: Final = b'{"sender":'
_HEADS_DECODER: Final = msgspec.json.Decoder(Heads)
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last: nested too deep
_SHOWN: Final = 40  # characters of a name that somebody made up


class Grant(Struct, frozen=True):
    """`sender` may say on `channel` what `authors` said."""

    sender: str
    channel: str
    authors: frozenset[str]


class Keys(Struct, frozen=True):
    """The keys of a grant: the first signs, all verify."""

    grant: Grant
    keys: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"Keys({self.grant!r}, ...)"


class Seal(Protocol):
    """How messages become bytes and bytes messages again."""

    def pack(self, channel: str, message: Envelope | Heads) -> bytes:
        """Return the bytes that go out on a channel."""

    def envelope(self, channel: str, data: bytes) -> Envelope:
        """Return the message that came on a channel. Raises Forged, and Unreadable for a genuine one."""

    def heads(self, channel: str, data: bytes) -> Heads:
        """Return the heads that came for a channel. Raises Forged, and Unreadable for genuine ones."""


class Unsigned:
    """No seal: for carriers that only this machine reaches."""

    def pack(self, channel: str, message: Envelope | Heads) -> bytes:
        """Return the bytes that go out on a channel."""
        return encode(message) if isinstance(message, Envelope) else msgspec.json.encode(message)

    def envelope(self, channel: str, data: bytes) -> Envelope:
        """Return the message that came on a channel. Raises Unreadable."""
        return _envelope(channel, _bare(channel, data))

    def heads(self, channel: str, data: bytes) -> Heads:
        """Return the heads that came for a channel. Raises Unreadable."""
        return _heads(channel, _bare(channel, data))


class _Sealed(Struct, frozen=True):
    sender: str
    key: str
    mac: str
    frame: msgspec.Raw


_SEALED_DECODER: Final = msgspec.json.Decoder(_Sealed)


class Signed:
    """A seal of one sender, with the keys of those it hears."""

    def __init__(self, deployment: str, sender: str, keys: Iterable[Keys]) -> None:
        self._deployment = deployment
        self._sender = sender
        self._keys: Mapping[tuple[str, str], Keys] = {(each.grant.sender, each.grant.channel): each for each in keys}
        self._begun: dict[tuple[bytes, str, str], hmac.HMAC] = {}  # what is the same in all messages of a way
        self._named = {place: {_name(key): key for key in each.keys} for place, each in self._keys.items()}

    def pack(self, channel: str, message: Envelope | Heads) -> bytes:
        """Return the bytes that go out on a channel."""
        data = encode(message) if isinstance(message, Envelope) else msgspec.json.encode(message)
        way = channel if isinstance(message, Envelope) else HEADS + channel
        held = self._keys.get((self._sender, channel))
        if held is None:
            raise ValueError(f"{self._sender} has no key for {channel}: the map does not have it speak there")
        key = held.keys[0]
        return msgspec.json.encode(
            _Sealed(self._sender, _name(key), self._mac(key, way, self._sender, data).decode(), msgspec.Raw(data))
        )

    def envelope(self, channel: str, data: bytes) -> Envelope:
        """Return the message that came on a channel. Raises Forged, and Unreadable for a genuine one."""
        authors, frame = self._open(channel, channel, data)
        envelope = _envelope(channel, frame)
        _check_author(channel, envelope.source, authors)
        return envelope

    def heads(self, channel: str, data: bytes) -> Heads:
        """Return the heads that came for a channel. Raises Forged, and Unreadable for genuine ones."""
        authors, frame = self._open(channel, HEADS + channel, data)
        heads = _heads(channel, frame)
        _check_author(channel, heads.source, authors)
        return heads

    def _open(self, channel: str, way: str, data: bytes) -> tuple[frozenset[str], bytes]:
        try:
            sealed = _SEALED_DECODER.decode(data)
        except _BROKEN:
            raise Forged(f"a message on {channel} is not signed: does every service have the secret?") from None
        held = self._keys.get((sealed.sender, channel))
        if held is None:
            raise Forged(f"a message on {channel} is signed by {sealed.sender[:_SHOWN]!r}, who has no say there")
        key = self._named[sealed.sender, channel].get(sealed.key)
        frame = bytes(sealed.frame)
        if key is None or not hmac.compare_digest(sealed.mac.encode(), self._mac(key, way, sealed.sender, frame)):
            raise Forged(
                f"a message on {channel} is not signed by {sealed.sender}, whom it names: "
                "have all services the same secret and deployment?"
            )
        return held.grant.authors, frame

    def _mac(self, key: bytes, way: str, sender: str, frame: bytes) -> bytes:
        begun = self._begun.get((key, way, sender))
        if begun is None:
            begun = self._begun[key, way, sender] = hmac.new(key, digestmod=hashlib.sha256)
            for part in (self._deployment.encode(), way.encode(), sender.encode()):
                _add(begun, part)
        mac = begun.copy()
        _add(mac, frame)
        return mac.hexdigest().encode()


def _add(mac: hmac.HMAC, part: bytes) -> None:
    mac.update(len(part).to_bytes(8, "big"))  # so that no two lists of parts read the same
    mac.update(part)


def derive(secrets: Sequence[str], deployment: str, grants: Iterable[Grant]) -> tuple[Keys, ...]:
    """Return the keys of grants from a deployment's secrets: the first one signs, retired ones verify.

    Raises ValueError for a secret that is too short.
    """
    for secret in secrets:
        if len(secret) < SHORTEST:
            raise ValueError(f"the secret of the messages is shorter than {SHORTEST} characters: make a longer one")
    return tuple(
        Keys(grant, tuple(_hkdf(secret, f"{deployment}\n{grant.sender}\n{grant.channel}") for secret in secrets))
        for grant in grants
    )


def _hkdf(secret: str, purpose: str) -> bytes:
    """Return 32 bytes by HKDF-SHA256 (RFC 5869): one block."""
    fixed = hmac.digest(b"roottrading messages", secret.encode(), "sha256")
    return hmac.digest(fixed, purpose.encode() + b"\x01", "sha256")


@cache
def _name(key: bytes) -> str:
    """Return what a key is called on the wire; nothing can be told of the key from it."""
    return hmac.digest(key, b"name", "sha256").hex()[:8]


def _bare(channel: str, data: bytes) -> bytes:
    if data.startswith(_SIGNED):
        raise Unreadable(f"a message on {channel} is signed, and this service has no secret to check it with")
    return data


def _envelope(channel: str, data: bytes) -> Envelope:
    try:
        return decode(data)
    except UnreadableMessage as error:
        raise Unreadable(f"{channel}: {error}") from None


def _heads(channel: str, data: bytes) -> Heads:
    try:
        return _HEADS_DECODER.decode(data)
    except _BROKEN as error:
        raise Unreadable(f"{channel}: no heads: {error}") from None


def _check_author(channel: str, author: str, authors: frozenset[str]) -> None:
    if author not in authors:
        raise Forged(f"a message on {channel} says that {author[:_SHOWN]!r} made it, who has no say there")
