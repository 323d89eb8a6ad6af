"""Batches, signals and failures of the analyzer, by example."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roottrading.domain.candle import Candle
from roottrading.domain.columns import Columns, Floats
from roottrading.domain.time import HOUR, Time
from roottrading.messages.channels import SIGNALS_RAW
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import NOTHING, DeadlineDue, Decision, Resumed, Row
from roottrading.messages.signals import SignalBatch
from roottrading.services.analyzer import Analyzer, NewestWindows, Plan, StrategyUse
from roottrading.services.analyzer.state import SIGNALS
from roottrading.strategies.contract import Evaluation, Strategy

START = 19_000 * 24 * HOUR


class Above(Strategy, frozen=True):
    """Buys above 10 with all there is to say, sells below 5."""

    @property
    def lookback(self) -> int:
        return 1

    def evaluate(self, columns: Columns) -> Evaluation:
        conviction = np.where(columns.close > 10, 0.75, np.where(columns.close < 5, -0.25, 0.0))
        return Evaluation(
            conviction,
            stop_distance=columns.close / 4,
            time_limit=np.full(len(columns), 9),
            tag=np.full(len(columns), "above"),
            columns={"double": columns.close * 2},
        )


class Broken(Strategy, frozen=True):
    """Raises from the price of 7 on."""

    @property
    def lookback(self) -> int:
        return 1

    def evaluate(self, columns: Columns) -> Floats:
        if (columns.close == 7).any():
            raise RuntimeError("seven")  # this very line is reported
        return columns.close * 0 + 1


def candle(hour: int, close: int, symbol: str = "XUSDT", timeframe: str = "1h") -> CandleClosed:
    price = Decimal(close)
    return CandleClosed(Candle(symbol, timeframe, START + hour * HOUR, price, price, price, price, Decimal(3)))


def envelope(body: Any, at: Time, follows: Time) -> Envelope:
    return Envelope("gateway", "market/x", at, follows, at, "", body)


def hear(analyzer: Analyzer, body: CandleClosed | CandleAbsent, late_by: int = 0) -> Decision:
    at = body.candle.at if isinstance(body, CandleClosed) else body.at
    return analyzer.decide(envelope(body, at, at - HOUR), at + late_by)


def batch(decision: Decision) -> SignalBatch:
    (out,) = decision.messages
    assert isinstance(out.body, SignalBatch)
    return out.body


def analyzer(*strategies: Strategy) -> Analyzer:
    uses = tuple(StrategyUse(type(s).__name__.lower(), s, "1h") for s in strategies)
    plan = Plan("sim", uses, ("XUSDT",), "1h")
    return Analyzer(plan, NewestWindows(plan))


def signals(rows: tuple[Row, ...]) -> list[tuple[str, Decimal]]:
    return [(row.values.signal_type, row.values.strength) for row in rows if row.table == SIGNALS]


def test_a_signal_is_written_when_the_direction_changes_only() -> None:
    service = analyzer(Above())
    said: list[list[tuple[str, Decimal]]] = []
    ids: list[int] = []
    for hour, close in enumerate([8] * 70 + [12, 13, 4, 3, 8, 8, 11]):
        decision = hear(service, candle(hour, close))
        said.append(signals(decision.rows))
        ids.append(batch(decision).opinions[0].signal_id)
    assert [s for s in said[:70] if s] == []
    assert said[70:] == [
        [("BUY", Decimal("0.75"))],
        [],
        [("SELL", Decimal("0.25"))],
        [],
        [("NEUTRAL", Decimal(0))],
        [],
        [("BUY", Decimal("0.75"))],
    ]
    assert set(ids[:70]) == {0}
    assert len({*ids[70:]}) == 4
    assert ids[70] == ids[71]
    assert ids[72] == ids[73]
    assert ids[74] == ids[75]


def test_the_row_of_a_signal_holds_what_the_strategy_said() -> None:
    service = analyzer(Above())
    for hour in range(70):
        hear(service, candle(hour, 8))
    decision = hear(service, candle(70, 12))
    (row,) = [row for row in decision.rows if row.table == SIGNALS]
    at = START + 71 * HOUR
    signal = row.values
    assert row.key == (signal.id,)
    assert (signal.symbol, signal.timeframe, signal.strategy, signal.timestamp) == ("XUSDT", "1h", "above", at)
    assert signal.price == 12
    assert signal.metadata == {"stop_distance": "3", "time_limit": "9", "tag": "above", "double": "24"}
    assert batch(decision).opinions[0].signal_id == signal.id
    assert batch(decision).opinions[0].stop_distance == 3
    assert decision.messages[0].sequence == (at - HOUR, at)
    assert (decision.messages[0].channel, decision.messages[0].key) == (SIGNALS_RAW, "XUSDT/1h")


def test_an_absent_candle_gives_an_empty_batch_and_leaves_opinions_standing() -> None:
    service = analyzer(Above())
    for hour in range(70):
        hear(service, candle(hour, 12))
    absent = hear(service, CandleAbsent("XUSDT", "1h", START + 70 * HOUR))
    empty = batch(absent)
    assert (empty.close, empty.opinions, empty.at) == (None, (), START + 71 * HOUR)
    assert signals(absent.rows) == []
    after = hear(service, candle(71, 12))
    assert signals(after.rows) == []
    assert batch(after).opinions[0].signal_id != 0


def test_a_strategy_that_raises_is_counted_where_it_raised_and_takes_nobody_down() -> None:
    service = analyzer(Broken(), Above())
    for hour in range(70):
        hear(service, candle(hour, 8))
    for count, hour in enumerate(range(70, 73), start=1):
        decision = hear(service, candle(hour, 7 if hour == 70 else 12))
        broken, above = batch(decision).opinions
        assert (broken.state, broken.conviction) == ("failed", Decimal(0))
        assert above.state == "ok"
        (counter,) = [row.values for row in decision.rows if row.table == "analyzer_counters"]
        assert (counter.strategy, counter.kind, counter.count) == ("broken", "raised", count)
        assert counter.reason == "RuntimeError: seven"
        assert "this very line is reported" in Path(counter.file).read_text().splitlines()[counter.line - 1]
        assert counter.first_at == START + 71 * HOUR


def test_a_late_batch_says_so() -> None:
    service = analyzer(Above())
    assert not batch(hear(service, candle(0, 8))).late
    assert not batch(hear(service, candle(1, 8), HOUR - 1)).late
    assert batch(hear(service, candle(2, 8), HOUR)).late


def test_what_is_not_for_the_analyzer_is_ignored() -> None:
    service = analyzer(Above())
    open_candle = CandleClosed(Candle("XUSDT", "1h", START, *(Decimal(1),) * 5, closed=False))
    for given in (Resumed(), DeadlineDue("x"), envelope(open_candle, START + HOUR, 0)):
        assert service.decide(given, START + HOUR) is NOTHING
    for body in (candle(0, 5, "YUSDT"), candle(0, 5, "XUSDT", "1d")):
        assert hear(service, body) is NOTHING


@pytest.mark.parametrize("order", [("4h", "1h"), ("1h", "4h")])
def test_batches_wait_for_the_finest_candle_of_t(order: tuple[str, str]) -> None:
    plan = Plan("sim", (StrategyUse("above", Above(), "4h"), StrategyUse("above", Above(), "1h")), ("XUSDT",), "1h")
    service = Analyzer(plan, NewestWindows(plan))
    for hour in range(3):
        hear(service, candle(hour, 8))
    bodies = {"4h": candle(0, 8, timeframe="4h"), "1h": candle(3, 9)}
    decisions = [hear(service, bodies[timeframe]) for timeframe in order]
    said = [out.key for decision in decisions for out in decision.messages]
    assert said == [f"XUSDT/{timeframe}" for timeframe in order]
    assert len(decisions[0].messages) == (0 if order[0] == "4h" else 1)
    batches = [out.body for decision in decisions for out in decision.messages]
    assert all(
        isinstance(b, SignalBatch) and b.quote_volume == Decimal("24.75") for b in batches
    )  # (3 x 8 + 9) x 3 / 4
