"""What is asked of one connection: the streams in its address, and control messages for the rest."""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

_SAFE: Final = "@/!"  # what stream names hold and an address may, too


class _Control(Struct):
    method: str
    params: Sequence[str]
    id: int


class Subscribing:
    """Makes the control messages that lead from what a connection has to what is wanted, and reads their replies."""

    def __init__(self, wanted: Iterable[str], *, in_address: int, a_message: int) -> None:
        """Begin with the streams that are wanted; the first `in_address` of them are named in the address."""
        self._wanted = dict.fromkeys(wanted)
        self._a_message = a_message
        self._asked = dict.fromkeys(list(self._wanted)[:in_address])
        self._unanswered: set[int] = set()
        self._messages = 0

    def address(self, url: str) -> str:
        """Return the address of a combined stream, with times in microseconds."""
        names = f"&streams={quote('/'.join(self._asked), safe=_SAFE)}" if self._asked else ""
        return f"{url}/stream?timeUnit=MICROSECOND{names}"

    def want(self, names: Iterable[str]) -> None:
        """Change what is wanted; the messages follow."""
        self._wanted = dict.fromkeys(names)

    def message(self) -> bytes | None:
        """Return the next control message to send, taken as sent; None where nothing is to be said."""
        for method, names in (
            ("UNSUBSCRIBE", [name for name in self._asked if name not in self._wanted]),
            ("SUBSCRIBE", [name for name in self._wanted if name not in self._asked]),
        ):
            said = names[: self._a_message]
            for name in said:
                if method == "SUBSCRIBE":
                    self._asked[name] = None
                else:
                    del self._asked[name]
            if said:
                self._messages += 1
                self._unanswered.add(self._messages)
                return msgspec.json.encode(_Control(method, said, self._messages))
        return None

    def answered(self, number: int | str | None) -> None:
        """Take that a control message was done; a reply to none of ours is passed over."""
        if isinstance(number, int):
            self._unanswered.discard(number)

    @property
    def settled(self) -> bool:
        """Whether everything that is wanted was asked for and confirmed."""
        return not self._unanswered and self._asked.keys() == self._wanted.keys()
