"""One symbol's candles in order and without holes: what the stream left out is asked for before anything newer."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.history import CANDLES_A_QUESTION, CandlesWanted
from roottrading.domain.bounds import Bounds
from roottrading.domain.candle import Candle
from roottrading.domain.time import MILLISECOND, MINUTE, SECOND, Time, duration
from roottrading.messages.service import CandleMissing, CandleObserved

_NONE_YET: Final = -1
_MOST_HELD: Final = 1_000


class CandlePatience(Struct, frozen=True):
    """When a closed candle that the stream did not bring is asked for, and when it is said to be absent.

    Microseconds after its close: `settled` is when the history's candle is final (consistency-rules 1.8: T + 2 s),
    `absent` when a candle that the history lacks, though nothing later is known either, does not exist. `again` is the
    pause before the same question is repeated.
    """

    settled: Annotated[
        Time, Bounds(gt=0, le=MINUTE, description="microseconds after its close at which a candle is asked for")
    ] = 2 * SECOND
    absent: Annotated[
        Time, Bounds(gt=0, le=MINUTE, description="microseconds after which one that the history lacks does not exist")
    ] = 4 * SECOND
    again: Annotated[Time, Bounds(gt=0, le=MINUTE, description="microseconds before the history is asked again")] = (
        500 * MILLISECOND
    )


class CandleSequence:
    """Passes each closed candle on once and in order; a question is under way at most once.

    Times are the exchange's. A candle in progress is passed on only while it is the next one; it is not kept, since
    the next message replaces it.
    """

    def __init__(self, symbol: str, timeframe: str, first: Time | None, patience: CandlePatience) -> None:
        """Begin at the candle that opens at `first`; at the first one heard of where that is None."""
        self.symbol = symbol
        self.timeframe = timeframe
        self.next = _NONE_YET if first is None else first
        self.dropped = 0
        self._span = duration(timeframe)
        self._patience = patience
        self._held: dict[Time, Candle] = {}
        self._said_at: Time = 0
        self._not_before: Time = 0
        self._asking = False

    def observe(self, candle: Candle, said_at: Time) -> tuple[CandleObserved, ...]:
        """Take a candle of the stream; return what may be passed on now."""
        open_time = candle.open_time
        if self.next == _NONE_YET:
            self.next = open_time
        if open_time == self.next:
            if candle.closed:
                return tuple(self._pass_on(candle))
            if said_at > self._said_at:
                self._said_at = said_at
                return (CandleObserved(candle),)
        elif open_time > self.next and candle.closed and len(self._held) < _MOST_HELD:
            self._held[open_time] = candle  # later ones than can be held are asked for again
            return ()
        self.dropped += 1
        return ()

    def is_due(self, now: Time) -> bool:
        """Say whether a question is due."""
        begun = self.next != _NONE_YET and not self._asking and now >= self._not_before
        return begun and self.next + self._span + self._patience.settled <= now

    def due(self, now: Time) -> CandlesWanted | None:
        """Return the question that is due, and take it as asked: `answer` or `failed` must follow."""
        if self.next == _NONE_YET:
            self.next = now - now % self._span
        if not self.is_due(now):
            return None
        settled = now - self._patience.settled
        end = min(settled - settled % self._span, self.next + CANDLES_A_QUESTION * self._span, *self._held)
        self._asking = True
        return CandlesWanted(self.symbol, self.timeframe, self.next, end)

    def answer(
        self, question: CandlesWanted, found: Sequence[Candle], now: Time
    ) -> tuple[CandleObserved | CandleMissing, ...]:
        """Take the history's candles; return what may be passed on now, absences among it."""
        self._asking = False
        wanted = range(question.start, question.end, self._span)
        candles = {each.open_time: each for each in found if each.open_time in wanted}
        newest = max([*candles, *self._held], default=_NONE_YET)
        said: list[CandleObserved | CandleMissing] = []
        while question.start <= self.next < question.end:
            candle = candles.get(self.next)
            if candle is not None and candle.closed:
                said += self._pass_on(candle)
            elif candle is None and (self.next < newest or self.next + self._span + self._patience.absent <= now):
                said.append(CandleMissing(self.symbol, self.timeframe, self.next))
                said += self._move_on()
            else:
                self._not_before = now + self._patience.again
                break
        return tuple(said)

    def failed(self, now: Time) -> None:
        """Take that the history gave no answer: nothing is known, so nothing is absent; the question is asked again."""
        self._asking = False
        self._not_before = now + self._patience.again

    def _pass_on(self, candle: Candle) -> list[CandleObserved]:
        return [CandleObserved(candle), *self._move_on()]

    def _move_on(self) -> list[CandleObserved]:
        """Step to the next candle, and over those held that follow it."""
        passed: list[CandleObserved] = []
        self.next += self._span
        while self._held and (candle := self._held.pop(self.next, None)) is not None:
            passed.append(CandleObserved(candle))
            self.next += self._span
        self._said_at = 0
        return passed
