"""Cycles from their events: sums, dust, profit, and the moves there are (trading-rules 2.6, 5.7, 6.4)."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from roottrading.domain.fill import Fill
from roottrading.domain.trade_cycle import MOVES, CycleStatus, Dust, IllegalMove, TradeCycle
from roottrading.messages.commands import CloseTradeCycle
from roottrading.messages.events import CommandRefused, OrderFilled, ProtectionRestored, TradeCycleMoved
from roottrading.messages.service import NOTHING
from roottrading.services.coordinator.cycles import UnknownCycle
from roottrading.services.coordinator.settings import CoordinatorSettings
from tests.unit.services.coordinator.rig import NO_LIMITS, D, Rig, instrument, minutes, verdict


def stake(amount: str = "1000") -> CoordinatorSettings:
    return replace(NO_LIMITS, stake=D(amount), capital=D(10_000))


def test_a_round_trip_by_hand() -> None:
    rig = Rig(stake())
    command = rig.enter(minutes(1), "50010", stop_distance=D(2000))
    assert command.quantity == D("0.02")
    # bought 0.02 for 1000.20, fee 0.00002 BTC (1.0002 USDT): 0.01998 net, all of it on the step
    row = rig.cycles[0]
    assert (row.status, row.entry_price, row.quantity, row.fees) == ("open", D(50010), D("0.02"), D("1.0002"))
    assert row.risk == D("40.20")  # 0.02 x (50010 - 48000)
    assert (row.exit_price, row.pnl) == (None, None)
    rig.leave(command, "51000", "target", minutes(9))
    # sold 0.01998 for 1018.98, fee 1.01898 USDT
    assert rig.cycles == [
        TradeCycle(
            command.cycle_id,
            "BTCUSDT",
            "closed",
            77,
            D("50010.00000000"),
            D("51000.00000000"),
            D("0.02"),
            D("2.01918"),
            D("17.76102"),  # 1018.98 - 1000.20 - 1.01898
            "target",
            minutes(1),
            minutes(9),
            "ema_cross",
            D("40.20"),
        )
    ]
    assert rig.cash == D(10_000) + D("17.76102")
    assert rig.coordinator.holdings()[1] == {}


def test_dust_is_left_and_lent_with_its_cost() -> None:
    item = instrument(step_size=D("0.001"), min_quantity=D("0.001"))
    rig = Rig(stake("500"), [item])
    first = rig.enter(minutes(1), "50000")
    assert first.quantity == D("0.010")
    # net 0.00999: 0.009 sold, 0.00099 left; its cost 500 x 0.00099 / 0.00999 = 49.54954954...
    rig.leave(first, "50000", "verdict", minutes(2))
    assert rig.state_of("dust_costs") == Dust(D("0.00099"), D("49.54954954"))
    # 450 - 0.45 - 500 + 49.54954954
    assert rig.cycles[0].pnl == D("-0.90045046")
    second = rig.enter(minutes(4), "40000", close="40000")
    assert second.quantity == D("0.012")
    assert "BTCUSDT" not in rig.coordinator.state()["dust_costs"]
    # net 0.011988 + 0.00099 lent = 0.012978: 0.012 sold, 0.000978 left
    rig.leave(second, "40000", "verdict", minutes(5))
    left = D("39.90595310")  # (480 + 49.54954954) x 0.000978 / 0.012978, rounded down
    assert rig.state_of("dust_costs") == Dust(D("0.000978"), left)
    # 480 - 0.48 - 480 - 49.54954954 + cost left
    assert rig.cycles[1].pnl == D("-0.48") - D("49.54954954") + left
    # cycles and dust sum to the cash
    pnl = sum((row.pnl for row in rig.cycles if row.pnl is not None), Decimal(0))
    assert rig.cash == D(10_000) + pnl - left


def test_a_fee_in_bnb_lowers_the_profit_but_not_the_cash() -> None:
    rig = Rig(stake())
    rig.cross(minutes(1))
    command = rig.entries[0]

    def fill(trade: int, side: str, price: str) -> None:
        worth = D(price)
        made = Fill(
            str(trade), "o", command.cycle_id, "BTCUSDT", "BUY" if side == "BUY" else "SELL", worth, D("0.02"),
            D("0.002"), "BNB", False, minutes(trade), D("0.00075"), D("0.75"), trade,
        )  # fmt: skip
        rig.give(OrderFilled(made), minutes(trade))

    fill(1, "BUY", "50000")
    rig.move(command, "open", "", minutes(1))
    assert rig.coordinator.holdings() == (D(9000), {"BTCUSDT": D("0.02")})
    fill(2, "SELL", "51000")
    rig.move(command, "closed", "target", minutes(2))
    assert rig.cash == D(10_020)
    assert rig.cycles[0].pnl == D("18.50")
    assert rig.cycles[0].fees == D("1.50")


def test_partial_fills_free_reservations_as_they_become_cash_spent() -> None:
    rig = Rig(stake())
    rig.cross(minutes(1))
    command = rig.entries[0]
    assert rig.state_of("open_cycles").reserved == D("0.02") * D(50150)
    rig.fill(command, "BUY", "50000", D("0.005"), minutes(1))
    assert rig.state_of("open_cycles").reserved == D("0.015") * D(50150)
    rig.order(command, "BUY", "EXPIRED", minutes(1))  # still opening: the trader may complete it
    assert rig.state_of("open_cycles").reserved == D("0.015") * D(50150)
    rig.move(command, "open", "", minutes(1))
    assert rig.state_of("open_cycles").reserved == 0


def test_a_resting_entry_keeps_its_reservation_until_its_order_ends() -> None:
    rig = Rig(replace(stake(), entry_style="resting"))
    rig.cross(minutes(1), entry_limit=D(49900))
    command = rig.entries[0]
    rig.order(command, "BUY", "NEW", minutes(1))
    rig.fill(command, "BUY", "49900", D("0.005"), minutes(1))
    rig.move(command, "open", "", minutes(1))
    assert rig.state_of("open_cycles").reserved == D("0.015") * D(50150)
    rig.order(command, "SELL", "NEW", minutes(1))
    rig.order(command, "BUY", "CANCELED", minutes(2))
    assert rig.state_of("open_cycles").reserved == 0


def test_a_rejected_maker_order_that_is_priced_again_keeps_the_reservation() -> None:
    rig = Rig(replace(stake(), entry_style="resting"))
    rig.cross(minutes(1), entry_limit=D(49900))
    command = rig.entries[0]
    rig.order(command, "BUY", "REJECTED", minutes(1))
    rig.order(command, "BUY", "NEW", minutes(1))
    rig.fill(command, "BUY", "49890", D("0.005"), minutes(1))
    rig.move(command, "open", "", minutes(1))
    assert rig.state_of("open_cycles").reserved == D("0.015") * D(50150)


def test_any_sell_verdict_closes_once() -> None:
    rig = Rig()
    command = rig.enter(minutes(1))
    rig.give(verdict(minutes(2), "-0.4"), minutes(2))
    assert rig.bodies(CloseTradeCycle) == []
    rig.give(verdict(minutes(3), "-0.5", complete=False), minutes(3))
    rig.give(verdict(minutes(4), "-1"), minutes(4))
    assert rig.bodies(CloseTradeCycle) == [CloseTradeCycle(command.cycle_id, "BTCUSDT", "verdict")]


@pytest.mark.parametrize("changes", [{"late": True}, {"close": None, "complete": False}])
def test_a_late_or_absent_candles_sell_closes_too(changes: dict[str, Any]) -> None:
    rig = Rig()
    rig.enter(minutes(1))
    rig.give(verdict(minutes(3), "-1", **changes), minutes(3))
    assert len(rig.bodies(CloseTradeCycle)) == 1


def test_a_sell_verdict_closes_a_cycle_that_is_still_opening() -> None:
    rig = Rig()
    rig.cross(minutes(1))
    rig.give(verdict(minutes(2), "-1"), minutes(2))
    assert rig.bodies(CloseTradeCycle)[0].expects == ("opening", "open")


def reach(rig: Rig, status: CycleStatus) -> None:
    """Bring the cycle to a status with a fill behind it."""
    rig.cross(minutes(1))
    command = rig.entries[0]
    rig.fill(command, "BUY", "50000", command.quantity, minutes(1))
    if status != "opening":
        rig.move(command, status, "", minutes(1))


@pytest.mark.parametrize("before", ["opening", "open", "closing", "manual"])
@pytest.mark.parametrize("after", ["opening", "open", "closing", "closed", "manual", "expired"])
def test_only_moves_of_the_state_machine_are_made(before: CycleStatus, after: CycleStatus) -> None:
    rig = Rig()
    reach(rig, before)
    command = rig.entries[0]
    moved = TradeCycleMoved(command.cycle_id, "BTCUSDT", after, "why", minutes(2))
    if after == before:
        assert rig.give(moved, minutes(2)) == NOTHING
    elif after in MOVES[before] and after != "expired":
        rig.give(moved, minutes(2))
        assert rig.cycles[0].status == ("manual" if before == "manual" else after)
    else:  # a cycle that bought cannot expire either
        with pytest.raises(IllegalMove, match=command.cycle_id):
            rig.give(moved, minutes(2))


def test_a_cycle_that_never_bought_cannot_be_closed() -> None:
    rig = Rig()
    rig.cross(minutes(1))
    with pytest.raises(IllegalMove, match="never bought"):
        rig.move(rig.entries[0], "closed", "stop", minutes(1))


def test_a_fill_of_no_open_cycle_stops_the_symbol() -> None:
    rig = Rig()
    command = rig.enter(minutes(1))
    rig.leave(command, "51000", "target", minutes(2))
    with pytest.raises(UnknownCycle, match=r"SELL 0.1 at 50000.*compare"):
        rig.fill(command, "SELL", "50000", D("0.1"), minutes(3))


def test_what_others_say_changes_nothing() -> None:
    rig = Rig()
    command = rig.enter(minutes(1))
    for body in (
        TradeCycleMoved("another", "BTCUSDT", "closed", "stop", minutes(2)),
        CommandRefused(command.cycle_id, "BTCUSDT", "MoveStop", "closing", minutes(2)),
        CommandRefused("another", "BTCUSDT", "OpenTradeCycle", "halted", minutes(2)),
        ProtectionRestored(command.cycle_id, "BTCUSDT", minutes(1), minutes(2), "closing"),
    ):  # fmt: skip
        assert rig.give(body, minutes(2)) == NOTHING
    assert rig.order(command, "SELL", "NEW", minutes(2)) == NOTHING


def test_closing_in_parts_keeps_the_row_current() -> None:
    rig = Rig(stake())
    command = rig.enter(minutes(1), "50000")
    rig.move(command, "closing", "verdict", minutes(2))
    rig.fill(command, "SELL", "50500", D("0.005"), minutes(2))
    row = rig.cycles[0]
    assert (row.status, row.exit_reason, row.fees, row.exit_price) == ("closing", "verdict", D("1.2525"), None)
    rig.leave(command, "50100", "", minutes(3))
    row = rig.cycles[0]
    assert (row.status, row.exit_reason) == ("closed", "verdict")
    # (0.005 x 50500 + 0.01498 x 50100) / 0.01998 = 50200.1001001...
    assert row.exit_price == D("50200.10010010")


def test_a_manual_cycle_blocks_its_symbol_until_it_is_sold_by_hand() -> None:
    rig = Rig(stake())
    command = rig.enter(minutes(1), "50000")
    rig.move(command, "manual", "stop cancelled by hand", minutes(2))
    rig.give(verdict(minutes(3), "-1"), minutes(3))
    assert rig.bodies(CloseTradeCycle) == []
    rig.cross(minutes(5))
    assert rig.refusals == [("BTCUSDT", "already_open")]
    rig.fill(command, "SELL", "51000", D("0.01"), minutes(6))
    assert (rig.cycles[0].status, rig.cycles[0].pnl) == ("manual", None)
    rig.fill(command, "SELL", "51000", D("0.00998"), minutes(7))
    assert (rig.cycles[0].status, rig.cycles[0].pnl) == ("manual", None)
    rig.move(command, "closed", "manual", minutes(7))
    # 0.01998 x 51000 = 1018.98, fees 0.51 + 0.50898
    assert (rig.cycles[0].status, rig.cycles[0].pnl) == ("manual", D("1018.98") - D("1.01898") - 1000)
    rig.cross(minutes(9))
    assert len(rig.entries) == 2


def test_base_sold_by_hand_ends_as_manual() -> None:
    rig = Rig(stake())
    command = rig.enter(minutes(1), "50000")
    rig.fill(command, "SELL", "51000", D("0.01998"), minutes(7))
    assert rig.cycles[0].pnl is None
    rig.move(command, "manual", "sold by hand", minutes(7))
    rig.move(command, "closed", "manual", minutes(7))
    assert (rig.cycles[0].status, rig.cycles[0].exit_reason) == ("manual", "manual")
    assert rig.cycles[0].pnl == D("17.96102")
    assert rig.coordinator.state()["open_cycles"] == {}


def test_a_small_remainder_bought_and_never_sold_becomes_dust() -> None:
    rig = Rig(replace(stake(), entry_style="resting"))
    rig.cross(minutes(1), entry_limit=D(49900))
    command = rig.entries[0]
    rig.fill(command, "BUY", "49900", D("0.00005"), minutes(1))
    rig.move(command, "closed", "too small to protect", minutes(2))
    # fee 5E-8: 0.00004995 left, at all it cost
    assert rig.state_of("dust_costs") == Dust(D("0.00004995"), D("2.49500000"))
    assert (rig.cycles[0].pnl, rig.cycles[0].exit_price) == (D(0), None)
