"""Batches for the aggregator, and a bench that drives it as the pipeline does."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from roottrading.domain.time import MINUTE, Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import Decision, Input, Row
from roottrading.messages.signals import AggregatedSignal, Opinion, SignalBatch
from roottrading.services.signal_aggregator import TABLES, AggregatorSettings, SignalAggregator, VotingStrategy
from roottrading.services.signal_aggregator.state import VerdictRow

D = Decimal
NOON = 1_700_000_000_000_000 // (1440 * MINUTE) * (1440 * MINUTE) + 720 * MINUTE  # of some day, UTC
STATE_TABLES = {table.name for table in TABLES if table.kept == "state"}
PLAIN = AggregatorSettings(quorum=D(0), disagreement=D(0), conflict_factor=D(1), regime_factor=D(1))


def opinion(strategy: str, conviction: str | int | Decimal, signal_id: int = 0) -> Opinion:
    return Opinion(strategy, D(conviction), signal_id)


def batch(
    at: Time,
    opinions: Mapping[str, str | int | Decimal] | Sequence[Opinion],
    timeframe: str = "5m",
    symbol: str = "BTCUSDT",
    close: str | None = "100",
    regime: str = "",
    late: bool = False,
) -> SignalBatch:
    found = (
        tuple(opinion(name, conviction) for name, conviction in opinions.items())
        if isinstance(opinions, Mapping)
        else tuple(opinions)
    )
    price = None if close is None else D(close)
    atr = None if close is None else D(2)
    return SignalBatch(symbol, timeframe, at, price, price, price, found, atr, D(10), D(20), regime, late)


def absent(at: Time, timeframe: str = "5m", symbol: str = "BTCUSDT") -> SignalBatch:
    return batch(at, {}, timeframe, symbol, close=None)


class Bench:
    """An aggregator, the verdicts that it gave, and its rows as a store would hold them."""

    def __init__(
        self, plan: Sequence[VotingStrategy], settings: AggregatorSettings = PLAIN, fastest: str = "5m"
    ) -> None:
        self.plan, self.settings, self.fastest = plan, settings, fastest
        self.service = SignalAggregator("test", settings, plan, fastest)
        self.rows: dict[tuple[str, tuple[str | int, ...]], Row] = {}
        self.journal: list[VerdictRow] = []
        self.deadlines: dict[str, Time] = {}

    def give(self, given: Input | SignalBatch, now: Time = 0) -> Decision:
        if isinstance(given, SignalBatch):
            stream = f"signals:raw/{given.symbol}/{given.timeframe}"
            given = Envelope("analyzer", stream, given.at, 0, given.at, "", given)
        decision = self.service.decide(given, now)
        for row in decision.rows:
            if row.table not in STATE_TABLES:
                assert isinstance(row.values, VerdictRow)
                self.journal.append(row.values)
            elif row.values is None:
                del self.rows[row.table, row.key]
            else:
                self.rows[row.table, row.key] = row
        for key, when in decision.deadlines:
            if when is None:
                self.deadlines.pop(key, None)
            else:
                self.deadlines[key] = when
        return decision

    def verdicts(self, *given: Input | SignalBatch) -> list[AggregatedSignal]:
        found: list[AggregatedSignal] = []
        for each in given:
            for out in self.give(each).messages:
                assert isinstance(out.body, AggregatedSignal)
                found.append(out.body)
        return found

    def verdict(self, *given: Input | SignalBatch) -> AggregatedSignal:
        (found,) = self.verdicts(*given)
        return found

    def reborn(self) -> "Bench":
        other = Bench(self.plan, self.settings, self.fastest)
        other.service.restore(self.rows.values())
        other.rows = dict(self.rows)
        other.deadlines = dict(self.deadlines)
        return other
