"""Abnormal trading (trading-rules 8): each bound, what it says, what it keeps from buying, how it ends."""

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from roottrading.domain.order import Order, OrderStatus
from roottrading.domain.time import DAY, HOUR, MINUTE, SECOND, start_of_day
from roottrading.messages.commands import CancelEntry, OpenTradeCycle
from roottrading.messages.events import (
    AlertRaised,
    FillUnmatched,
    OrderChanged,
    OrderRejected,
    PrefixShared,
    ProtectionRestored,
)
from roottrading.messages.service import NOTHING, ControlChanged, Decision
from roottrading.services.coordinator.settings import NO_BOUNDS, CoordinatorSettings
from roottrading.services.coordinator.state import Curb
from tests.unit.services.coordinator.rig import NO_LIMITS, NOON, D, Rig, instrument, minutes

ALL = ("AAAUSDT", "BBBUSDT", "CCCUSDT")


def bound(**bounds: Any) -> CoordinatorSettings:
    """No limit but these bounds."""
    return replace(NO_LIMITS, abnormal=replace(NO_BOUNDS, **bounds))


def end_order(rig: Rig, at: int, status: OrderStatus = "FILLED") -> Decision:
    order = Order("o", "c", "simtest-e1", "BTCUSDT", "SELL", "MARKET", D(1), None, None, status, at, at)
    return rig.give(OrderChanged(order), at)


def reject(rig: Rig, at: int) -> None:
    rig.give(OrderRejected("c", "BTCUSDT", -2010, "no", at), at)


def curbs(rig: Rig) -> tuple[Curb, ...]:
    given: tuple[Curb, ...] = rig.state_of("coordinator_account", "account").curbs
    return given


def resume(rig: Rig, at: int, number: int = 1) -> None:
    rig.give(ControlChanged(number, "resume", "trading", "", "", "anna", "looked at it"), at)


def lose(rig: Rig, at: int, symbol: str = "BTCUSDT") -> None:
    rig.leave(rig.enter(at, symbol=symbol), "49000", "stop", at + 2 * MINUTE)


# ---- orders a minute


def test_more_orders_in_a_minute_than_allowed() -> None:
    rig = Rig(bound(orders_per_minute=3))
    for second in range(3):
        end_order(rig, minutes(1) + second * SECOND)
    assert rig.alerts == []
    end_order(rig, minutes(1) + 59 * SECOND, "CANCELED")
    assert [alert.text for alert in rig.bodies(AlertRaised)] == [
        "more than 3 orders ended in the minute of 2024-03-05T12:01:00Z: nothing is bought until a person resumes"
    ]
    assert rig.bodies(AlertRaised)[0].severity == "critical"
    end_order(rig, minutes(1) + 59 * SECOND)
    assert len(rig.alerts) == 1, "said once"
    rig.cross(minutes(5))
    assert rig.refusals[-1] == ("BTCUSDT", "orders_per_minute")
    resume(rig, minutes(6))
    rig.cross(minutes(8))
    assert rig.entries[-1].at == minutes(8)


def test_orders_are_counted_by_the_minute_of_the_clock() -> None:
    rig = Rig(bound(orders_per_minute=3))
    for minute in range(5):
        for second in (0, 30, 59):
            end_order(rig, minutes(minute) + second * SECOND)
    assert (rig.alerts, curbs(rig)) == ([], ())


@pytest.mark.parametrize("status", ["NEW", "PARTIALLY_FILLED"])
def test_an_order_that_lives_is_not_counted(status: OrderStatus) -> None:
    rig = Rig(bound(orders_per_minute=1))
    for _ in range(5):
        assert end_order(rig, minutes(1), status) is NOTHING


def test_nothing_is_done_per_order_where_no_bound_asks_for_it() -> None:
    rig = Rig(bound())
    assert end_order(rig, minutes(1)) is NOTHING


# ---- refused by the exchange


def test_a_share_of_refused_requests_curbs_the_hour() -> None:
    rig = Rig(bound(reject_share=D("0.5"), reject_least=3))
    for _ in range(3):
        end_order(rig, minutes(1))
    reject(rig, minutes(2))
    reject(rig, minutes(2))
    assert curbs(rig) == ()
    reject(rig, minutes(3))
    assert curbs(rig) == (Curb("rejected_orders", NOON + HOUR),)
    assert [alert.text for alert in rig.bodies(AlertRaised)] == [
        "the exchange refused 3 of 6 requests since 2024-03-05T12:00:00Z: nothing is bought until 2024-03-05T13:00:00Z"
    ]
    rig.cross(minutes(10))
    assert rig.refusals[-1] == ("BTCUSDT", "rejected_orders")
    rig.cross(minutes(60))
    assert rig.entries[-1].at == minutes(60), "an hour is over when the next begins"


def test_few_refusals_are_no_share_and_every_hour_counts_afresh() -> None:
    rig = Rig(bound(reject_share=D("0.5"), reject_least=3))
    for hour in range(3):
        reject(rig, minutes(60 * hour + 1))
        reject(rig, minutes(60 * hour + 2))
    assert (rig.alerts, curbs(rig)) == ([], ())


def test_the_share_does_not_hang_on_who_is_heard_first_at_an_instant() -> None:
    left = set()
    for order in permutations(("ended", "ended", "ended", "rejected", "rejected")):
        rig = Rig(bound(reject_share=D("0.5"), reject_least=2))
        for what in order:
            (end_order if what == "ended" else reject)(rig, minutes(1))
        left.add(curbs(rig))
    assert left == {()}, "2 of 5 were refused"


# ---- slippage


def test_a_stop_sold_far_below_the_plan() -> None:
    rig = Rig(bound(slippage=D("0.02")))
    command = rig.enter(minutes(2))
    stop = command.plan.stop_price  # 49500
    rig.leave(command, str(stop * D("0.98")), "stop", minutes(4))
    assert (rig.alerts, curbs(rig)) == ([], ()), "2 % are within the bound"
    command = rig.enter(minutes(6))
    rig.leave(command, str(stop * D("0.9799")), "stop", minutes(8))
    assert curbs(rig) == (Curb("slippage"),)
    assert rig.bodies(AlertRaised)[0].symbol == "BTCUSDT"
    rig.cross(minutes(20))
    assert rig.refusals[-1] == ("BTCUSDT", "slippage")


def test_an_entry_that_paid_more_than_its_worst_price() -> None:
    rig = Rig(bound(slippage=D("0.01")))
    rig.cross(minutes(2))
    command = rig.entries[-1]
    most = command.worst_price * D("1.01")
    half = command.quantity / 2 // D("0.00001") * D("0.00001")
    rig.fill(command, "BUY", str(command.worst_price), half, minutes(2))
    rig.fill(command, "BUY", str(most), D("0.0001"), minutes(2))
    assert rig.alerts == []
    rig.fill(command, "BUY", str(most * 2), half, minutes(2))
    rig.fill(command, "BUY", str(most * 2), D("0.0001"), minutes(2))
    assert rig.alerts == ["slippage"], "said at the fill that went beyond"


def test_slippage_of_another_cycle_is_said_while_the_first_still_stands() -> None:
    rig = Rig(bound(slippage=D("0.02")))
    first, second = rig.enter(minutes(2)), rig.enter(minutes(4), symbol="ETHUSDT")
    rig.leave(first, "40000", "stop", minutes(6))
    rig.leave(second, "40000", "stop", minutes(6))
    assert [alert.symbol for alert in rig.bodies(AlertRaised)] == ["BTCUSDT", "ETHUSDT"]


# ---- losses in a row


def test_losses_in_a_row_over_all_symbols_until_midnight() -> None:
    rig = Rig(bound(losses_in_a_row=3))
    lose(rig, minutes(2))
    lose(rig, minutes(6), "ETHUSDT")
    assert curbs(rig) == ()
    lose(rig, minutes(10))
    midnight = start_of_day(NOON) + DAY
    assert curbs(rig) == (Curb("losses_in_a_row", midnight),)
    assert [alert.text for alert in rig.bodies(AlertRaised)] == [
        "3 cycles in a row lost money: nothing is bought until 2024-03-06T00:00:00Z"
    ]
    rig.cross(minutes(20), "ETHUSDT")
    assert rig.refusals[-1] == ("ETHUSDT", "losses_in_a_row")
    rig.cross(midnight)
    assert rig.entries[-1].at == midnight


def test_a_gain_ends_the_row_and_an_entry_that_expired_does_not() -> None:
    rig = Rig(bound(losses_in_a_row=3))
    lose(rig, minutes(2))
    lose(rig, minutes(6))
    rig.cross(minutes(10))
    rig.move(rig.entries[-1], "expired", "not_filled", minutes(10))
    rig.leave(rig.enter(minutes(14)), "52000", "target", minutes(16))
    lose(rig, minutes(20))
    lose(rig, minutes(24))
    assert (rig.alerts, curbs(rig)) == ([], ())


@pytest.mark.parametrize(("bounded", "expected"), [(2, ("losses_in_a_row",)), (3, ())])
def test_the_row_does_not_hang_on_who_is_heard_first_at_an_instant(bounded: int, expected: tuple[str, ...]) -> None:
    items = [instrument(symbol) for symbol in ALL]
    for order in permutations(ALL):
        rig = Rig(bound(losses_in_a_row=bounded), items)
        opened: dict[str, OpenTradeCycle] = {}
        for number, symbol in enumerate(ALL):
            opened[symbol] = rig.enter(minutes(2 + 2 * number), symbol=symbol)
        for symbol in order:  # A wins, B and C lose, all at the same instant
            rig.leave(opened[symbol], "52000" if symbol == "AAAUSDT" else "49000", "stop", minutes(10))
        assert tuple(curb.reason for curb in curbs(rig)) == expected, order


# ---- the rest


def test_a_fill_that_no_order_knows() -> None:
    rig = Rig(bound(unmatched_fills=1))
    rig.give(FillUnmatched("BTCUSDT", "simtest-x9", "SELL", D("0.5"), D(50_000), minutes(1)), minutes(1))
    assert curbs(rig) == (Curb("unmatched_fill"),)
    assert "SELL 0.5 at 50000" in rig.bodies(AlertRaised)[0].text
    rig.cross(minutes(3))
    assert rig.refusals[-1] == ("BTCUSDT", "unmatched_fill")


def test_a_fill_that_no_order_knows_is_said_without_a_bound_too() -> None:
    rig = Rig(bound())
    rig.give(FillUnmatched("BTCUSDT", "simtest-x9", "SELL", D("0.5"), D(50_000), minutes(1)), minutes(1))
    assert (rig.alerts, curbs(rig)) == (["unmatched_fill"], ())


def test_a_second_deployment_of_our_name_ends_buying_until_a_person_resumes() -> None:
    rig = Rig(bound())
    for number in (7, 8):
        rig.give(PrefixShared("OTHERUSDT", "simtest-x-e1", number, minutes(1)), minutes(1))
    assert (rig.alerts, curbs(rig)) == (["prefix_shared"], (Curb("prefix_shared"),))
    assert "simtest-x-e1 of OTHERUSDT (number 7)" in rig.bodies(AlertRaised)[0].text
    rig.cross(minutes(3))
    assert rig.refusals[-1] == ("BTCUSDT", "prefix_shared")
    resume(rig, minutes(4))
    assert curbs(rig) == ()


@pytest.mark.parametrize(
    ("kind", "lasted", "told"), [("unprotected", 13, 0), ("unprotected", 14, 1), ("closing", 99, 0)]
)
def test_an_unprotected_span(kind: Any, lasted: int, told: int) -> None:
    rig = Rig(bound(unprotected_ms=13_000))
    rig.give(ProtectionRestored("c", "BTCUSDT", NOON, NOON + lasted * SECOND, kind), NOON + lasted * SECOND)
    assert rig.alerts == ["unprotected"] * told
    rig.cross(minutes(3))
    assert rig.refusals == [("BTCUSDT", "unprotected")] * told


def test_what_rests_to_buy_is_cancelled() -> None:
    settings = replace(bound(unmatched_fills=1), entry_style="resting")
    rig = Rig(settings)
    rig.cross(minutes(2), entry_limit=D(49_900))
    rig.give(FillUnmatched("ETHUSDT", "simtest-x9", "BUY", D(1), D(2000), minutes(3)), minutes(3))
    assert [body.reason for body in rig.bodies(CancelEntry)] == ["unmatched_fill"]


def test_resuming_lifts_all_and_counts_afresh() -> None:
    rig = Rig(bound(losses_in_a_row=2, unmatched_fills=2, orders_per_minute=1))
    lose(rig, minutes(2))
    lose(rig, minutes(6))
    end_order(rig, minutes(9))
    end_order(rig, minutes(9))
    rig.give(FillUnmatched("BTCUSDT", "simtest-x9", "SELL", D(1), D(50_000), minutes(9)), minutes(9))
    assert [curb.reason for curb in curbs(rig)] == ["losses_in_a_row", "orders_per_minute"]
    rig.restart(minutes(9))
    rig.give(ControlChanged(1, "resume", "trading", "BTCUSDT", "", "anna", ""), minutes(10))
    assert len(curbs(rig)) == 2, "a symbol's pause is another matter"
    resume(rig, minutes(10), 2)
    assert curbs(rig) == ()
    lose(rig, minutes(12))
    rig.give(FillUnmatched("BTCUSDT", "simtest-x9", "SELL", D(1), D(50_000), minutes(15)), minutes(15))
    assert curbs(rig) == ()
    lose(rig, minutes(16))
    assert [curb.reason for curb in curbs(rig)] == ["losses_in_a_row"]


def test_with_everything_off_nothing_is_judged() -> None:
    rig = Rig(bound())
    for number in range(30):
        at = minutes(2 + 4 * number)
        rig.leave(rig.enter(at), "30000", "stop", at + 2 * MINUTE)
        reject(rig, at)
    rig.give(ProtectionRestored("c", "BTCUSDT", NOON, NOON + DAY, "unprotected"), NOON + DAY)
    assert (rig.alerts, curbs(rig), rig.coordinator.state()["coordinator_conduct"]) == ([], (), {})
