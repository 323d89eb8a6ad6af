"""Sizing against numbers worked out by hand (trading-rules 2.1-2.4)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from roottrading.domain.fees import FeeSchedule
from roottrading.services.coordinator.crossing import candidate_of
from roottrading.services.coordinator.entering import room_for
from roottrading.services.coordinator.ledger import Valuation
from roottrading.services.coordinator.records import State
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.sizing import Prices, Refused, Room, prices, sellable_again, size
from roottrading.services.coordinator.state import Account, Candidate
from tests.unit.services.coordinator.rig import FEES, NO_LIMITS, NOON, D, instrument, verdict

SETTINGS = CoordinatorSettings()
ITEM = instrument()


def candidate(close: str = "50000", **changes: Any) -> Candidate:
    return candidate_of(verdict(NOON, close=close, **changes), D(close), False)


def sized(room: Room, settings: CoordinatorSettings = SETTINGS, **changes: Any) -> Decimal | Refused:
    entry = candidate(**changes)
    at = prices(entry, ITEM, settings)
    assert isinstance(at, Prices)
    return size(entry, at, ITEM, FEES, settings, room)


def room(equity: str = "10000", symbol: str = "2000", total: str = "8000", cash: str = "10000") -> Room:
    return Room(D(equity), D(symbol), D(total), D(cash))


def test_what_a_symbol_holds_already_counts_against_its_room_and_that_of_all() -> None:
    state = State(Account(D(1000), D(900)))  # dust of both symbols, 30 and 70 worth
    worth = Valuation(D(1000), D(100), {"BTCUSDT": D(30), "ETHUSDT": D(70)})
    assert room_for(state, "BTCUSDT", worth, SETTINGS) == Room(D(1000), D(170), D(700), D(900))
    assert room_for(state, "ETHUSDT", worth, SETTINGS) == Room(D(1000), D(130), D(700), D(900))


def test_prices_are_fixed_from_the_close() -> None:
    entry = candidate("50000.03", stop_distance=D("499.995"), target_distance=D("1000.004"))
    # stop floor(49500.035), target ceil(51000.034), worst floor(50000.03 x 1.003 = 50150.03009)
    assert prices(entry, ITEM, SETTINGS) == Prices(D("50150.03"), D("49500.03"), D("51000.04"), None)


@pytest.mark.parametrize(
    ("changes", "settings", "stop"),
    [
        ({"stop_distance": D(100)}, replace(SETTINGS, stop_distance={"ema_cross": D("0.02")}), "49900"),
        ({}, replace(SETTINGS, stop_distance={"ema_cross": D("0.02")}), "49000"),
        ({}, replace(SETTINGS, stop_distance={"another": D("0.02")}), "49500"),  # 2 x ATR 250
        ({}, replace(SETTINGS, stop_atr=D(3)), "49250"),
    ],
)
def test_the_stop_is_the_signals_else_the_strategys_else_in_atr(
    changes: dict[str, Any], settings: CoordinatorSettings, stop: str
) -> None:
    found = prices(candidate(**changes), ITEM, settings)
    assert isinstance(found, Prices)
    assert found.stop == D(stop)


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({"atr": None}, SETTINGS, "no_stop"),
        ({}, replace(SETTINGS, stop_atr=None), "no_stop"),
        ({"stop_distance": D(50000)}, SETTINGS, "bad_stop"),
        ({"stop_distance": D(70000)}, SETTINGS, "bad_stop"),
        ({"stop_distance": D("49999.995")}, SETTINGS, "bad_stop"),  # floors to 0
        ({"stop_distance": D(0)}, SETTINGS, "bad_stop"),
        ({"entry_limit": D(49000), "stop_distance": D(900)}, replace(SETTINGS, entry_style="resting"), "bad_stop"),
    ],
)
def test_no_entry_without_a_stop_below_it(changes: dict[str, Any], settings: CoordinatorSettings, reason: str) -> None:
    refused = prices(candidate(**changes), ITEM, settings)
    assert isinstance(refused, Refused)
    assert refused.reason == reason


def test_an_entry_limit_rests_only_where_that_is_the_style() -> None:
    entry = candidate(entry_limit=D("49900.019"))
    resting = prices(entry, ITEM, replace(SETTINGS, entry_style="resting"))
    taker = prices(entry, ITEM, SETTINGS)
    assert isinstance(resting, Prices)
    assert isinstance(taker, Prices)
    assert (resting.limit, taker.limit) == (D("49900.01"), None)


def test_risk_decides_where_the_stop_is_far() -> None:
    # worst 50150, stop 48000: 2150 + 50150 x 2 x 0.0015 = 2300.45 lost a unit; 50 / 2300.45 = 0.021734...
    assert sized(room(), stop_distance=D(2000)) == D("0.02173")


def test_each_limit_decides_in_its_turn() -> None:
    wide: dict[str, Any] = {"stop_distance": D(2000)}
    assert sized(room(symbol="1000"), **wide) == D("0.01994")  # 1000 / 50150 = 0.019940...
    assert sized(room(total="900"), **wide) == D("0.01794")  # 900 / 50150 = 0.017946...
    assert sized(room(cash="800"), **wide) == D("0.01595")  # 800 / 50150 = 0.015952...
    assert sized(room(), quote_volume=D(14_000), **wide) == D("0.014")  # 5 % of 14000 at the close 50000
    assert sized(room(), replace(SETTINGS, stake=D(600)), **wide) == D("0.012")  # at the close 50000


def test_size_factor_multiplies_every_amount_but_cash_and_room() -> None:
    half: dict[str, Any] = {"size_factor": D("0.5"), "stop_distance": D(2000)}
    assert sized(room(), **half) == D("0.01086")  # 25 / 2300.45 = 0.010867...
    assert sized(room(), replace(SETTINGS, stake=D(600)), **half) == D("0.006")
    assert sized(room(), quote_volume=D(14_000), **half) == D("0.007")
    assert sized(room(symbol="500"), **half) == D("0.00997")  # 500 / 50150 = 0.009970...: not halved
    assert sized(room(cash="400"), **half) == D("0.00797")  # 400 / 50150 = 0.007976...: not halved


def test_with_every_limit_off_the_stake_alone_decides() -> None:
    assert sized(Room(None, None, None, D(1_000_000)), NO_LIMITS) == D("0.02")


@pytest.mark.parametrize(
    ("given", "changes", "reason"),
    [
        (room(cash="4"), {}, "no_cash"),
        (room(cash="-10"), {}, "no_cash"),
        (room(symbol="4"), {}, "room"),
        (room(total="-1"), {}, "room"),
        (room(), {"quote_volume": D(90)}, "too_small"),
        (room(), {"quote_volume": D(0)}, "too_small"),
        (room(equity="10", symbol="5000", total="5000"), {}, "too_small"),
    ],
)
def test_a_refusal_names_the_limit_that_binds(given: Room, changes: dict[str, Any], reason: str) -> None:
    refused = sized(given, **changes)
    assert isinstance(refused, Refused)
    assert refused.reason == reason
    assert refused.numbers["worst_price"] == "50150"


def test_what_is_bought_can_be_sold_at_its_stop() -> None:
    item = instrument(step_size=D("0.0001"), min_quantity=D("0.0001"), min_notional=D(10))
    # 0.0003 - fee floors to 0.0002: 0.0002 x 50000 x 0.95 = 9.5 < 10; 0.0004 leaves 0.0003: 14.25
    assert not sellable_again(D("0.0003"), D(50000), item, FEES)
    assert sellable_again(D("0.0004"), D(50000), item, FEES)
    # one step short of both lot filters
    assert not sellable_again(D("0.0004"), D(50000), replace(item, min_quantity=D("0.0004")), FEES)
    assert not sellable_again(D("0.0004"), D(50000), replace(item, market_min_quantity=D("0.0004")), FEES)
    # whole market lots only: of 0.0014 (less fee 0.0013) one of 0.001 can be sold
    coarse = replace(item, market_step_size=D("0.001"), min_notional=D("47.5"))
    assert sellable_again(D("0.0014"), D(50000), coarse, FEES)
    assert not sellable_again(D("0.0014"), D(50000), replace(coarse, min_notional=D("47.6")), FEES)


def test_no_more_than_one_order_may_hold() -> None:
    bound = replace(ITEM, market_max_quantity=D("0.01"))
    entry = candidate(stop_distance=D(2000))
    at = prices(entry, bound, SETTINGS)
    assert isinstance(at, Prices)
    assert size(entry, at, bound, FEES, SETTINGS, room()) == D("0.01")
    unbound = replace(ITEM, max_quantity=D(0))
    assert size(entry, at, unbound, FEES, SETTINGS, room()) == D("0.02173")


money = st.decimals("0.01", "1000000", places=2)


@given(
    equity=money, symbol=money, total=money, cash=money, volume=money,
    close=st.decimals("0.05", "60000", places=2), distance=st.decimals("0.001", "0.5", places=3),
    taker=st.sampled_from([D(0), D("0.001"), D("0.0075")]),
)  # fmt: skip
def test_a_size_keeps_every_limit_and_is_the_largest_that_does(
    equity: Decimal, symbol: Decimal, total: Decimal, cash: Decimal, volume: Decimal, close: Decimal,
    distance: Decimal, taker: Decimal,
) -> None:  # fmt: skip
    entry = candidate(str(close), stop_distance=close * distance, quote_volume=volume)
    at = prices(entry, ITEM, SETTINGS)
    if isinstance(at, Refused):
        return
    fees = FeeSchedule(taker=taker)
    quantity = size(entry, at, ITEM, fees, SETTINGS, Room(equity, symbol, total, cash))
    if isinstance(quantity, Refused):
        return

    def keeps(amount: Decimal) -> bool:
        loss = amount * (at.worst - at.stop) + amount * at.worst * 2 * (taker + D("0.0005"))
        return (
            loss <= equity * D("0.005")
            and amount * at.worst <= min(symbol, total, cash)
            and amount * close <= volume * D("0.05")
            and amount <= ITEM.max_quantity
        )

    assert quantity % ITEM.step_size == 0
    assert keeps(quantity)
    assert not keeps(quantity + ITEM.step_size)
    assert sellable_again(quantity, at.stop, ITEM, fees)
