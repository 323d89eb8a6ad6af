"""A person's commands, capital and adopted coins (trading-rules 7.1, 7.4, 7.5)."""

from typing import Any

import pytest
from msgspec.structs import replace

from roottrading.domain.ids import cycle_id
from roottrading.messages.commands import AdoptTradeCycle, CancelEntry, CloseTradeCycle
from roottrading.messages.events import AlertRaised, CommandRefused
from roottrading.messages.service import NOTHING, AccountAdjusted, ControlChanged, DeadlineDue
from roottrading.services.coordinator.settings import CoordinatorSettings
from tests.unit.services.coordinator.rig import DEPLOYMENT, D, Rig, minutes, verdict


def control(number: int, action: Any, **changes: Any) -> ControlChanged:
    given: dict[str, Any] = {"state": "trading", "symbol": "", "target": ""} | changes
    return ControlChanged(number, action, given["state"], given["symbol"], given["target"], "ann", "news")


def two_open() -> Rig:
    rig = Rig()
    rig.enter(minutes(1))
    rig.enter(minutes(3), "2001", "ETHUSDT", "2000", atr=D(10))
    return rig


def exits(rig: Rig) -> list[tuple[str, str]]:
    return [(body.symbol, body.reason) for body in rig.bodies(CloseTradeCycle)]


def test_flatten_asks_every_cycle_to_leave_once_even_when_halted() -> None:
    rig = two_open()
    rig.give(control(1, "state", state="halted"), minutes(4))
    rig.give(control(2, "flatten", state="halted"), minutes(4))
    rig.give(control(3, "flatten", state="halted"), minutes(4))
    assert exits(rig) == [("BTCUSDT", "control: flatten"), ("ETHUSDT", "control: flatten")]


def test_exit_leaves_one_cycle() -> None:
    rig = two_open()
    rig.give(control(1, "exit", target=rig.entries[1].cycle_id), minutes(4))
    assert exits(rig) == [("ETHUSDT", "control: exit")]
    rig.give(control(2, "exit", target="no such cycle"), minutes(4))
    assert exits(rig) == [("ETHUSDT", "control: exit")]


def test_every_use_is_an_event_with_who_and_why_and_is_taken_once() -> None:
    rig = two_open()
    use = control(5, "exit", target=rig.entries[1].cycle_id)
    rig.give(use, minutes(4))
    assert rig.give(use, minutes(4)) == NOTHING
    assert rig.give(control(4, "flatten"), minutes(4)) == NOTHING
    text = f"ann used exit {use.target} (state trading): news: 1 of 2 open cycles asked to leave"
    assert rig.bodies(AlertRaised) == [AlertRaised("info", "control", text, "", minutes(4))]


def test_a_use_without_a_reason_is_told_without_one() -> None:
    rig = two_open()
    rig.give(replace(control(1, "flatten"), why=""), minutes(4))
    rig.give(replace(control(2, "state", state="halted"), why=""), minutes(4))
    assert [alert.text for alert in rig.bodies(AlertRaised)] == [
        "ann used flatten (state trading): 2 of 2 open cycles asked to leave",
        "ann used state (state halted)",
    ]


def test_pausing_a_symbol_cancels_its_resting_entry_only() -> None:
    rig = Rig(CoordinatorSettings(entry_style="resting"))
    rig.cross(minutes(1), entry_limit=D(49900))
    rig.cross(minutes(1), "ETHUSDT", "2000", atr=D(10), entry_limit=D(1990))
    rig.give(control(1, "pause", symbol="ETHUSDT"), minutes(2))
    assert rig.bodies(CancelEntry) == [CancelEntry(rig.entries[1].cycle_id, "ETHUSDT", "control: pause")]
    rig.give(control(2, "pause"), minutes(2))
    assert [body.symbol for body in rig.bodies(CancelEntry)] == ["ETHUSDT", "BTCUSDT", "ETHUSDT"]


def test_an_entry_at_market_is_not_cancelled() -> None:
    rig = Rig()
    rig.cross(minutes(1))
    rig.give(control(1, "pause"), minutes(2))
    assert rig.bodies(CancelEntry) == []


def test_a_halted_state_still_lets_a_verdict_close() -> None:
    rig = two_open()
    rig.give(control(1, "state", state="halted"), minutes(4))
    rig.give(verdict(minutes(5), "-1"), minutes(5))
    assert exits(rig) == [("BTCUSDT", "verdict")]


def capital(number: int, amount: str, effective_at: int) -> AccountAdjusted:
    return AccountAdjusted(number, "capital", "", D(amount), None, effective_at)


def test_capital_counts_from_its_time_on() -> None:
    rig = Rig()
    rig.give(capital(1, "500", minutes(5)), minutes(1))
    assert (rig.cash, rig.deadlines["adjustment/1"]) == (D(10000), minutes(5))
    rig.give(DeadlineDue("midnight"), minutes(4))
    assert rig.cash == D(10000)
    rig.give(DeadlineDue("adjustment/1"), minutes(5))
    assert rig.cash == D(10500)
    assert rig.give(DeadlineDue("adjustment/1"), minutes(5)) == NOTHING
    rig.give(capital(2, "-300", minutes(5)), minutes(6))
    assert rig.give(capital(2, "-300", minutes(5)), minutes(6)) == NOTHING
    assert rig.cash == D(10200)
    assert rig.state_of("coordinator_account", "account").capital == D(10200)


def adopt(number: int, symbol: str = "BTCUSDT", amount: str = "0.1", price: str | None = "40000") -> AccountAdjusted:
    return AccountAdjusted(number, "adopt", symbol, D(amount), None if price is None else D(price), minutes(1))


def test_adopted_coins_become_a_cycle_with_a_stop() -> None:
    rig = Rig()
    rig.instant(minutes(0))
    rig.give(adopt(7), minutes(1))
    assert rig.said == []
    rig.instant(minutes(1))
    command = rig.bodies(AdoptTradeCycle)[0]
    assert command.cycle_id == cycle_id(DEPLOYMENT, "adopt/7")
    assert (command.quantity, command.price, command.plan.stop_price) == (D("0.1"), D(40000), D("47500.00"))
    account = rig.state_of("coordinator_account", "account")
    assert (account.cash, account.capital) == (D(10000), D(14000))
    rig.move(command, "open", "", minutes(1))
    rig.instant(minutes(2), {"BTCUSDT": "49000"})  # coins put in are no gain: what they were worth moves the mark
    account = rig.state_of("coordinator_account", "account")
    assert (account.mark, account.opening, rig.alerts) == (D(15000), D(15000), ["adopted"])
    rig.give(verdict(minutes(3), "0"), minutes(3))
    rig.cross(minutes(4))
    assert rig.refusals == [("BTCUSDT", "already_open")]
    rig.leave(command, "47400", "stop", minutes(5))
    row = rig.cycles[0]
    assert (row.status, row.strategy, row.entry_price, row.quantity) == ("closed", "adopted", D(40000), D("0.1"))
    assert row.pnl == D(4740) - D("4.74") - D(4000)
    assert rig.cash == D(14000) + row.pnl


def test_an_adopted_cycle_stopped_with_a_loss_cools_nothing_down() -> None:
    rig = Rig(CoordinatorSettings(daily_loss=None))
    rig.give(adopt(1, price="50000"), minutes(1))
    rig.instant(minutes(1))
    rig.leave(rig.bodies(AdoptTradeCycle)[0], "47000", "stop", minutes(2))
    rig.cross(minutes(4))
    assert len(rig.entries) == 1


def test_an_adoption_that_is_refused_is_undone_and_tried_again() -> None:
    rig = Rig()
    rig.instant(minutes(0))
    before = rig.state_of("coordinator_account", "account")
    rig.give(adopt(1), minutes(1))
    rig.instant(minutes(1))
    command = rig.bodies(AdoptTradeCycle)[0]
    rig.give(CommandRefused(command.cycle_id, "BTCUSDT", "AdoptTradeCycle", "symbol_busy", minutes(1)), minutes(1))
    assert rig.state_of("coordinator_account", "account") == replace(before, adjustment_number=1)
    assert rig.coordinator.state()["open_cycles"] == {}
    rig.instant(minutes(2))
    again = rig.bodies(AdoptTradeCycle)[1]
    assert again == replace(command, at=minutes(2))
    rig.move(again, "open", "adopted", minutes(2))
    assert (rig.cycles[0].status, rig.cycles[0].exit_reason) == ("open", "")


def test_adoption_waits_for_its_symbol_to_be_free() -> None:
    rig = Rig()
    command = rig.enter(minutes(1))
    rig.give(adopt(1), minutes(2))
    rig.instant(minutes(2))
    assert rig.bodies(AdoptTradeCycle) == []
    rig.leave(command, "51000", "target", minutes(3))
    rig.instant(minutes(4))
    assert len(rig.bodies(AdoptTradeCycle)) == 1


@pytest.mark.parametrize("bad", [adopt(1, price=None), adopt(1, amount="0"), adopt(1, price="-3")])
def test_adopting_nothing_or_at_no_price_is_an_error(bad: AccountAdjusted) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Rig().give(bad, minutes(1))


def test_adopting_an_unknown_symbol_is_an_error() -> None:
    with pytest.raises(ValueError, match="no instrument for symbol 'XYZUSDT'"):
        Rig().give(adopt(1, "XYZUSDT"), minutes(1))
