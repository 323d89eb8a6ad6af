"""What learning reads out of opinions, and when a session gives the weights of a day."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.columns import UNITS, Candles, Columns
from roottrading.domain.position import Position
from roottrading.domain.time import DAY, HOUR, MINUTE, Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import ExchangeEvent, Request
from roottrading.messages.service import DeadlineDue, Decision, Input, Resumed, Row, WeightsSet
from roottrading.pipeline import ROLES
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.learning import weights_for
from roottrading.runtimes.opinion_records import Shadowing, StopRule, buys_of, directions_of, stop_rule
from roottrading.runtimes.session import Session
from roottrading.runtimes.settle import wire
from roottrading.runtimes.step import Unit
from roottrading.services.analyzer import Plan, StrategyUse, WholeBlocks
from roottrading.services.analyzer.opinion_columns import OpinionColumns
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.gateway.fold import fold
from roottrading.services.signal_aggregator.buy_opinions import NEVER, BuyOpinions
from roottrading.strategies.contract import HOLD, Adjustment, Evaluation, Strategy
from tests.parity.learning_runs import learning_run

D = Decimal
START: Time = 19_000 * DAY
SAID = [0.0, 0.0, 1.0, 1.0, 0.0, 1.0, -1.0, -0.5, 0.3, 0.0]


class Script(Strategy, frozen=True):
    """Says what its test wrote down, hour by hour; its `manage` does what `wish` says."""

    said: tuple[float, ...]
    stop: float = float("nan")
    limit: float = float("nan")
    wish: str = ""

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Evaluation:
        rows = ((columns.open_time - START) // HOUR).astype(np.int64)
        conviction = np.array(self.said)[rows]
        full: Any = np.full(len(rows), 1.0)
        plan = (full * self.stop, full / 3, full * self.limit)
        return Evaluation(conviction, *plan, columns={"close": columns.close})

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        if self.wish == "raise":
            raise RuntimeError("a user's mistake")
        if self.wish == "float":
            return Adjustment(stop=1.5)  # type: ignore[arg-type]
        return Adjustment(exit=f"at {row['close']}")


def market() -> Candles:
    """Ten hours that close at 100, 101 and so on."""
    close = (100 + np.arange(10, dtype=np.int64)) * UNITS
    times = START + np.arange(10, dtype=np.int64) * HOUR
    return Candles("BTCUSDT", "1h", times, close - UNITS, close, close - UNITS, close, np.full(10, UNITS))


def opinions(strategy: Strategy, begin: Time = 0) -> tuple[OpinionColumns, WholeBlocks]:
    plan = Plan("sim", [StrategyUse("script", strategy, "1h")], ["BTCUSDT"], "1h")
    blocks = WholeBlocks(plan, {"BTCUSDT": market()}, fold, begin)
    return blocks.opinions(("BTCUSDT", "1h"))[0], blocks


def bought(strategy: Strategy, stops: StopRule, begin: Time = 0) -> BuyOpinions:
    columns, blocks = opinions(strategy, begin)
    return buys_of(columns, blocks.market(("BTCUSDT", "1h")), market(), stops)


def hours(times: Any) -> list[int]:
    return [(time - START) // HOUR for time in times.tolist()]


def test_a_buy_opinion_begins_where_the_direction_changes_and_ends_at_the_next_sell() -> None:
    found = bought(Script(tuple(SAID), stop=2.0), StopRule(None, None))
    assert hours(found.at) == [3, 6, 9]
    assert found.close.tolist() == [102, 105, 108]
    assert hours(found.sell_at[:2]) == [7, 7]
    assert found.sell_at[2] == NEVER
    assert found.stop_distance.tolist() == [2, 2, 2]
    assert found.target_distance.tolist() == [0.333333333333] * 3  # in the 12 digits that leave the analyzer
    assert found.time_limit.tolist() == [0, 0, 0]


def test_an_opinion_that_stood_before_the_start_begins_with_it() -> None:
    strategy = Script(tuple(SAID), stop=2.0, limit=3.9)
    found = bought(strategy, StopRule(None, None), START + 4 * HOUR)
    assert hours(found.at) == [4, 6, 9]
    assert found.time_limit.tolist() == [3, 3, 3]
    assert hours(directions_of(opinions(strategy, START + 4 * HOUR)[0]).at) == [4, 5, 6, 7, 9, 10]


@pytest.mark.parametrize(
    ("rule", "distances"),
    [
        (StopRule(0.1, 2.0), [10.2, 10.5, 10.8]),  # the strategy's share of the close goes before ATR
        (StopRule(None, 2.0), [0, 0, 0]),  # there is no ATR yet: no stop, no entry
        (StopRule(None, None), [0, 0, 0]),
    ],
)
def test_a_strategy_without_a_stop_gets_the_one_it_would_be_traded_with(rule: StopRule, distances: list[float]) -> None:
    assert bought(Script(tuple(SAID)), rule).stop_distance.tolist() == pytest.approx(distances)


def test_an_atr_stands_in_for_a_stop() -> None:
    nan = np.array([np.nan, 7.0])
    close, atr = np.array([100.0, 100.0]), np.array([1.5, 1.5])
    assert StopRule(None, 3.0).distances(nan, close, atr).tolist() == [4.5, 7.0]


def test_the_stop_rule_is_the_coordinators() -> None:
    assert stop_rule("a", CoordinatorSettings()) == StopRule(None, 2.0)
    assert stop_rule("a", CoordinatorSettings(stop_distance={"a": D("0.02")}, stop_atr=None)) == StopRule(0.02, None)


HELD = Position("BTCUSDT", D(1), D(100), D(90), None, START, D(100))


@pytest.mark.parametrize(
    ("wish", "expected"), [("raise", HOLD), ("float", HOLD), ("", Adjustment(exit="at 102.000000000"))]
)
def test_a_manager_that_fails_holds(wish: str, expected: Adjustment) -> None:
    strategy = Script(tuple(SAID), stop=2.0, wish=wish)
    manager = Shadowing(strategy, opinions(strategy)[0])
    assert manager.manage(HELD, manager.row_at(START + 3 * HOUR)) == expected


def test_a_manager_is_not_asked_where_its_strategy_has_no_opinion() -> None:
    strategy = Script((2.0, *SAID[1:]), stop=2.0)  # out of range: no opinion
    manager = Shadowing(strategy, opinions(strategy)[0])
    assert manager.manage(HELD, manager.row_at(START + HOUR)) == HOLD
    assert manager.manage(HELD, manager.row_at(START + 2 * HOUR)) == Adjustment(exit="at 101.000000000")


def test_equal_weights_are_not_learned() -> None:
    settings, cast, traded = learning_run()
    equal = replace(settings, aggregator=replace(settings.aggregator, weighting="equal"))
    assert weights_for(equal, cast, traded) is None


def test_days_may_be_asked_for_in_any_order() -> None:
    settings, cast, traded = learning_run(end="2021-04-16T06:00:00Z")
    days = [traded.start // DAY * DAY + day * DAY for day in (1, 2)]
    forward, backward = weights_for(settings, cast, traded), weights_for(settings, cast, traded)
    assert forward is not None
    assert backward is not None
    assert [forward(day) for day in days] == [backward(day) for day in days[::-1]][::-1]


# ---- when


class Listener(Struct):
    """A service that only notes what it is given, and when."""

    heard: list[tuple[Input, Time]]

    def restore(self, rows: Any) -> None:
        pass

    def decide(self, given: Input, now: Time) -> Decision:
        assert type(given) is not Envelope
        self.heard.append((given, now))
        return Decision()


class NoExchange:
    """Nothing is traded here."""

    def execute(self, request: Request, now: Time) -> list[ExchangeEvent]:
        raise AssertionError(request)

    def candle_opens(self, candle: object, now: Time) -> list[ExchangeEvent]:
        return []

    def candle_closed(self, candle: object, now: Time) -> list[ExchangeEvent]:
        return []

    def changed_rows(self) -> list[Row]:
        return []


def session(deadlines: Deadlines, learns: bool = True) -> tuple[Session, dict[str, Listener]]:
    heard = {role.name: Listener([]) for role in ROLES}
    units = {name: Unit(name, 0, listener) for name, listener in heard.items()}
    exchange = NoExchange()
    learner = (lambda day: WeightsSet(day, {"a": D(1)})) if learns else None
    return Session(wire(units, exchange), exchange, MINUTE, deadlines, learner), heard


@pytest.mark.parametrize(
    ("start", "first"),
    [(0, HOUR), (30 * MINUTE, HOUR), (HOUR - 1, HOUR), (HOUR, DAY + HOUR), (HOUR + 1, DAY + HOUR), (DAY, DAY + HOUR)],
)
def test_the_first_weights_come_with_the_first_one_o_clock_after_the_start(start: Time, first: Time) -> None:
    run, _ = session(Deadlines())
    run.resume(START + start)
    assert run.deadlines.all() == [("session", "weights", START + first)]


def test_weights_come_once_a_day_and_to_the_aggregator_alone() -> None:
    run, heard = session(Deadlines())
    run.resume(START)
    for hour in range(1, 73):
        run.due(START + hour * HOUR)
    for name, listener in heard.items():
        assert listener.heard[0] == (Resumed(), START)
        given = [
            (WeightsSet(START + day * DAY, {"a": D(1)}), START + day * DAY + HOUR)
            for day in (0, 1, 2)
            if name == "signal_aggregator"
        ]
        assert listener.heard[1:] == given


def test_a_loaded_session_goes_on_with_the_deadline_that_was_kept() -> None:
    run, heard = session(Deadlines([("session", "weights", START + HOUR), ("trader", "x", START + HOUR)]))
    run.resume(START + HOUR)  # killed in this instant, before its deadlines
    run.due(START + HOUR)
    assert heard["signal_aggregator"].heard[1:] == [(WeightsSet(START, {"a": D(1)}), START + HOUR)]
    assert heard["trader"].heard[1:] == [(DeadlineDue("x"), START + HOUR)]


def test_without_learning_nothing_is_asked_for() -> None:
    run, _ = session(Deadlines(), learns=False)
    run.resume(START)
    assert run.deadlines.all() == []
