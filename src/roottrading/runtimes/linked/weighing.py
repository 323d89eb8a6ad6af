"""Learned weights in a run that hears its market over a wire (trading-rules 3.7 and 3.8).

They are given half an hour after midnight: by then the day before is over, all that was said in it is stored, and
verdicts go by them only after 01:00 UTC. What they are made of is the run's own `signals`, and the exchange's history.
"""

import asyncio
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from roottrading.adapters.exchange.binance.streams import HistoryUnavailable
from roottrading.adapters.store.port import Loaded
from roottrading.config.settings import Settings
from roottrading.domain.time import DAY, HOUR, MINUTE, Time, iso, start_of_day
from roottrading.messages.service import Row, WeightsSet
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.daily_weights import DailyWeights
from roottrading.runtimes.evidence import Past, Reach, Said, Witness
from roottrading.runtimes.linked.candle_memory import CandleMemory
from roottrading.runtimes.linked.warming import CandleHistory
from roottrading.runtimes.stored_opinions import OpinionChange, change_of
from roottrading.services.analyzer.plan import Stream
from roottrading.services.analyzer.state import HISTORIES, SIGNALS, SignalRow
from roottrading.services.signal_aggregator.state import WEIGHTS

SETTLED: Final = 30 * MINUTE  # after midnight: late candles have come, and there is time enough to learn from them
_PAUSE: Final = 5.0  # seconds until a history that gave no answer is asked again

_LOG: Final = logging.getLogger(__name__)

Give = Callable[[WeightsSet], None]


class HeardPast:
    """`StoredPast` of a run: its signals as they are stored, and candles of the exchange's history."""

    def __init__(self, history: CandleHistory) -> None:
        """Nothing is asked yet."""
        self._memory = CandleMemory(history)
        self._changes: dict[Said, list[OpinionChange]] = defaultdict(list)
        self._histories: dict[Stream, Time] = {}

    def load(self, signals: Iterable[SignalRow], since: Time) -> None:
        """Take up what was stored before; of what is older than `since`, only what stood then."""
        for row in signals:
            if row.timestamp <= since:
                self._changes[row.strategy, row.symbol].clear()
            self._add(row)

    def hear(self, rows: Iterable[Row]) -> None:
        """Take what a phase changed."""
        for row in rows:
            if row.table == SIGNALS:
                self._add(row.values)
            elif row.table == HISTORIES:
                self._histories[row.values.symbol, row.values.timeframe] = row.values.begins

    async def read(self, reach: Reach, until: Time) -> Past:
        """Return what was stored; what is older than `reach` is forgotten. Raises HistoryUnavailable."""
        candles = await self._memory.candles(reach.candles, until)
        return Past(self._said(reach.changes, until), candles, dict(self._histories))

    def _add(self, row: SignalRow) -> None:
        """Take a row of an opinion, which changes in the order of time; what comes again is known already."""
        known = self._changes[row.strategy, row.symbol]
        if not known or row.timestamp > known[-1].at:
            known.append(change_of(row))

    def _said(self, since: Time, until: Time) -> Mapping[Said, Sequence[OpinionChange]]:
        found: dict[Said, Sequence[OpinionChange]] = {}
        for said, known in self._changes.items():
            stood = max(0, bisect_right(known, since, key=_at) - 1)
            del known[:stood]
            found[said] = known[: bisect_right(known, until, key=_at)]
        return found


def _at(change: OpinionChange) -> Time:
    return change.at


class Weigher:
    """Gives a run the weights of every day, as soon as its first half hour is decided; `busy` while they are made.

    Where nothing goes on before they are given they are never late. Where they are, verdicts after 01:00 UTC are
    incomplete, and nothing is bought, until they have come (trading-rules 3.8).
    """

    def __init__(self, settings: Settings, cast: Cast, history: CandleHistory) -> None:
        """Learn what the strategies of `cast` are worth; `history` is asked once the run has begun."""
        self._settings = settings
        self._cast = cast
        self._past = HeardPast(history)
        self._weights: DailyWeights | None = None
        self._next: Time = 0  # the first day whose weights have not been given
        self._due: Time | None = None
        self._wanted = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether weights are being made."""
        return self._due is not None

    def begin(self, loaded: Loaded, signals: Iterable[SignalRow], start: Time, completed: Time) -> None:
        """Take up what was kept of a run that first began at `start` and has decided everything up to `completed`."""
        witness = Witness(self._settings, self._cast, start)
        self._weights = DailyWeights(witness, self._past)
        given = [row.values.day for row in loaded.rows.get(WEIGHTS, ())]
        self._next = max(given) + DAY if given else start_of_day(start - HOUR) + DAY
        self._past.hear(loaded.rows.get(HISTORIES, ()))
        oldest = witness.first_day(start_of_day(completed) - DAY)
        self._past.load(signals, witness.reach(oldest).changes)
        self._look(completed)

    def rested(self, completed: Time, rows: Iterable[Row]) -> None:
        """Take what a phase changed in the run, which has decided everything up to `completed`."""
        self._past.hear(rows)
        self._look(completed)

    async def run(self, give: Give) -> None:
        """Make weights whenever they are due, until it is canceled."""
        while True:
            await self._wanted.wait()
            await self.catch_up(give)

    async def catch_up(self, give: Give) -> None:
        """Make the weights that are due, if any; returns when they are given, however long the history is silent."""
        while self.busy:
            try:
                await self.work(give)
            except HistoryUnavailable as error:
                _LOG.warning("the weights of the day wait for the exchange's history (%s)", error)
                await asyncio.sleep(_PAUSE)

    async def work(self, give: Give) -> None:
        """Make the weights that are due, if any, and give them. Raises HistoryUnavailable where they cannot be made."""
        day = self._due
        if day is None or self._weights is None:
            return
        weights = await self._weights.of(day)
        self._next = day + DAY
        self._due = None
        self._wanted.clear()
        give(weights)
        _LOG.info("the weights of %s are given", iso(day)[:10])

    def _look(self, completed: Time) -> None:
        day = start_of_day(completed - SETTLED)
        if day >= self._next and self._due is None:
            self._due = day
            self._wanted.set()


def weigher_of(settings: Settings, cast: Cast, history: CandleHistory) -> Weigher | None:
    """Return who makes a run's weights; None where all strategies weigh the same."""
    return Weigher(settings, cast, history) if settings.aggregator.weighting == "learned" else None
