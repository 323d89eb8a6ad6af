"""Who may enter at T, and the reason of everyone who may not (trading-rules 2.7-2.10, 3.4-3.6)."""

from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from roottrading.domain.ids import CLIENT_ORDER_ID, client_order_id, cycle_id
from roottrading.domain.time import DAY, MINUTE, parse_time
from roottrading.messages.commands import OpenTradeCycle, ProtectionPlan
from roottrading.messages.events import CommandRefused, EntryRefused, PortfolioUpdated
from roottrading.messages.exchange import InstrumentChanged
from roottrading.messages.service import ControlChanged, TradingState
from roottrading.services.coordinator.crossing import candidate_of
from roottrading.services.coordinator.ranking import rank
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.state import Refusal
from tests.unit.services.coordinator.rig import DEPLOYMENT, D, Rig, instrument, minutes, verdict

NUMBER_OF_MANY = 6
MANY = tuple(instrument(f"C{number}USDT") for number in range(NUMBER_OF_MANY))


def test_the_command_carries_the_whole_plan() -> None:
    rig = Rig()
    changes: dict[str, Any] = {"stop_distance": D(2000), "target_distance": D(4000), "time_limit": 30, "tag": "dip"}
    rig.cross(minutes(5), timeframe="5m", **changes)
    cycle = cycle_id(DEPLOYMENT, f"BTCUSDT/{minutes(5)}")
    ids = [client_order_id(DEPLOYMENT, cycle, leg, 1) for leg in "estl"]
    assert all(CLIENT_ORDER_ID.match(each) for each in ids)
    assert rig.entries == [
        OpenTradeCycle(
            cycle,
            "BTCUSDT",
            f"BTCUSDT/{minutes(5)}",
            77,
            "ema_cross",
            "dip",
            minutes(5),
            D("0.02173"),
            D("50150.00"),
            ProtectionPlan(D("48000.00"), D("54000.00"), minutes(5) + 30 * 5 * MINUTE, *ids),
            minutes(6),
        )
    ]
    row = rig.cycles[0]
    assert (row.status, row.created_at, row.entry_price, row.quantity, row.fees, row.pnl) == (
        "opening", minutes(5), None, None, None, None
    )  # fmt: skip


def test_a_resting_entry_is_given_up_in_time() -> None:
    rig = Rig(CoordinatorSettings(entry_style="resting", entry_timeout=4))
    rig.cross(minutes(1), entry_limit=D("49900.5"))
    assert (rig.entries[0].entry_limit, rig.entries[0].entry_timeout_at) == (D("49900.50"), minutes(5))


def test_only_a_crossing_enters() -> None:
    rig = Rig()
    for minute, value in enumerate(["0.1", "0.499999", "0.5", "0.9", "1", "0.4", "-0.4"], 1):
        rig.give(verdict(minutes(minute), value), minutes(minute))
        rig.instant(minutes(minute))
    assert [entry.at for entry in rig.entries] == [minutes(3)]
    assert rig.refusals == []


def test_an_incomplete_verdict_neither_crosses_nor_counts() -> None:
    rig = Rig()
    rig.give(verdict(minutes(1), "0"), minutes(1))
    rig.give(verdict(minutes(2), "1", complete=False), minutes(2))
    rig.instant(minutes(2))
    assert rig.entries == []
    rig.give(verdict(minutes(3), "1"), minutes(3))  # the last complete one was below
    rig.instant(minutes(3))
    rig.give(verdict(minutes(4), "0", complete=False), minutes(4))
    rig.give(verdict(minutes(5), "1"), minutes(5))  # no new crossing: the incomplete one was none below
    rig.instant(minutes(5))
    assert [entry.at for entry in rig.entries] == [minutes(3)]
    assert rig.refusals == []


def test_the_first_instant_is_spent_but_a_restart_is_none() -> None:
    rig = Rig()
    rig.give(verdict(minutes(1), "1"), minutes(1))
    rig.instant(minutes(1))
    rig.give(verdict(minutes(2), "1"), minutes(2))
    rig.instant(minutes(2))
    assert rig.refusals == [("BTCUSDT", "first_instant")]
    rig.give(verdict(minutes(3), "0"), minutes(3))
    rig.restart(minutes(3))
    rig.give(verdict(minutes(4), "1"), minutes(4))
    rig.restart(minutes(4))  # between the verdict and InstantComplete
    rig.instant(minutes(4))
    assert [entry.at for entry in rig.entries] == [minutes(4)]


def test_a_verdict_that_comes_late_never_opens() -> None:
    rig = Rig()
    rig.give(verdict(minutes(1), "0"), minutes(1))
    rig.give(verdict(minutes(2), "1", late=True), minutes(3))
    rig.instant(minutes(3))
    assert rig.refusals == [("BTCUSDT", "late")]
    rig.give(verdict(minutes(4), "0"), minutes(4))
    rig.give(verdict(minutes(5), "1"), minutes(6))  # its InstantComplete is over already
    rig.instant(minutes(6))
    assert rig.refusals == [("BTCUSDT", "late")] * 2
    assert rig.entries == []


def test_a_verdict_marked_late_does_not_open_at_its_own_instant_either() -> None:
    rig = Rig()
    rig.give(verdict(minutes(1), "0"), minutes(1))
    rig.give(verdict(minutes(2), "1", late=True), minutes(2))
    rig.instant(minutes(2))
    assert (rig.refusals, rig.entries) == ([("BTCUSDT", "late")], [])


def test_a_verdict_ahead_of_its_instant_waits_for_it() -> None:
    rig = Rig()
    rig.give(verdict(minutes(1), "0"), minutes(1))
    rig.give(verdict(minutes(2), "1"), minutes(2))
    rig.instant(minutes(1))
    assert rig.entries == []
    rig.instant(minutes(2))
    assert [entry.at for entry in rig.entries] == [minutes(2)]


def test_a_crossing_while_a_cycle_is_open_is_spent() -> None:
    rig = Rig()
    command = rig.enter(minutes(1))
    rig.cross(minutes(3))
    assert rig.refusals == [("BTCUSDT", "already_open")]
    rig.leave(command, "51000", "target", minutes(4))
    rig.give(verdict(minutes(5), "1"), minutes(5))  # still above: no crossing
    rig.instant(minutes(5))
    assert len(rig.entries) == 1


def test_an_entry_needs_an_instant_after_the_end_of_the_cycle() -> None:
    rig = Rig()
    command = rig.enter(minutes(1))
    rig.give(verdict(minutes(2), "0"), minutes(2))
    rig.leave(command, "51000", "target", minutes(3))
    rig.give(verdict(minutes(3), "1"), minutes(3))
    rig.instant(minutes(3))
    assert rig.refusals == [("BTCUSDT", "already_open")]
    rig.cross(minutes(5))
    assert len(rig.entries) == 2


def stop_out(rig: Rig, at: int) -> None:
    """Enter at `at`, and be stopped with a loss a minute later."""
    command = rig.enter(at)
    rig.leave(command, "49475", "stop", at + MINUTE)


def test_cooldown_counts_candles_from_the_stops_fill() -> None:
    rig = Rig(CoordinatorSettings(daily_loss=None))
    stop_out(rig, minutes(1))  # filled at minute 2: minutes 3, 4 and 5 cool down
    rig.cross(minutes(5))
    assert rig.refusals == [("BTCUSDT", "cooldown")]
    rig.cross(minutes(7))
    assert len(rig.entries) == 2


@pytest.mark.parametrize(("price", "reason"), [("50200", "stop"), ("49475", "verdict"), ("49475", "time_limit")])
def test_no_cooldown_after_a_stop_in_profit_or_another_exit(price: str, reason: str) -> None:
    rig = Rig()
    rig.leave(rig.enter(minutes(1)), price, reason, minutes(2))
    rig.cross(minutes(4))
    assert len(rig.entries) == 2


def test_three_stops_in_a_row_put_the_symbol_off_until_midnight() -> None:
    rig = Rig(CoordinatorSettings(daily_loss=None, cooldown_candles=None))
    for minute in (1, 3, 5):
        stop_out(rig, minutes(minute))
    rig.cross(minutes(8))
    rig.cross(minutes(8), "ETHUSDT", "2000", atr=D(10))
    assert rig.refusals == [("BTCUSDT", "symbol_off")]
    assert [entry.symbol for entry in rig.entries[3:]] == ["ETHUSDT"]
    midnight = parse_time("2024-03-06")
    rig.cross(midnight - MINUTE)
    rig.cross(midnight)
    assert rig.refusals[1:] == [("BTCUSDT", "symbol_off")]
    assert rig.entries[-1].at == midnight
    rig.leave(rig.entered(), "49475", "stop", midnight + MINUTE)
    rig.cross(midnight + 4 * MINUTE)  # the row of stops began anew
    assert rig.entries[-1].at == midnight + 4 * MINUTE


def test_a_close_by_another_leg_breaks_the_row_of_stops_but_an_expired_entry_does_not() -> None:
    def run(between: str) -> list[tuple[str, str]]:
        rig = Rig(CoordinatorSettings(daily_loss=None, cooldown_candles=None))
        stop_out(rig, minutes(1))
        stop_out(rig, minutes(3))
        if between == "target":
            rig.leave(rig.enter(minutes(5)), "52000", "target", minutes(6))
        else:
            rig.cross(minutes(5))
            rig.move(rig.entries[-1], "expired", "not filled", minutes(5))
        stop_out(rig, minutes(7))
        rig.cross(minutes(10))
        return rig.refusals

    assert run("target") == []
    assert run("expired") == [("BTCUSDT", "symbol_off")]


def test_an_expired_entry_frees_its_reservation_without_cooldown() -> None:
    rig = Rig(CoordinatorSettings(max_per_symbol=None, max_exposure=None, risk_per_cycle=None, volume_share=None))
    rig.cross(minutes(1))
    assert rig.entries[0].quantity == D("0.19940")  # 10000 / 50150
    rig.cross(minutes(1), "ETHUSDT", "2000", atr=D(10))
    assert rig.refusals == [("ETHUSDT", "no_cash")]
    rig.move(rig.entries[0], "expired", "no fill", minutes(1))
    assert rig.cycles[0].status == "expired"
    assert (rig.cycles[0].quantity, rig.cycles[0].fees, rig.cycles[0].pnl) == (None, None, None)
    rig.cross(minutes(3))
    assert rig.entries[1].quantity == D("0.19940")


def test_an_entry_command_that_was_refused_expires() -> None:
    rig = Rig()
    rig.cross(minutes(1))
    command = rig.entries[0]
    rig.give(CommandRefused(command.cycle_id, "BTCUSDT", "OpenTradeCycle", "halted", minutes(1)), minutes(1))
    assert [row.status for row in rig.cycles] == ["opening"]  # its move follows
    rig.move(command, "expired", "halted", minutes(1))
    assert [(row.status, row.exit_reason) for row in rig.cycles] == [("expired", "halted")]
    rig.cross(minutes(3))
    assert len(rig.entries) == 2


def many(settings: CoordinatorSettings, strengths: list[str], volumes: list[str] | None = None) -> Rig:
    """Let as many symbols cross at minute 1; the verdicts arrive in reverse."""
    rig = Rig(settings, MANY)
    for number in range(len(strengths)):
        rig.give(verdict(minutes(0), "0", f"C{number}USDT"), minutes(0))
    for number, strength in reversed(list(enumerate(strengths))):
        volume = D(volumes[number]) if volumes else D(0)
        rig.give(verdict(minutes(1), strength, f"C{number}USDT", day_quote_volume=volume), minutes(1))
    rig.instant(minutes(1))
    return rig


def test_strength_then_volume_then_a_lot_decide_who_is_first() -> None:
    rig = many(CoordinatorSettings(), ["0.7", "0.9", "0.8", "0.9"], ["9", "1", "9", "2"])
    assert [entry.symbol for entry in rig.entries] == ["C3USDT", "C1USDT"]
    assert rig.refusals == [("C2USDT", "per_instant"), ("C0USDT", "per_instant")]
    rig = many(CoordinatorSettings(max_entries_per_instant=None, max_cycles=None), ["0.7"] * 4)
    lots = {f"C{number}USDT": crc32(f"{minutes(1)}/C{number}USDT".encode()) for number in range(4)}
    assert [entry.symbol for entry in rig.entries] == sorted(lots, key=lots.__getitem__)


@given(st.permutations(range(NUMBER_OF_MANY)), st.lists(st.sampled_from(["0.5", "0.9"]), min_size=6, max_size=6))
def test_rank_never_depends_on_arrival(order: list[int], strengths: list[str]) -> None:
    arrived = [candidate_of(verdict(minutes(1), strengths[number], f"C{number}USDT"), D(1), False) for number in order]
    assert rank(arrived) == rank(sorted(arrived, key=lambda each: each.symbol))


def test_the_limit_of_open_cycles() -> None:
    rig = many(CoordinatorSettings(max_cycles=2, max_entries_per_instant=5), ["0.9", "0.8", "0.7"])
    assert rig.refusals == [("C2USDT", "max_cycles")]


def test_refused_ones_leave_their_place_to_the_next_but_an_expired_one_does_not() -> None:
    rig = Rig(CoordinatorSettings(), MANY)
    for number in range(4):
        rig.give(verdict(minutes(0), "0", f"C{number}USDT"), minutes(0))
    strengths = ["0.9", "0.8", "0.7", "0.6"]
    for number, strength in enumerate(strengths):
        atr = None if number == 0 else D(250)
        rig.give(verdict(minutes(1), strength, f"C{number}USDT", atr=atr), minutes(1))
    rig.instant(minutes(1))
    assert rig.refusals == [("C0USDT", "no_stop"), ("C3USDT", "per_instant")]
    rig.move(rig.entries[0], "expired", "no fill", minutes(1))
    assert [entry.symbol for entry in rig.entries] == ["C1USDT", "C2USDT"]


def test_each_entry_sees_the_reservations_of_those_before_it() -> None:
    settings = CoordinatorSettings(max_exposure=D("0.3"), risk_per_cycle=None, volume_share=None)
    rig = many(settings, ["0.9", "0.8"])
    # first 2000 / 50150 -> 0.03988, second (3000 - 0.03988 x 50150) / 50150 -> 0.01994
    assert [entry.quantity for entry in rig.entries] == [D("0.03988"), D("0.01994")]


def test_sizing_refusals_come_with_their_numbers() -> None:
    rig = Rig(CoordinatorSettings(capital=D(20)))
    rig.cross(minutes(1))
    assert rig.refusals == [("BTCUSDT", "room")]  # 20 % of 20 buys 0.00007: 3.4 at the stop
    refused = rig.bodies(EntryRefused)[0]
    assert refused.numbers["quantity"] == "0.00007"
    assert refused.numbers["room_in_symbol"] == "4"
    kept = rig.rows["refusals", (f"BTCUSDT/{minutes(1)}",)]
    assert kept == Refusal(refused.verdict_id, "BTCUSDT", "room", refused.numbers, minutes(1))


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({"atr": None}, CoordinatorSettings(), "no_stop"),
        ({"stop_distance": D(60000)}, CoordinatorSettings(), "bad_stop"),
        ({"quote_volume": D(10)}, CoordinatorSettings(), "too_small"),
        ({}, CoordinatorSettings(capital=D(3), max_per_symbol=None, max_exposure=None, risk_per_cycle=None), "no_cash"),
    ],
)
def test_every_sizing_refusal_is_an_event(changes: dict[str, Any], settings: CoordinatorSettings, reason: str) -> None:
    rig = Rig(settings)
    rig.cross(minutes(1), **changes)
    assert rig.refusals == [("BTCUSDT", reason)]
    assert rig.entries == []


def control(action: Any, state: TradingState = "trading", symbol: str = "", number: int = 1) -> ControlChanged:
    return ControlChanged(number, action, state, symbol, "", "ann", "because")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (control("state", "reduce_only"), "reduce_only"),
        (control("state", "halted"), "halted"),
        (control("pause"), "paused"),
        (control("pause", symbol="BTCUSDT"), "paused"),
        (InstrumentChanged("BTCUSDT", "", 0, "HALT"), "market_closed"),
        (InstrumentChanged("BTCUSDT", "", 0, "DELISTING"), "market_closed"),
        (PortfolioUpdated(0, (), D(0), D(0), D(0), D(0), D(0), ("USDT is 5 short",)), "discrepancy"),
    ],
)
def test_gates_for_entries(given: Any, reason: str) -> None:
    rig = Rig()
    rig.give(given, minutes(0))
    rig.cross(minutes(1))
    assert rig.refusals == [("BTCUSDT", reason)]
    assert rig.entries == []


def test_a_paused_symbol_leaves_the_others_alone_and_resume_lifts_it() -> None:
    rig = Rig()
    rig.give(control("pause", symbol="BTCUSDT"), minutes(0))
    rig.cross(minutes(1), "ETHUSDT", "2000", atr=D(10))
    assert len(rig.entries) == 1
    rig.give(control("resume", symbol="BTCUSDT", number=2), minutes(1))
    rig.cross(minutes(3))
    assert len(rig.entries) == 2


def test_a_market_closed_from_the_start_takes_no_entry() -> None:
    rig = Rig(instruments=[instrument(status="BREAK")])
    rig.cross(minutes(1))
    assert rig.refusals == [("BTCUSDT", "market_closed")]
    rig.give(InstrumentChanged("BTCUSDT", "", 0, "TRADING"), minutes(2))
    rig.cross(minutes(3))
    assert len(rig.entries) == 1


def test_an_unknown_symbol_is_named() -> None:
    rig = Rig()
    with pytest.raises(ValueError, match="no instrument for symbol 'XYZUSDT': the coordinator was given BTCUSDT"):
        rig.cross(minutes(1), "XYZUSDT")


def test_a_verdict_above_without_an_entry_vote_is_an_error() -> None:
    rig = Rig()
    rig.give(verdict(minutes(1), "0"), minutes(1))
    with pytest.raises(ValueError, match="names no vote"):
        rig.give(replace(verdict(minutes(2)), entry=-1), minutes(2))


def test_days_do_not_shift_the_crossing_bit() -> None:
    rig = Rig()
    rig.give(verdict(minutes(1), "0"), minutes(1))
    rig.give(verdict(minutes(1) + 3 * DAY, "1"), minutes(1) + 3 * DAY)
    rig.instant(minutes(1) + 3 * DAY)
    assert len(rig.entries) == 1
