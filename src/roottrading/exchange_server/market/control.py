"""Control messages of a stream connection: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY, GET_PROPERTY."""

from typing import Any, Final

import msgspec
from msgspec import Struct

_LONGEST_ID: Final = 36


class Answer(Struct, frozen=True):
    """A control message's reply, and the streams that it joined and left."""

    reply: bytes
    joined: list[str] = []
    left: list[str] = []


class Control:
    """What one connection listens to, and whether its messages are wrapped with their stream's name."""

    def __init__(self, *, wrapped: bool) -> None:
        """Listen to nothing."""
        self.names: dict[str, None] = {}  # in the order they were joined
        self.combined = wrapped

    def join(self, names: list[str]) -> list[str]:
        """Listen to streams; return those that are new."""
        new = [name for name in dict.fromkeys(names) if name not in self.names]
        self.names |= dict.fromkeys(new)
        return new

    def obey(self, data: bytes) -> Answer:
        """Carry out one message; whatever it is, there is an answer."""
        try:
            message = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _error(None, 3, "Invalid JSON: expected value at line 1 column 1")
        if not isinstance(message, dict):
            return _error(None, 3, "Invalid JSON: expected an object")
        number, problem = _id_of(message)
        if problem:
            return _error(None, 2, problem)
        method = message.get("method")
        if not isinstance(method, str):
            return _error(number, 2, "Invalid request: missing field `method`")
        return self._act(method, message.get("params"), number)

    def _act(self, method: str, params: Any, number: Any) -> Answer:
        if method in {"SUBSCRIBE", "UNSUBSCRIBE"}:
            if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
                return _error(number, 2, "Invalid request: invalid type, expected a sequence of strings in `params`")
            if method == "SUBSCRIBE":
                return _result(number, None, joined=self.join(params))
            left = [name for name in dict.fromkeys(params) if name in self.names]
            for name in left:
                del self.names[name]
            return _result(number, None, left=left)
        if method == "LIST_SUBSCRIPTIONS":
            return _result(number, list(self.names))
        if method == "SET_PROPERTY":
            if not isinstance(params, list) or len(params) != 2:
                return _error(number, 2, "Invalid request: `params` of a property are its name and its value")
            if params[0] != "combined":
                return _error(number, 0, f"Unknown property: {params[0]!s:.40}")
            if not isinstance(params[1], bool):
                return _error(number, 1, "Invalid value type: expected Boolean")
            self.combined = params[1]
            return _result(number, None)
        if method == "GET_PROPERTY":
            if params != ["combined"]:
                return _error(number, 0, "Unknown property")
            return _result(number, self.combined)
        return _error(number, 2, f"Invalid request: unknown variant `{method:.40}`")


def _id_of(message: dict[str, Any]) -> tuple[Any, str]:
    """Return the message's id, and what is wrong with it."""
    number = message.get("id")
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return number, ""
    if isinstance(number, str) and len(number) <= _LONGEST_ID:
        return number, ""
    return None, "Invalid request: request ID must be an unsigned integer, a short string or null"


def _result(number: Any, result: Any, joined: list[str] | None = None, left: list[str] | None = None) -> Answer:
    return Answer(msgspec.json.encode({"result": result, "id": number}), joined or [], left or [])


def _error(number: Any, code: int, text: str) -> Answer:
    body = {"error": {"code": code, "msg": text}, "id": number}
    return Answer(msgspec.json.encode(body))
