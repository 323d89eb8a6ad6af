"""Opinions candle by candle: the one window that ends at the candle of T, over the candles heard so far."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from roottrading.domain.candle import Candle
from roottrading.domain.columns import Candles
from roottrading.domain.money import significant
from roottrading.domain.time import DAY, Time, duration, start_of_day
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import Row
from roottrading.services.analyzer.anchored_windows import Feed, first_input_open
from roottrading.services.analyzer.candle_buffer import CandleBuffer
from roottrading.services.analyzer.door import Readout
from roottrading.services.analyzer.evaluation import Failure
from roottrading.services.analyzer.market_state import ATR, REGIME, REGIMES
from roottrading.services.analyzer.opinions import Evaluated
from roottrading.services.analyzer.plan import Placement, Plan, Stream
from roottrading.services.analyzer.single_row import evaluate_last
from roottrading.services.analyzer.state import ABSENCES, HISTORIES, History, StreamAbsence, WaitingClose
from roottrading.services.analyzer.turnover import RunningTurnover


class NewestWindows:
    """The port `Opinions` over candles as they come; keeps no more of them than windows still to come need."""

    def __init__(self, plan: Plan, room: int = 4096) -> None:
        """Start without a candle; `room` is how many of a stream are kept before the idle ones are dropped."""
        self._plan = plan
        self._spans = {stream: duration(stream[1]) for stream in plan.streams}
        self._buffers = {stream: CandleBuffer(room) for stream in sorted(plan.windows)}
        self._turnover = {symbol: RunningTurnover(plan.finest) for symbol in plan.symbols}
        self._begins: dict[Stream, Time] = {}
        self._histories: dict[Stream, History] = {}
        self._absences: dict[Stream, StreamAbsence] = {}
        self._closed: dict[Stream, Time] = {}  # T of the newest candle
        self._unread: dict[Stream, deque[Time]] = {  # T of the candles that wait for their inputs
            stream: deque() for stream in plan.streams if plan.gives(stream)
        }
        self._users: dict[Stream, list[tuple[Stream, Placement]]] = defaultdict(list)
        for stream in sorted(plan.windows):
            if plan.gives(stream):
                for placement in (*plan.placed(stream), plan.measured(stream)):
                    for used in {stream, *(i.stream for i in placement.inputs)}:
                        self._users[used].append((stream, placement))

    # ---- hearing

    def restore(self, rows: Iterable[Row]) -> None:
        """Take up candles from `market_data` rows (any order), and where histories begin and what was absent.

        Enough are, per stream, the candles that opened at or after `needed_since(stream)` said before.
        """
        candles: dict[Stream, dict[Time, Candle]] = defaultdict(dict)
        unread: list[WaitingClose] = []
        for row in rows:
            match row.values:
                case Candle() as candle:
                    candles[candle.symbol, candle.timeframe][candle.open_time] = candle
                case History() as history:
                    self._histories[history.symbol, history.timeframe] = history
                    self._begins[history.symbol, history.timeframe] = history.begins
                case StreamAbsence() as absence:
                    self._absences[absence.symbol, absence.timeframe] = absence
                case WaitingClose() as waiting:
                    if waiting.candle is not None and (waiting.symbol, waiting.timeframe) in self._unread:
                        unread.append(waiting)
        for waiting in sorted(unread, key=lambda each: each.at):
            self._unread[waiting.symbol, waiting.timeframe].append(waiting.at)
        for stream in sorted(candles):
            if stream in self._spans:
                self._add_all(stream, [candle for _, candle in sorted(candles[stream].items())])

    def fill(self, candles: Candles) -> None:
        """Take up a stream's history before its first candle is heard: as `restore` of its rows, but by columns."""
        stream = (candles.symbol, candles.timeframe)
        if stream not in self._spans or not len(candles):
            return
        self._begins.setdefault(stream, int(candles.open_time[0]))
        if stream in self._buffers:
            self._buffers[stream].extend(candles)
        if stream[1] == self._plan.finest and stream[0] in self._turnover:
            self._turnover[stream[0]].extend(candles)
        self._closed[stream] = int(candles.open_time[-1]) + self._spans[stream]

    def take(self, given: CandleClosed | CandleAbsent) -> tuple[Row, ...]:
        """Learn of a closed candle or of its absence; one that is not later than the last is known already."""
        if isinstance(given, CandleAbsent):
            stream = (given.symbol, given.timeframe)
            if stream not in self._spans or given.at <= self._heard(stream):
                return ()
            absence = self._absences[stream] = StreamAbsence(*stream, given.at)
            return (Row(ABSENCES, stream, absence),)
        candle = given.candle
        stream = (candle.symbol, candle.timeframe)
        if stream not in self._spans or candle.at <= self._heard(stream):
            return ()
        if stream in self._unread:
            self._unread[stream].append(candle.at)
        self._add(stream, candle)
        if stream in self._histories:
            return ()
        history = self._histories[stream] = History(*stream, self._begins[stream])
        return (Row(HISTORIES, stream, history),)

    def _add(self, stream: Stream, candle: Candle) -> None:
        self._begins.setdefault(stream, candle.open_time)
        buffer = self._buffers.get(stream)
        if buffer is not None:
            buffer.append(candle, lambda: self.needed_since(stream))
        if stream[1] == self._plan.finest and stream[0] in self._turnover:
            turnover = self._turnover[stream[0]]
            turnover.add(candle.open_time, candle.close, candle.volume)
            if candle.open_time % DAY == 0:
                turnover.forget(self._turnover_since(stream[0]))
        self._closed[stream] = candle.open_time + self._spans[stream]

    def _add_all(self, stream: Stream, candles: Sequence[Candle]) -> None:
        """Add what is known of a stream's past."""
        self._begins.setdefault(stream, candles[0].open_time)
        buffer = self._buffers.get(stream)
        if buffer is not None:
            buffer.append_all(candles)
        if stream[1] == self._plan.finest and stream[0] in self._turnover:
            turnover = self._turnover[stream[0]]
            for candle in candles:
                turnover.add(candle.open_time, candle.close, candle.volume)
            turnover.forget(self._turnover_since(stream[0]))
        self._closed[stream] = candles[-1].open_time + self._spans[stream]

    def _heard(self, stream: Stream) -> Time:
        absence = self._absences.get(stream)
        return max(self._closed.get(stream, 0), 0 if absence is None else absence.at)

    # ---- what is still needed

    def needed_since(self, stream: Stream) -> Time:
        """Return the open time from which on candles of the stream may still be asked for."""
        oldest = self._heard(stream)
        for user, placement in self._users[stream]:
            start = placement.anchor.window_start(self._next(user) - self._spans[user])
            if user != stream:
                start = first_input_open(start, self._spans[user], self._spans[stream])
            oldest = min(oldest, start)
        if stream[1] == self._plan.finest and stream[0] in self._turnover:
            oldest = min(oldest, self._turnover_since(stream[0]))
        return max(oldest, 0)

    def wanted_at(self, at: Time) -> dict[Stream, Time]:
        """Return by stream the open time from which on candles are wanted before the first T after `at` comes."""
        wanted: dict[Stream, Time] = {}
        for stream, span in self._spans.items():
            oldest = at - at % span
            for user, placement in self._users[stream]:
                start = placement.anchor.window_start(at - at % self._spans[user])
                if user != stream:
                    start = first_input_open(start, self._spans[user], span)
                oldest = min(oldest, start)
            if stream[1] == self._plan.finest and stream[0] in self._turnover:
                oldest = min(oldest, start_of_day(at) - DAY)
            wanted[stream] = max(oldest, 0)
        return wanted

    def _turnover_since(self, symbol: str) -> Time:
        return min(start_of_day(self._next((symbol, timeframe))) - DAY for timeframe in self._plan.timeframes)

    def _next(self, stream: Stream) -> Time:
        """Return the T that is evaluated next: of a candle that waits for its inputs, else of the one to come."""
        unread = self._unread[stream]
        return unread[0] if unread else self._heard(stream) + self._spans[stream]

    # ---- evaluating

    def ready(self, stream: Stream, at: Time) -> bool:
        """Say whether the candles of T of all inputs and of the finest timeframe are in.

        Of an input never heard of, only a candle that closes at T itself is waited for: without history there is no
        opinion anyway.
        """
        return all(self._is_in(each, at) for each in self._plan.inputs(stream))

    def _is_in(self, stream: Stream, at: Time) -> bool:
        due = at - at % self._spans[stream]
        heard = self._heard(stream)
        return heard >= due or (not heard and due < at)

    def at(self, stream: Stream, at: Time) -> Evaluated:
        """Evaluate all strategies of the stream on their windows that end at T."""
        own = self._feed(stream)
        stop = int(own.columns.open_time.searchsorted(at - own.span, side="right"))
        opinions, failures = [], []
        with np.errstate(all="ignore"):
            for place, placement in enumerate(self._plan.placed(stream)):
                readout, failure = self._last(placement, own, stop)
                opinions.append(readout.opinion(0))
                if failure is not None:
                    failures.append((place, failure))
            market, _ = self._last(self._plan.measured(stream), own, stop)
        unread = self._unread[stream]
        while unread and unread[0] <= at:
            unread.popleft()
        atr, regime = market.own(ATR, 0), market.own(REGIME, 0)
        symbol = stream[0]
        turnover = self._turnover[symbol]
        return Evaluated(
            tuple(opinions),
            None,
            tuple(failures),
            None if atr is None else significant(atr),
            "" if regime is None else REGIMES[int(regime)],
            turnover.mean(at),
            turnover.day(at, self._begins.get((symbol, self._plan.finest))),
        )

    def _last(self, placement: Placement, own: Feed, stop: int) -> tuple[Readout, Failure | None]:
        inputs = {i.declared: self._feed(i.stream) for i in placement.inputs}
        return evaluate_last(placement, own, inputs, stop)

    def _feed(self, stream: Stream) -> Feed:
        return Feed(self._buffers[stream].columns(), self._spans[stream], self._begins.get(stream))

    def held(self, stream: Stream) -> int:
        """Return how many candles of a stream are in memory."""
        return len(self._buffers[stream].columns())

    def state(self) -> Mapping[str, Mapping[Any, Any]]:
        """Return what can still matter, for comparison."""
        candles: dict[Stream, tuple[list[float], ...]] = {}
        for stream, buffer in self._buffers.items():
            columns = buffer.columns()
            first = int(columns.open_time.searchsorted(self.needed_since(stream)))
            fields = (columns.open_time, columns.open, columns.high, columns.low, columns.close, columns.volume)
            candles[stream] = tuple(field[first:].tolist() for field in fields)
        return {
            "windows": candles,
            "turnover": {symbol: t.since(self._turnover_since(symbol)) for symbol, t in self._turnover.items()},
            "heard": {stream: self._heard(stream) for stream in self._plan.streams},
            HISTORIES: self._histories,
            ABSENCES: self._absences,
        }
