"""The signal aggregator: batches of opinions in, one verdict per symbol and T of the fastest timeframe out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.time import SECOND, Time, duration
from roottrading.messages.channels import SIGNALS_AGGREGATED
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import NOTHING, DeadlineDue, Decision, Input, Outgoing, Row, WeightsSet
from roottrading.messages.signals import AggregatedSignal, SignalBatch
from roottrading.services.signal_aggregator.settings import AggregatorSettings
from roottrading.services.signal_aggregator.state import STANDING, VERDICTS, WEIGHTS, Standing, WeightsOfDay
from roottrading.services.signal_aggregator.verdicts import Reported, judge, row_of
from roottrading.services.signal_aggregator.voting import (
    VotingStrategy,
    Weighing,
    check_plan,
    day_in_force,
    panel_of,
    rules_of,
    weighing_of,
    weights_in,
    weights_in_force,
)

_DEADLINE: Final = "verdict/"
_NONE: Final[Mapping[str, Reported | None]] = {}
_DAYS_KEPT: Final = 2  # today's weights rule from 01:00 UTC on, yesterday's until then


class _Panel(Struct, frozen=True):
    """Who votes on a symbol; `slower` are the timeframes beside the fastest, with their lengths."""

    strategies: tuple[VotingStrategy, ...]
    slower: Mapping[str, int]


class _Work(Struct):
    """What comes of one input; a row is written once, as it is in the end."""

    messages: list[Outgoing]
    deadlines: list[tuple[str, Time | None]]
    standing: dict[tuple[str, str], Row]
    journal: list[Row]

    def decision(self) -> Decision:
        return Decision(tuple(self.messages), (), tuple(self.deadlines), (*self.standing.values(), *self.journal))


class SignalAggregator:
    """Weighs the standing opinions of all enabled strategies into one verdict per symbol and T (trading-rules 3).

    A verdict is given when the batches of all timeframes due at T are in. Where some stay away it is given incomplete:
    after `patience_seconds`, or when anything later of its symbol comes first. It is given once: what comes later
    counts for the next one.
    """

    def __init__(
        self, deployment: str, settings: AggregatorSettings, plan: Sequence[VotingStrategy], fastest: str
    ) -> None:
        """Take the enabled strategies; ValueError where they cannot vote together on `fastest`.

        `deployment` is taken as by every service; a verdict's id is the only one that does without (trading-rules 7.2).
        """
        check_plan(plan, fastest)
        self.deployment = deployment
        self._settings = settings
        self._plan = tuple(plan)
        self._fastest = fastest
        self._span = duration(fastest)
        self._rules = rules_of(settings)
        self._standing: dict[tuple[str, str], Standing] = {}
        self._weights: dict[Time, WeightsOfDay] = {}
        self._panels: dict[str, _Panel] = {}  # these two are made of the above, at need
        self._weighings: dict[Time, Weighing] = {}

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the standing opinions and the weights that the rows hold."""
        for row in rows:
            match row.values:
                case Standing() as standing:
                    self._standing[standing.symbol, standing.timeframe] = standing
                case WeightsOfDay() as weights:
                    self._weights[weights.day] = weights

    def state(self) -> Mapping[str, Mapping[Any, Any]]:
        """Return what it knows, for comparison: the records of its tables by key."""
        return {STANDING: self._standing, WEIGHTS: self._weights}

    def decide(self, given: Input, now: Time) -> Decision:
        """Fold a batch, a day's weights, or a deadline; all else is not the aggregator's business."""
        if type(given) is Envelope:
            return self._on_batch(given.body) if type(given.body) is SignalBatch else NOTHING
        if type(given) is WeightsSet:
            return self._on_weights(given)
        if type(given) is DeadlineDue and given.key.startswith(_DEADLINE):
            return self._on_deadline(given.key.removeprefix(_DEADLINE))
        return NOTHING

    # ---- batches

    def _on_batch(self, batch: SignalBatch) -> Decision:
        symbol, timeframe, at = batch.symbol, batch.timeframe, batch.at
        panel = self._panels.get(symbol) or self._seat(symbol)
        is_fastest = timeframe == self._fastest
        if not is_fastest and timeframe not in panel.slower:
            return NOTHING
        known = self._standing.get((symbol, timeframe))
        if known is not None and at <= known.batch.at:
            return NOTHING
        if at % (self._span if is_fastest else panel.slower[timeframe]):
            raise ValueError(f"{symbol} {timeframe}: a batch of T = {at} us, which is no close of a {timeframe} candle")
        head = known if is_fastest else self._standing.get((symbol, self._fastest))
        if is_fastest and not panel.slower and (head is None or head.judged == head.batch.at):
            return self._at_once(batch, head, panel)
        work = _Work([], [], {}, [])
        if head is not None and head.judged < head.batch.at < at:  # what has not come by now comes too late
            self._give(head.batch, head.judged, panel, work)
            work.deadlines.append((_DEADLINE + symbol, None))
        batch = batch if batch.close is not None or known is None else _standing_over(known.batch, batch)
        if is_fastest:
            judged = head.batch.at if head is not None else 0
            if self._all_due_in(symbol, at, panel):
                self._give(batch, judged, panel, work)
            else:
                self._keep(Standing(symbol, timeframe, batch, judged), work)
                work.deadlines.append((_DEADLINE + symbol, at + self._settings.patience_seconds * SECOND))
        else:
            self._keep(Standing(symbol, timeframe, batch, 0, known.batch if known is not None else None), work)
            if head is not None and head.judged < head.batch.at == at and self._all_due_in(symbol, at, panel):
                self._give(head.batch, head.judged, panel, work)
                work.deadlines.append((_DEADLINE + symbol, None))
        return work.decision()

    def _at_once(self, batch: SignalBatch, known: Standing | None, panel: _Panel) -> Decision:
        """Give the verdict of a symbol all of whose strategies have spoken with this batch: it waits for none."""
        if batch.close is None and known is not None:
            batch = _standing_over(known.batch, batch)
        symbol, at = batch.symbol, batch.at
        verdict = judge(panel.strategies, batch, _NONE, self._weighing(at), self._rules)
        key = symbol, batch.timeframe
        standing = self._standing[key] = Standing(symbol, batch.timeframe, batch, at)
        rows: tuple[Row, ...] = (Row(STANDING, key, standing),)
        if abs(verdict.value) >= self._settings.threshold:
            rows = (*rows, _journal(verdict))
        judged = 0 if known is None else known.batch.at
        return Decision((Outgoing(SIGNALS_AGGREGATED, symbol, verdict, (judged, at)),), (), (), rows)

    def _on_deadline(self, symbol: str) -> Decision:
        head = self._standing.get((symbol, self._fastest))
        if head is None or head.judged >= head.batch.at:
            return NOTHING
        work = _Work([], [], {}, [])
        self._give(head.batch, head.judged, self._panels.get(symbol) or self._seat(symbol), work)
        return work.decision()

    def _all_due_in(self, symbol: str, at: Time, panel: _Panel) -> bool:
        for timeframe, span in panel.slower.items():
            if at % span == 0:
                standing = self._standing.get((symbol, timeframe))
                if standing is None or standing.batch.at < at:
                    return False
        return True

    def _keep(self, standing: Standing, work: _Work) -> None:
        key = standing.symbol, standing.timeframe
        self._standing[key] = standing
        work.standing[key] = Row(STANDING, key, standing)

    def _seat(self, symbol: str) -> _Panel:
        strategies = panel_of(self._plan, symbol)
        slower = sorted({strategy.timeframe for strategy in strategies} - {self._fastest})
        panel = self._panels[symbol] = _Panel(strategies, {timeframe: duration(timeframe) for timeframe in slower})
        return panel

    # ---- verdicts

    def _give(self, batch: SignalBatch, judged: Time, panel: _Panel, work: _Work) -> None:
        """Give the verdict at the T of the fastest timeframe's batch; `judged` is the T of the last one."""
        symbol, at = batch.symbol, batch.at
        slower = {timeframe: self._as_of(symbol, timeframe, span, at) for timeframe, span in panel.slower.items()}
        verdict = judge(panel.strategies, batch, slower, self._weighing(at), self._rules)
        work.messages.append(Outgoing(SIGNALS_AGGREGATED, symbol, verdict, (judged, at)))
        if abs(verdict.value) >= self._settings.threshold:
            work.journal.append(_journal(verdict))
        self._keep(Standing(symbol, self._fastest, batch, at), work)

    def _as_of(self, symbol: str, timeframe: str, span: int, at: Time) -> Reported | None:
        """Return the batch that stood at T: a decision at T uses facts up to T only (consistency-rules 1.4)."""
        standing = self._standing.get((symbol, timeframe))
        if standing is None:
            return None
        batch = standing.batch if standing.batch.at <= at else standing.before
        return Reported(batch, batch.at >= at - at % span) if batch is not None and batch.at <= at else None

    def _weighing(self, at: Time) -> Weighing:
        day = day_in_force(at)
        weighing = self._weighings.get(day)
        if weighing is None:
            kept = self._weights.values() if self._settings.weighting == "learned" else ()
            found, complete = weights_in_force(day, kept)
            weights = weights_in(self._plan, found, self._settings)
            weighing = weighing_of(self._plan, weights, complete=complete)
            self._weighings = {day: weighing}
        return weighing

    # ---- weights

    def _on_weights(self, given: WeightsSet) -> Decision:
        if self._settings.weighting == "equal" or any(day >= given.day for day in self._weights):
            return NOTHING
        since = min((weights.since for weights in self._weights.values()), default=given.day)
        weights = WeightsOfDay(given.day, dict(given.weights), given.groups, since)
        self._weights[given.day] = weights
        rows = [Row(WEIGHTS, (given.day,), weights)]
        for day in sorted(self._weights)[:-_DAYS_KEPT]:
            del self._weights[day]
            rows.append(Row(WEIGHTS, (day,), None))
        self._weighings.clear()
        return Decision(rows=tuple(rows))


def _journal(verdict: AggregatedSignal) -> Row:
    row = row_of(verdict)
    return Row(VERDICTS, (row.id,), row)


def _standing_over(before: SignalBatch, batch: SignalBatch) -> SignalBatch:
    """Return the batch of an absent candle with the opinions that go on standing over it (trading-rules 3.2)."""
    return replace(
        batch,
        opinions=batch.opinions or before.opinions,
        atr=before.atr if batch.atr is None else batch.atr,
        regime=batch.regime or before.regime,
    )
