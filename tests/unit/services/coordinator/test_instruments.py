"""Filters that the exchange changes: what is planned, asked and moved from then on goes by the new ones."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from roottrading.domain.instrument import Instrument
from roottrading.domain.position import Position
from roottrading.messages.commands import CloseTradeCycle, MoveStop
from roottrading.messages.events import TOO_SMALL_TO_SELL, CommandRefused
from roottrading.messages.exchange import InstrumentChanged
from roottrading.services.coordinator.settings import CoordinatorSettings, TrailingSettings
from roottrading.strategies.contract import Adjustment
from tests.unit.services.coordinator.rig import NO_LIMITS, D, Rig, instrument, minutes, verdict

COARSER = instrument(tick_size=D(7), step_size=D("0.001"), min_quantity=D("0.001"))


def change(rig: Rig, told: Instrument, at: int) -> None:
    rig.give(InstrumentChanged(told.symbol, "", at, told.status, told), at)


class Farther:
    """A manager that wants its target elsewhere, and its stop where it is."""

    def manage(self, position: Position, row: Any) -> Adjustment:
        return Adjustment(target=D(60000))


def test_an_entry_is_planned_on_the_new_grid() -> None:
    rig = Rig(NO_LIMITS)
    change(rig, COARSER, minutes(1))
    rig.cross(minutes(5), target_distance=D(1000))
    (entry,) = rig.entries
    assert (entry.worst_price, entry.plan.stop_price, entry.plan.target_price) == (D(50148), D(49497), D(51002))
    assert entry.quantity == D("0.020")  # a stake of 1000 at 50000


def test_filters_that_take_no_sale_of_so_little_refuse_the_entry() -> None:
    rig = Rig(NO_LIMITS)
    change(rig, instrument(min_notional=D(950)), minutes(1))  # 0.02 less the fee, at the stop and 5 % less: 939.6
    rig.cross(minutes(5))
    assert rig.refusals == [("BTCUSDT", "too_small")]


def test_a_crossing_that_waited_for_its_instant_goes_by_the_new_ones() -> None:
    rig = Rig(NO_LIMITS)
    rig.give(verdict(minutes(4), "0"), minutes(4))
    rig.give(verdict(minutes(5)), minutes(5))
    change(rig, COARSER, minutes(5))
    rig.instant(minutes(5))
    assert rig.entries[0].quantity == D("0.020")
    assert rig.entries[0].worst_price == D(50148)


def test_filters_outlive_a_restart() -> None:
    rig = Rig(NO_LIMITS)
    change(rig, COARSER, minutes(1))
    rig.restart(minutes(2))
    rig.cross(minutes(5))
    assert rig.entries[0].worst_price == D(50148)


def test_filters_told_again_change_nothing() -> None:
    rig = Rig()
    change(rig, COARSER, minutes(1))
    assert rig.coordinator.state()["coordinator_instruments"] == {"BTCUSDT": COARSER}
    again = rig.give(InstrumentChanged("BTCUSDT", "", minutes(2), "TRADING", COARSER), minutes(2))
    elsewhere = rig.give(InstrumentChanged("DOGEUSDT", "", minutes(2), "TRADING", instrument("DOGEUSDT")), minutes(2))
    assert (again.rows, elsewhere.rows) == ((), ())


def test_a_status_that_comes_with_filters_is_not_taken_for_the_listed_one() -> None:
    rig = Rig(NO_LIMITS)
    change(rig, replace(COARSER, status="HALT"), minutes(1))
    assert rig.alerts == ["market_status"]
    change(rig, replace(COARSER, status="TRADING"), minutes(2))
    rig.cross(minutes(5))
    assert len(rig.entries) == 1


def test_a_trailing_stop_moves_on_the_new_grid() -> None:
    rig = Rig(CoordinatorSettings(trailing=TrailingSettings(D(0), D(1))))
    rig.enter(minutes(5))
    change(rig, COARSER, minutes(6))
    rig.give(verdict(minutes(6), "0.7", close="51000"), minutes(6))
    assert [move.stop_price for move in rig.bodies(MoveStop)] == [D(50750) // 7 * 7]


def test_a_stop_off_the_new_grid_rests_anew_at_the_next_price_above_it() -> None:
    rig = Rig(managers={"ema_cross": Farther()})
    rig.enter(minutes(5), target_distance=D(1000))
    change(rig, COARSER, minutes(6))
    rig.give(verdict(minutes(6), "0.7"), minutes(6))
    (moved,) = rig.bodies(MoveStop)
    assert moved.stop_price == D(49504)  # 49500 is planned: 7 x 7071.4
    assert rig.state_of("open_cycles").stop_price == D(49504)
    rig.give(verdict(minutes(7), "0.7"), minutes(7))
    assert rig.bodies(MoveStop) == [moved]


# ---- an exit that waits


def waiting(reason: str = "verdict") -> Rig:
    """A cycle that holds 0.01998, of which the filters take no sale below 51000 each."""
    rig = Rig(NO_LIMITS)
    command = rig.enter(minutes(5))
    change(rig, instrument(min_notional=D("0.01998") * 51000), minutes(6))
    if reason == "verdict":
        rig.give(verdict(minutes(6), "-1"), minutes(6))
    refused = CommandRefused(command.cycle_id, "BTCUSDT", "CloseTradeCycle", TOO_SMALL_TO_SELL, minutes(6))
    rig.give(refused, minutes(6))
    return rig


@pytest.mark.parametrize(("reason", "asked"), [("verdict", "verdict"), ("time_limit", TOO_SMALL_TO_SELL)])
def test_an_exit_that_had_to_wait_is_asked_for_at_the_first_close_that_allows_it(reason: str, asked: str) -> None:
    rig = waiting(reason)
    before = len(rig.bodies(CloseTradeCycle))
    for minute, close in ((7, "50000"), (8, "50999.99"), (9, "51000"), (10, "52000")):
        rig.give(verdict(minutes(minute), "0", close=close), minutes(minute))
    (repeated,) = rig.bodies(CloseTradeCycle)[before:]
    assert (repeated.reason, repeated.price) == (asked, Decimal(51000))
    assert "closing" in repeated.expects


def test_an_exit_that_has_to_wait_again_is_asked_for_again() -> None:
    rig = waiting()
    cycle = rig.entries[0].cycle_id
    for minute in (7, 8):
        rig.give(verdict(minutes(minute), "0", close="51000"), minutes(minute))
        rig.give(CommandRefused(cycle, "BTCUSDT", "CloseTradeCycle", TOO_SMALL_TO_SELL, 0), minutes(minute))
    assert [command.price for command in rig.bodies(CloseTradeCycle)] == [None, D(51000), D(51000)]


def test_filters_that_allow_it_again_let_an_exit_go() -> None:
    rig = waiting()
    change(rig, instrument(), minutes(7))
    rig.give(verdict(minutes(7), "0"), minutes(7))
    assert [command.price for command in rig.bodies(CloseTradeCycle)] == [None, D(50000)]


def test_every_close_is_watched_while_an_exit_waits() -> None:
    rig = waiting()
    assert rig.watches["close/BTCUSDT"].above == D(0)
    rig.give(verdict(minutes(7), "0", close="51000"), minutes(7))
    assert rig.watches["close/BTCUSDT"].above is None


def test_other_refusals_let_nothing_wait() -> None:
    rig = Rig(NO_LIMITS)
    command = rig.enter(minutes(5))
    rig.give(CommandRefused(command.cycle_id, "BTCUSDT", "MoveStop", "looser", minutes(6)), minutes(6))
    stranger = CommandRefused("another", "BTCUSDT", "CloseTradeCycle", TOO_SMALL_TO_SELL, minutes(6))
    assert rig.give(stranger, minutes(6)).rows == ()
    assert not rig.state_of("open_cycles").waits
