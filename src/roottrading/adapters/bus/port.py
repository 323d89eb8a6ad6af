"""What a carrier is to a service's process: Pub/Sub that forgets what nobody hears, and a log that keeps.

Both deliver envelopes whole and unchanged, those of one stream in the order in which they were published as long as
nothing goes wrong. Both may deliver again what was delivered before; Pub/Sub may lose. Who hears tells the one by the
sequence, the other by what a message follows (consistency-rules 2.3).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from roottrading.messages.envelope import Envelope

Sent = tuple[str, Envelope]  # the channel it goes to, and the message
Partition = tuple[str, int]  # topic and number: messages of one symbol are in one partition


class Delivery(Struct, frozen=True, gc=False):
    """A message that came on `channel`; on a log, `offset` is its place in `partition`."""

    channel: str
    envelope: Envelope
    partition: int = -1
    offset: int = -1


class Heads(Struct, frozen=True):
    """The last sequence of streams that `source` repeats each second, so that a lost last message is missed too."""

    source: str
    channel: str
    last: Mapping[str, int]  # by stream


class BusError(Exception):
    """A carrier cannot do what was asked; the text says which, what and what to do."""


class BusUnavailable(BusError):
    """The carrier is not there now; what was not confirmed may or may not have been taken."""


class Unreadable(BusError):
    """A message is of a newer version, or no message at all."""


class Forged(Unreadable):
    """A message is not signed by whom it names, or does not stand where it belongs.

    Nobody of ours said it, or not so: what it stands in place of is in its author's outbox.
    """


class PassedOver(Struct, frozen=True):
    """Forged messages of a partition that were not delivered: how many, and where to read on after the last of them."""

    place: Partition
    count: int
    after: int
    why: str  # of the last


# Awaited before more is delivered: whoever is slow is waited for.
HearMany = Callable[[Sequence[Delivery]], Awaitable[None]]
HearStopped = Callable[[Partition, Unreadable], None]
HearPassedOver = Callable[[PassedOver], None]


class Ear(Protocol):
    """Who listens to Pub/Sub: it is told at once, in the pass of the event loop in which a message comes."""

    def hear(self, batch: Sequence[Delivery]) -> None:
        """Take messages, in order. What it raises ends the listening."""

    def hear_heads(self, heads: Heads) -> None:
        """Take the last sequences of a source's streams, after what was said before them."""

    def listening(self) -> None:
        """Learn that everything said from now on will be heard.

        So it is at first, and again after every cut, between which messages may have been lost.
        """

    def has_room(self) -> bool:
        """Say whether more can be taken: what comes while it cannot is kept back, and lost where it is very much."""


class PubSub(Protocol):
    """Whoever listens now hears; nobody else ever will (Redis)."""

    async def open(self) -> None:
        """Connect. Raises BusUnavailable."""

    async def close(self) -> None:
        """End all connections."""

    def publish(self, sent: Sequence[Sent]) -> Awaitable[None]:
        """Hand messages to the carrier, in order; await that it has them. Raises BusUnavailable there.

        Where the carrier can be reached they are on their way when this returns.
        """

    def say(self, sent: Sequence[Sent]) -> None:
        """Hand messages to whoever hears them now, where that can be: nobody waits for it, and nothing is promised."""

    async def tell_heads(self, heads: Heads) -> None:
        """Repeat the last sequences of a source's streams on a channel. Raises BusUnavailable."""

    async def listen(self, channels: Iterable[str], keys: Iterable[str] | None, ear: Ear) -> None:
        """Deliver what is said on these channels (about these keys only, where given) until cancelled.

        `keys` are the ends of streams' names, symbol[/timeframe]. A cut connection is made anew by itself.
        """

    async def notice(self, channels: Iterable[str], noticed: Callable[[], None]) -> None:
        """Tell that something was said on these channels, whatever it was, until cancelled; now and then not."""


class Log(Protocol):
    """What was published stays, by partition and offset (Kafka)."""

    async def open(self) -> None:
        """Connect. Raises BusUnavailable."""

    async def close(self) -> None:
        """End all connections; what is confirmed stays."""

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Append messages, in order; return when they are safe. Raises BusUnavailable."""

    async def ends(self, topics: Iterable[str]) -> Mapping[Partition, int]:
        """Return where the next message of every partition would go."""

    def known_ends(self) -> Mapping[Partition, int]:
        """Return the same of what is being read, as far as it was told with what was read: nobody is asked."""

    async def read(
        self,
        starts: Mapping[Partition, int],
        hear: HearMany,
        stopped: HearStopped | None = None,
        passed_over: HearPassedOver | None = None,
    ) -> None:
        """Deliver what stands in these partitions from these offsets on, and what comes, until cancelled.

        Raises BusError where an offset is no longer there: what it held is in its author's outbox. A message that
        cannot be read stops its partition, and `stopped` is told. A forged one is left out, and `passed_over` is told,
        before what came with it is delivered. Without them, Unreadable is raised.
        """
