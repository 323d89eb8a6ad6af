"""Frames of the WebSocket API: a request becomes its parameters as raw tokens, for signatures are made of them."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.parameters import Parameters

_SHOW: Final = "returnRateLimits"


class _Frame(Struct):
    method: str
    id: msgspec.Raw = msgspec.Raw(b"null")
    params: dict[str, msgspec.Raw] | None = None


class Frame(Struct, frozen=True):
    """A request: `identity` is sent back as it came, `shows` says whether the answer is to tell of limits."""

    identity: msgspec.Raw
    method: str
    parameters: Parameters
    payload: bytes
    shows: bool | None


_DECODER: Final = msgspec.json.Decoder(_Frame)


def read_frame(text: str | bytes) -> Frame:
    """Read a request; ApiError -1135 for what is none."""
    try:
        frame = _DECODER.decode(text)
        identity = _identity(frame.id)
        given = {name: _token(raw) for name, raw in (frame.params or {}).items()}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ApiError(-1135, "Invalid JSON Request") from None
    shows = given.pop(_SHOW, None)
    if shows not in {None, "true", "false"}:
        raise ApiError(-1100, f"Illegal characters found in parameter '{_SHOW}'; legal range is '^(true|false)$'.")
    signed = {name: value for name, value in given.items() if name != "signature"}
    if shows is not None:
        signed[_SHOW] = shows
    payload = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    return Frame(
        identity,
        frame.method.removeprefix("v3/"),
        Parameters(given),
        payload.encode("utf-8", "replace"),
        None if shows is None else shows == "true",
    )


def _identity(raw: msgspec.Raw) -> msgspec.Raw:
    """Return the id as it came: a whole number, a text or null."""
    value = msgspec.json.decode(raw)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | str)):
        raise msgspec.DecodeError("an id is a whole number, a text or null")
    return raw


def _token(raw: msgspec.Raw) -> str:
    """Return a value as it enters signatures: a text without its quotes, anything else as it was written."""
    data = bytes(raw)
    if data.startswith(b'"'):
        return str(msgspec.json.decode(data, type=str))
    return "" if data == b"null" else data.decode()


def answer_frame(identity: msgspec.Raw, status: int, key: str, body: Any, limits: list[dict[str, Any]] | None) -> bytes:
    """Write an answer."""
    frame: dict[str, Any] = {"id": identity, "status": status, key: body}
    if limits is not None:
        frame["rateLimits"] = limits
    return msgspec.json.encode(frame)
