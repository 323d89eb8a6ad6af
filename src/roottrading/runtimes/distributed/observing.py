"""What a service's process counts of itself: numbers that cost next to nothing, read only when somebody asks."""

import asyncio
import math
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

from roottrading.adapters.bus.port import Sent
from roottrading.domain.time import Time
from roottrading.messages import channels
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeEvent, ExchangeReply
from roottrading.messages.service import InstantComplete
from roottrading.runtimes.step import Effects

Stage = Literal["starting", "waiting to lead", "connecting", "standing by", "loading", "serving", "stopped"]
Mark = tuple[str, int]  # a message's stream and sequence; (INSTANT, T); or the client order id of a request or event
Times = tuple[int, int, int, int, int]  # begun, decided, committed, asked, published: nanoseconds of `clock`
INSTANT: Final = "instant"
BOUNDS: Final = tuple(
    round(factor * 10**power)
    for power in range(4, 11)
    for factor in (1, 2, 5)  # nanoseconds: 10 us to 50 s
)
_ASKS: Final = 0.1  # seconds
_KEPT: Final = 4_096  # batches in the trace
_MARKS: Final = 64  # of a batch at most
_BY_CLOSE: Final = (channels.MARKET, channels.SIGNALS_RAW, channels.SIGNALS_AGGREGATED)

clock: Final = time.perf_counter_ns
Figure = float | Mapping[str, float]  # by channel, where there is one of each


class Durations:
    """A histogram over `BOUNDS`, and its sum; all in nanoseconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0

    def add(self, took: int) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, took)] += 1
        self.total += took


class Worked(Struct, frozen=True):
    """One batch of a unit: what it took, what left after it, and when.

    Where nothing was committed, asked of the exchange, or published, that time is the one before it.
    """

    shard: int
    times: Times
    taken: Sequence[Mark]
    left: Sequence[Mark]


class Observed:
    """All that a process knows of itself, through all its incarnations.

    `measures` are read when asked for: what stands somewhere anyway needs no counting.
    """

    def __init__(self) -> None:
        self.stage: Stage = "starting"
        self.why = ""  # it is not serving
        self.leads = False
        self.units = 0
        self.unread: Mapping[tuple[str, int], str] = {}  # partitions that are read no further, and why
        self.restarts = 0
        self.heard: Counter[str] = Counter()  # messages by channel
        self.said: Counter[str] = Counter()
        self.requests = 0
        self.dropped = 0  # messages that were there already
        self.gaps = 0  # in streams, mended from the author's outbox
        self.forged: Counter[str] = Counter()  # messages by topic that nobody of ours said
        self.forgery_told_at = -math.inf  # when the last alert was, by the event loop's clock
        self.steps = Durations()  # deciding a batch, with what was fetched for it
        self.commits = Durations()
        self.publishes = Durations()
        self.ages = Durations()  # exchange time from the close (or the message) to its being taken
        self.orders = Durations()  # exchange time from the close to its requests' leaving
        self.pauses = Durations()  # of the event loop: how much later than asked for somebody's turn came
        self.measures: dict[str, Callable[[], Figure]] = {}
        self.trace: deque[Worked] = deque(maxlen=_KEPT)

    def reach(self, stage: Stage, why: str = "") -> None:
        """Say how far the process has come."""
        self.stage, self.why = stage, why
        self.unread = {}
        if stage in {"starting", "waiting to lead", "standing by", "stopped"}:
            self.leads, self.units = False, 0

    def serve(self, units: int, unread: Mapping[tuple[str, int], str] = MappingProxyType({})) -> None:
        """Say that all units are loaded; `unread` is read whenever somebody asks."""
        self.stage, self.why, self.leads, self.units = "serving", "", True, units
        self.unread = unread

    def work(
        self,
        shard: int,
        times: Times,
        taken: Sequence[object],
        done: Effects,
        forwarded: Sequence[Sent],
        dropped: int,
        now: Time,
    ) -> None:
        """Note a batch: what it took and what left after it; `now` is the exchange's time."""
        began, decided, committed, asked, ended = times
        self.steps.add(decided - began)
        if committed != decided:
            self.commits.add(committed - decided)
        if ended != asked:
            self.publishes.add(ended - asked)
        self.trace.append(Worked(shard, times, _taken(taken), _left(done, forwarded)))
        last: Envelope | None = None
        for given in taken:
            if type(given) is Envelope:
                last = given
                self.heard[given.stream.partition("/")[0]] += 1
        for channel, _ in (*done.envelopes, *forwarded):
            self.said[channel] += 1
        self.dropped += dropped
        self.requests += len(done.requests)
        if last is not None:
            age = max(0, now - _caused_at(last)) * 1_000
            self.ages.add(age)
            if done.requests:
                self.orders.add(age)


async def watch_pauses(observed: Observed) -> None:
    """Note how late the event loop is with whose turn it is, until cancelled."""
    while True:
        asked = clock()
        await asyncio.sleep(_ASKS)
        observed.pauses.add(max(0, clock() - asked - round(_ASKS * 1e9)))


def _taken(inputs: Sequence[object]) -> list[Mark]:
    """Return what a batch took as the trace has it: messages, the exchange's events, ends of an instant."""
    found: list[Mark] = []
    for given in inputs[:_MARKS]:
        if isinstance(given, Envelope):
            found.append((given.stream, given.sequence))
        elif isinstance(given, InstantComplete):
            found.append((INSTANT, given.at))
        elif isinstance(given, ExchangeReply):
            found += [(event.client_order_id, event.at) for event in given.events]
        elif isinstance(given, ExchangeEvent):
            found.append((given.client_order_id, given.at))
    return found


def _left(done: Effects, forwarded: Sequence[Sent]) -> list[Mark]:
    """Return what left after a batch as the trace has it: messages, its own and those passed on, and requests."""
    sent = [*done.envelopes[:_MARKS], *forwarded[:_MARKS]]
    found = [(envelope.stream, envelope.sequence) for _, envelope in sent]
    return found + [(request.client_order_id, request.issued_at) for request in done.requests[:_MARKS]]


def _caused_at(envelope: Envelope) -> Time:
    """Return the close that a message is about, where its sequence tells it; else the time of its cause."""
    return envelope.sequence if envelope.stream.startswith(_BY_CLOSE) else envelope.at
