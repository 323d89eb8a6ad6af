"""Which streams of a connection are silent for longer than they should be; all by given times."""

from typing import Final

from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.settings import SilenceBounds
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription
from roottrading.domain.time import SECOND, Time

_WEIGHT: Final = 4  # a message moves the mean pause by 1/16 of the difference


class Pulse(Struct):
    """One stream on one connection: when it was last heard, and its usual pause as heard there and before."""

    least: Time
    last: Time
    mean: Time = 0
    count: int = 0
    missed: int = 0

    def heard(self, now: Time) -> None:
        """Take that the stream said something."""
        gap = now - self.last
        self.mean = gap if not self.count else self.mean + ((gap - self.mean) >> _WEIGHT)
        self.last = now
        self.count += 1


class SilenceWatch:
    """The pulses of a connection's streams."""

    def __init__(self, bounds: SilenceBounds) -> None:
        """Watch no stream yet."""
        self._bounds = bounds
        self.pulses: dict[str, Pulse] = {}
        self.ended_at: Time | None = None  # when its connection ended; nothing could be heard since

    def begin(self, subscription: Subscription, now: Time, before: "SilenceWatch | None" = None) -> None:
        """Watch a stream from now on; `before` watched the connection that had it, and knows its usual pause.

        A stream that was silent for too long there gets a pause as usual that fits its silence: where the market
        itself is silent, connections are replaced less and less often.
        """
        pulse = Pulse(self._bounds.least.of(subscription.kind), now)
        known = None if before is None else before.pulses.get(subscription.name)
        if before is not None and known is not None:
            pulse.mean, pulse.count = known.mean, known.count
            silent = (now if before.ended_at is None else before.ended_at) - known.last
            if silent > self._bound(known):
                pulse.mean = max(2 * known.mean, 2 * silent // self._bounds.mean_gaps)
        self.pulses[subscription.name] = pulse

    def judge_from(self, now: Time) -> None:
        """Let silence before `now` not count: the streams were only being asked for."""
        for pulse in self.pulses.values():
            pulse.last = max(pulse.last, now)

    def end(self, stream: str) -> None:
        """Watch a stream no longer."""
        self.pulses.pop(stream, None)

    def heard(self, stream: str, now: Time) -> None:
        """Take that a stream said something."""
        pulse = self.pulses.get(stream)
        if pulse is not None:
            pulse.heard(now)

    def missed(self, stream: str, candles: int) -> None:
        """Take that the history had so many candles that the stream did not bring; 0 where it brought one."""
        pulse = self.pulses.get(stream)
        if pulse is not None:
            pulse.missed = pulse.missed + candles if candles else 0

    def stalled(self, now: Time) -> str:
        """Say in words which stream is stalled; empty where none is."""
        for name, pulse in self.pulses.items():
            silent = now - pulse.last
            if pulse.missed >= self._bounds.candles_missed:
                return f"{name} left out {pulse.missed} candles"
            if silent > pulse.least and silent > self._bound(pulse):
                return f"{name} is silent for {silent / SECOND:.0f} s, usual are {pulse.mean / SECOND:.2f} s"
        return ""

    def _bound(self, pulse: Pulse) -> Time:
        if pulse.count < self._bounds.usual:
            return 2**62
        return max(pulse.least, self._bounds.mean_gaps * pulse.mean)
