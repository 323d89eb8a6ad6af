"""Open cycles at closed candles: manage, trailing, the target at a close (trading-rules 1.9, 4.2)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from roottrading.domain.position import Position
from roottrading.messages.commands import CloseTradeCycle, MoveStop
from roottrading.messages.exchange import InstrumentChanged
from roottrading.messages.service import NOTHING
from roottrading.services.coordinator.settings import CoordinatorSettings, TrailingSettings
from roottrading.strategies.contract import HOLD, Adjustment
from tests.unit.services.coordinator.rig import D, Rig, minutes, verdict

Rule = Callable[[Position, Mapping[str, Decimal]], Any]


class Managing:
    """A manager that does as it is told and remembers what it was asked."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.asked: list[tuple[Position, Mapping[str, Decimal]]] = []

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Any:
        self.asked.append((position, row))
        return self.rule(position, row)


def managed(rule: Rule, **changes: Any) -> tuple[Rig, Managing]:
    """A cycle entered at minute 5 (close 50000, filled at 50010, stop 49500, ATR 250) under this manager."""
    manager = Managing(rule)
    rig = Rig(managers={"ema_cross": manager})
    rig.enter(minutes(5), **changes)
    return rig, manager


def always(**wish: Any) -> Rule:
    return lambda position, row: Adjustment(**wish)


def moves(rig: Rig) -> list[str]:
    return [str(body.stop_price) for body in rig.bodies(MoveStop)]


def exits(rig: Rig) -> list[str]:
    return [body.reason for body in rig.bodies(CloseTradeCycle)]


def test_a_manager_is_asked_at_its_own_candles_after_the_entry() -> None:
    row = {"middle": D(50500)}
    rig, manager = managed(lambda position, row: HOLD, timeframe="5m", target_distance=D(5000))
    for minute in range(5, 16):
        close = str(50000 + 10 * minute)
        rig.give(verdict(minutes(minute), "0", close=close, timeframe="5m", row=row), minutes(minute))
    assert [position.highest_close for position, _ in manager.asked] == [D(50100), D(50150)]
    position, given = manager.asked[0]
    held = rig.entries[0].quantity * D("0.999")
    assert position == Position(
        "BTCUSDT", held, D("50010.00000000"), D("49500.00"), D("55000.00"), minutes(5), D(50100)
    )
    assert given == row


@pytest.mark.parametrize("changes", [{"state": "failed"}, {"close": None, "complete": False}])
def test_a_manager_is_not_asked_without_a_candle_or_an_opinion_of_its_own(changes: dict[str, Any]) -> None:
    rig, manager = managed(lambda position, row: HOLD)
    assert rig.give(verdict(minutes(6), "0.7", **changes), minutes(6)) == NOTHING
    assert manager.asked == []


def test_a_manager_is_not_asked_while_opening_or_leaving() -> None:
    manager = Managing(lambda position, row: HOLD)
    rig = Rig(managers={"ema_cross": manager})
    rig.cross(minutes(5))
    rig.give(verdict(minutes(6), "0.7"), minutes(6))
    rig.fill(rig.entries[0], "BUY", "50000", rig.entries[0].quantity, minutes(6))
    rig.move(rig.entries[0], "open", "", minutes(6))
    rig.give(verdict(minutes(7), "-1"), minutes(7))
    rig.give(verdict(minutes(8), "0"), minutes(8))
    assert manager.asked == []


def test_exit_goes_before_stop_and_target() -> None:
    rig, _ = managed(always(exit="roi", stop=D(49900), target=D(60000)))
    rig.give(verdict(minutes(6), "0.7"), minutes(6))
    assert (exits(rig), moves(rig)) == (["manage: roi"], [])


@pytest.mark.parametrize(
    ("stop", "moved", "ignored"),
    [
        ("49700.019", ["49700.01"], 0),  # floored to the tick
        ("49562.5", ["49562.50"], 0),  # exactly a step: max(0.02, 0.25 x 250)
        ("49562.49", [], 1),
        ("49000", [], 1),
        ("49500", [], 0),  # what it is already is no change
    ],
)
def test_stops_only_get_tighter_by_whole_steps(stop: str, moved: list[str], ignored: int) -> None:
    rig, _ = managed(always(stop=D(stop)), target_distance=D(5000))
    rig.give(verdict(minutes(6), "0.7"), minutes(6))
    assert moves(rig) == moved
    assert rig.state_of("open_cycles").ignored == ignored


def test_a_changed_target_gives_the_list_up_and_is_met_at_a_close() -> None:
    rig, _ = managed(always(target=D("50700.001")), target_distance=D(5000))
    rig.give(verdict(minutes(6), "0.7"), minutes(6))
    assert moves(rig) == ["49500.00"]  # one market stop where it was, instead of the list
    rig.give(verdict(minutes(7), "0.7", close="50700"), minutes(7))
    assert exits(rig) == []
    rig.give(verdict(minutes(8), "0.7", close="50700.01"), minutes(8))
    assert (exits(rig), moves(rig)) == (["target"], ["49500.00"])


def test_a_target_at_or_below_the_close_is_met_at_once() -> None:
    rig, _ = managed(always(target=D(50100)), target_distance=D(5000))
    rig.give(verdict(minutes(6), "0.7", close="50100"), minutes(6))
    assert (exits(rig), moves(rig)) == (["target"], [])


def test_a_target_where_there_was_none_needs_no_order() -> None:
    rig, _ = managed(always(target=D(50700)))
    rig.give(verdict(minutes(6), "0.7"), minutes(6))
    assert (exits(rig), moves(rig)) == ([], [])
    rig.give(verdict(minutes(7), "0.7", close="50800"), minutes(7))
    assert exits(rig) == ["target"]


def test_a_target_at_the_exchange_is_not_met_at_a_close() -> None:
    rig = Rig()
    rig.enter(minutes(5), target_distance=D(500))
    rig.give(verdict(minutes(6), "0.7", close="50600"), minutes(6))
    assert exits(rig) == []


def test_a_move_of_the_stop_also_hands_the_target_over() -> None:
    rig, manager = managed(always(stop=D(49700)), target_distance=D(5000))
    rig.give(verdict(minutes(6), "0.7"), minutes(6))
    manager.rule = always()
    rig.give(verdict(minutes(7), "0.7", close="55000"), minutes(7))
    assert (moves(rig), exits(rig)) == (["49700.00"], ["target"])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (lambda position, row: row["missing"], "raised KeyError"),
        (always(stop=49900.5), "returned the stop 49900.5"),
        (always(target=D("NaN")), "returned the target Decimal"),
        (always(stop=D(0)), "returned the stop Decimal"),
        (always(stop=D("1E+80")), "raised"),
        (lambda position, row: None, "raised AttributeError"),
    ],
)
def test_a_broken_manager_is_reported_once_and_changes_nothing(rule: Rule, text: str) -> None:
    rig, _ = managed(rule)
    for minute in (6, 7):
        rig.give(verdict(minutes(minute), "0.7"), minutes(minute))
    assert rig.alerts == ["manage_failed"]
    assert text in rig.said[-1].text  # type: ignore[attr-defined]
    assert (moves(rig), exits(rig)) == ([], [])


def trailing(start: str = "1", distance: str = "2") -> Rig:
    """A cycle at 50000 with stop 49500 and target 55000 that trails 500 behind from 1 R (510 a unit, 50520) on."""
    rig = Rig(CoordinatorSettings(trailing=TrailingSettings(D(start), D(distance))))
    rig.enter(minutes(5), target_distance=D(5000))
    return rig


def test_a_trailing_stop_follows_the_highest_close_by_steps() -> None:
    rig = trailing()
    closes = ["50519.99", "50300", "50520", "50582.49", "50582.50", "50000", "50600"]
    for minute, close in enumerate(closes, 6):
        rig.give(verdict(minutes(minute), "0.7", close=close), minutes(minute))
    # 50519.99 has not reached 1 R; 50520 - 500; then a step (62.5) higher, never lower
    assert moves(rig) == ["50020.00", "50082.50"]
    rig.give(verdict(minutes(20), "0.7", close="55000"), minutes(20))
    assert exits(rig) == ["target"]


def test_trailing_and_manage_together_move_once_to_the_tighter() -> None:
    manager = Managing(always(stop=D(49900)))
    rig = Rig(CoordinatorSettings(trailing=TrailingSettings()), managers={"ema_cross": manager})
    rig.enter(minutes(5))
    rig.give(verdict(minutes(6), "0.7", close="50700"), minutes(6))  # 50700 - 750 = 49950
    assert moves(rig) == ["49950.00"]


def test_no_trailing_without_an_atr_at_entry() -> None:
    rig = Rig(CoordinatorSettings(trailing=TrailingSettings(D(0), D(1))))
    rig.enter(minutes(5), atr=None, stop_distance=D(500))
    assert rig.give(verdict(minutes(6), "0.7", close="53000"), minutes(6)) == NOTHING


def test_a_stop_passed_in_a_halt_is_an_exit_on_reopening() -> None:
    def reopen(close: str) -> list[str]:
        rig = Rig()
        rig.enter(minutes(5))
        for status in ("HALT", "TRADING"):
            rig.give(InstrumentChanged("BTCUSDT", "", minutes(6), status), minutes(6))
        rig.give(verdict(minutes(7), "0", close=close), minutes(7))
        rig.give(verdict(minutes(8), "0", close="40000"), minutes(8))  # an ordinary candle: the stop rests there
        return exits(rig)

    assert reopen("49500") == ["stop"]
    assert reopen("49500.01") == []


def test_a_delisting_is_left_before() -> None:
    rig = Rig()
    rig.enter(minutes(5))
    rig.give(InstrumentChanged("BTCUSDT", "", minutes(6), "DELISTING"), minutes(6))
    assert exits(rig) == ["delisting"]
    assert rig.alerts == ["market_status"]
