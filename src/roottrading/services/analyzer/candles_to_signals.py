"""The analyzer: closed candles in, one batch of opinions per symbol, timeframe and T out (trading-rules 3 and 4)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.channels import SIGNALS_RAW
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import NOTHING, Decision, Input, Outgoing, Resumed, Row
from roottrading.messages.signals import Opinion, SignalBatch
from roottrading.services.analyzer.evaluation import Failure
from roottrading.services.analyzer.opinions import Opinions
from roottrading.services.analyzer.plan import Plan, Stream
from roottrading.services.analyzer.signal_rows import direction_of, signal_row
from roottrading.services.analyzer.state import (
    COUNTERS,
    OPINIONS,
    SIGNALS,
    WAITING,
    FailureCount,
    StandingOpinion,
    WaitingClose,
)


class Analyzer:
    """Gives one `SignalBatch` for every candle of a stream in the plan, and for every one that the market left out.

    It hears `plan.streams`. A batch leaves when the candles of T of all inputs of its strategies and of the finest
    timeframe are in, in the order of T, symbol and longest timeframe; it continues the numbering of its candles'
    stream. A strategy that fails has no opinion; that is counted and takes nobody else down.
    """

    def __init__(self, plan: Plan, opinions: Opinions, keeps_signals: bool = True) -> None:
        """Follow the plan with opinions computed behind the port.

        `keeps_signals` False where whoever runs it reads the signals of a known tape from the port's own columns.
        """
        self._plan = plan
        self._opinions = opinions
        self._keeps_signals = keeps_signals
        self._spans = {stream: plan.span(stream) for stream in plan.streams}
        self._standing: dict[Stream, dict[str, StandingOpinion]] = defaultdict(dict)
        self._waiting: dict[tuple[Stream, Time], WaitingClose] = {}
        self._counters: dict[tuple[str, str], FailureCount] = {}

    def restore(self, rows: Iterable[Row]) -> None:
        """Take up the analyzer's own rows, and `market_data` rows of its streams to refill the windows.

        Candles may follow the rest in calls of their own, a stream's all in one.
        """
        rows = list(rows)
        for row in rows:
            match row.values:
                case StandingOpinion() as standing:
                    self._standing[standing.symbol, standing.timeframe][standing.strategy] = standing
                case WaitingClose() as waiting:
                    if self._plan.gives((waiting.symbol, waiting.timeframe)):
                        self._waiting[(waiting.symbol, waiting.timeframe), waiting.at] = waiting
                case FailureCount() as counter:
                    self._counters[counter.strategy, counter.kind] = counter
        self._opinions.restore(rows)

    def decide(self, given: Input, now: Time) -> Decision:
        """Take a closed candle, or the news that there was none, and give every batch that is complete by it."""
        if type(given) is Resumed:
            return self._decision([], now)
        if type(given) is not Envelope:
            return NOTHING
        body = given.body
        if type(body) is CandleClosed:
            candle: Candle | None = body.candle
            if not body.candle.closed:
                return NOTHING
            stream, open_time = (body.candle.symbol, body.candle.timeframe), body.candle.open_time
        elif type(body) is CandleAbsent:
            candle = None
            stream, open_time = (body.symbol, body.timeframe), body.open_time
        else:
            return NOTHING
        span = self._spans.get(stream)
        if span is None:
            return NOTHING
        at = open_time + span
        rows = list(self._opinions.take(body))
        if self._plan.gives(stream):
            close = WaitingClose(*stream, at, given.follows, candle)
            if not self._waiting and self._opinions.ready(stream, at):
                batch = self._batch(close, now, rows)
                return Decision((batch,), (), (), tuple(rows))
            self._waiting[stream, at] = close
            rows.append(Row(WAITING, (*stream, at), close))
        return self._decision(rows, now)

    def _decision(self, rows: list[Row], now: Time) -> Decision:
        """Give all batches that wait no longer: of one stream strictly in the order of T."""
        messages: list[Outgoing] = []
        stuck: set[Stream] = set()
        for (stream, at), close in sorted(self._waiting.items(), key=self._order):
            if stream in stuck or not self._opinions.ready(stream, at):
                stuck.add(stream)
                continue
            del self._waiting[stream, at]
            messages.append(self._batch(close, now, rows))
            waited = Row(WAITING, (*stream, at), close)
            if waited in rows:
                rows.remove(waited)
            else:
                rows.append(Row(WAITING, (*stream, at), None))
        return Decision(tuple(messages), (), (), tuple(rows)) if messages or rows else NOTHING

    def _order(self, item: tuple[tuple[Stream, Time], WaitingClose]) -> tuple[Time, str, int]:
        (stream, at), _ = item
        return at, stream[0], -self._plan.span(stream)

    def _batch(self, close: WaitingClose, now: Time, rows: list[Row]) -> Outgoing:
        stream = (close.symbol, close.timeframe)
        candle, at = close.candle, close.at
        late = now >= at + self._spans[stream]
        if candle is None:
            batch = SignalBatch(*stream, at, None, None, None, (), late=late)
        else:
            evaluated = self._opinions.at(stream, at)
            opinions = evaluated.opinions
            if evaluated.began is None:
                opinions = self._judged(stream, candle, opinions, rows)
            elif self._keeps_signals:
                rows += [_signal(opinions[place], candle, at) for place in evaluated.began]
            for place, failure in evaluated.failures:
                rows.append(self._count(stream, at, evaluated.opinions[place].strategy, failure))
            batch = SignalBatch(
                close.symbol,
                close.timeframe,
                at,
                candle.close,
                candle.high,
                candle.low,
                opinions,
                evaluated.atr,
                evaluated.quote_volume,
                evaluated.day_quote_volume,
                evaluated.regime,
                late,
            )
        return Outgoing(SIGNALS_RAW, f"{close.symbol}/{close.timeframe}", batch, (close.follows, at))

    def _judged(
        self, stream: Stream, candle: Candle, given: tuple[Opinion, ...], rows: list[Row]
    ) -> tuple[Opinion, ...]:
        """Return the opinions with their signals' ids: a new one where the direction changed."""
        opinions: list[Opinion] = []
        standing_by_name = self._standing[stream]
        for placement, opinion in zip(self._plan.placed(stream), given, strict=True):
            direction = direction_of(opinion.conviction)
            standing = standing_by_name.get(opinion.strategy)
            if direction != ("NEUTRAL" if standing is None else standing.direction):
                number = self._plan.signal_ids(placement)(candle.at)
                strength = abs(opinion.conviction)
                standing = StandingOpinion(*stream, opinion.strategy, direction, strength, number, candle.at)
                standing_by_name[opinion.strategy] = standing
                rows.append(Row(OPINIONS, (*stream, opinion.strategy), standing))
                rows.append(_signal(replace(opinion, signal_id=number), candle, candle.at))
            opinions.append(opinion if standing is None else replace(opinion, signal_id=standing.signal_id))
        return tuple(opinions)

    def _count(self, stream: Stream, at: Time, strategy: str, failure: Failure) -> Row:
        key = (strategy, failure.kind)
        counter = self._counters.get(key)
        if counter is None:
            counter = FailureCount(strategy, failure.kind, 1, failure.file, failure.line, failure.reason, *stream, at)
        else:
            counter = replace(counter, count=counter.count + 1)
        self._counters[key] = counter
        return Row(COUNTERS, key, counter)

    def state(self) -> Mapping[str, Mapping[Any, Any]]:
        """Return what it knows, for comparison."""
        return {
            OPINIONS: {stream: known for stream, known in self._standing.items() if known},
            WAITING: self._waiting,
            COUNTERS: self._counters,
            **self._opinions.state(),
        }


def _signal(opinion: Opinion, candle: Candle, at: Time) -> Row:
    row = signal_row(opinion, candle.symbol, candle.timeframe, at, candle.close)
    return Row(SIGNALS, (opinion.signal_id,), row)
