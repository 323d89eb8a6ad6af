"""Where a unit's words and requests go, and how it learns what it missed."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct, field

from roottrading.adapters.bus.port import Sent
from roottrading.adapters.store.port import Control
from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import Request
from roottrading.runtimes.distributed.observing import Observed
from roottrading.runtimes.distributed.unit.turns import Turns

Refetch = Callable[[str, str, int, int], Awaitable[Sequence[Envelope]]]  # source, stream, after, up to
Publish = Callable[[Sequence[Sent]], Awaitable[None]]
Forward = Callable[[Envelope], Sequence[Sent]]
Send = Callable[[Sequence[Request]], None]
Prepare = Callable[[Sequence[Sent], Sequence[Request]], None]


class Ways(Struct, frozen=True):
    """An actor's ways out: to the carriers, to authors' outboxes, to the exchange, and to the clock."""

    publish: Publish
    refetch: Refetch
    now: Callable[[], Time]
    send: Send
    forward: Forward  # what is published of a message beside what the service says of it: a bridge's work
    retells: bool = False  # whether candles that it says come from the exchange, which tells them again
    by_the_clock: bool = False  # whether `now` counts for messages too: for who signs requests with it
    observed: Observed = field(default_factory=Observed)
    post: Callable[[Control], Awaitable[int]] | None = None  # leaves a command for all services that take commands
    turns: Turns = field(default_factory=Turns)
    prepare: Prepare = lambda sent, requests: None  # does what can be done before a commit is known: nothing leaves
