"""Messages packed before they may leave: while a commit is on its way there is time, after it every moment counts."""

from collections.abc import Sequence
from typing import Final

from roottrading.adapters.bus.port import Heads, Sent
from roottrading.adapters.bus.signing import Seal
from roottrading.messages.envelope import Envelope

_REMEMBERED: Final = 256  # messages; an older one is packed again
_HURRY: Final = 16  # messages at most of which each is waited for: whoever says more is busy with the next anyway


class PackingAhead:
    """A seal that can be asked ahead; a message is then packed once, whichever carriers take it.

    It is known by itself, not by its number: after a commit that failed another message may have that.
    """

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._packed: dict[tuple[str, int], tuple[Envelope, bytes]] = {}  # who is kept here shares no id with another

    def prepare(self, sent: Sequence[Sent]) -> None:
        """Pack what will be sent soon; nothing leaves. Raises ValueError where a channel is not to be spoken on."""
        if len(sent) > _HURRY:
            return
        for channel, envelope in sent:
            self._packed[channel, id(envelope)] = envelope, self._seal.pack(channel, envelope)
        while len(self._packed) > _REMEMBERED:
            del self._packed[next(iter(self._packed))]

    def pack(self, channel: str, message: Envelope | Heads) -> bytes:
        """Return the bytes that go out on a channel."""
        found = self._packed.get((channel, id(message)))
        return self._seal.pack(channel, message) if found is None else found[1]

    def envelope(self, channel: str, data: bytes) -> Envelope:
        """Return the message that came on a channel. Raises Forged, and Unreadable for a genuine one."""
        return self._seal.envelope(channel, data)

    def heads(self, channel: str, data: bytes) -> Heads:
        """Return the heads that came for a channel. Raises Forged, and Unreadable for genuine ones."""
        return self._seal.heads(channel, data)
