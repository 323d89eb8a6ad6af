"""Risk equity against the day's opening and the mark (trading-rules 2.8)."""

import pytest
from msgspec.structs import replace

from roottrading.domain.time import DAY, MINUTE, parse_time, start_of_day
from roottrading.messages.commands import CancelEntry
from roottrading.messages.exchange import InstrumentChanged
from roottrading.messages.service import AccountAdjusted, ControlChanged, Watch
from roottrading.services.coordinator.ledger import risk_equity
from roottrading.services.coordinator.limits import judge
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.state import Account
from tests.unit.services.coordinator.rig import D, Rig, instrument, minutes, verdict

MIDNIGHT = parse_time("2024-03-06")
STAKE = CoordinatorSettings(
    stake=D(5000), max_per_symbol=None, max_exposure=None, risk_per_cycle=None, volume_share=None
)


def held(settings: CoordinatorSettings = STAKE) -> Rig:
    """0.1 bought at 50000: cash 5000, 0.0999 BTC held (fee in base)."""
    rig = Rig(settings)
    rig.instant(minutes(0))
    rig.enter(minutes(2), "50000")
    return rig


def crossed(rig: Rig, at: int) -> list[tuple[str, str]]:
    before = len(rig.refusals)
    rig.cross(at, "ETHUSDT", "2000", atr=D(10), stop_distance=D(200))
    return rig.refusals[before:]


def test_equity_is_cash_and_own_base_at_the_closes() -> None:
    rig = held()
    cash, base = rig.coordinator.holdings()
    assert (cash, base) == (D(5000), {"BTCUSDT": D("0.0999")})
    assert risk_equity(cash, base, {"BTCUSDT": D(50000)}) == D(9995)


def test_a_daily_loss_stops_entries_until_midnight() -> None:
    rig = held()
    # 97 % of 10000: 5000 + 0.0999 x 47047.04... = 9700
    rig.instant(minutes(3), {"BTCUSDT": "47047.05"})
    assert rig.alerts == []
    rig.instant(minutes(4), {"BTCUSDT": "47047.04"})
    assert rig.alerts == ["daily_loss"]
    rig.instant(minutes(5), {"BTCUSDT": "50000"})  # recovering does not lift it
    assert crossed(rig, minutes(7)) == [("ETHUSDT", "daily_loss")]
    assert rig.alerts == ["daily_loss"]
    assert crossed(rig, MIDNIGHT) == []
    assert rig.coordinator.state()["coordinator_account"]["account"].opening == D(9995)


def test_the_day_is_opened_by_its_midnight_and_asks_for_the_next() -> None:
    rig = held()
    assert rig.deadlines == {"midnight": MIDNIGHT}
    rig.instant(MIDNIGHT, {"BTCUSDT": "60000"})
    account = rig.coordinator.state()["coordinator_account"]["account"]
    assert account.opening == D(5000) + D("0.0999") * 60000
    assert rig.deadlines == {"midnight": MIDNIGHT + 24 * 60 * MINUTE}


def test_a_drawdown_stops_entries_until_a_person_resumes() -> None:
    rig = held(replace(STAKE, daily_loss=None))
    rig.instant(minutes(3), {"BTCUSDT": "60000"})  # mark 10994: 85 % is 9344.90
    rig.instant(minutes(4), {"BTCUSDT": "43492.50"})  # 5000 + 4344.90...: 9344.90075
    assert rig.alerts == []
    rig.instant(minutes(5), {"BTCUSDT": "43492.49"})
    assert rig.alerts == ["drawdown"]
    assert crossed(rig, MIDNIGHT + 5 * MINUTE) == [("ETHUSDT", "drawdown")]
    rig.restart(MIDNIGHT + 6 * MINUTE)
    assert crossed(rig, MIDNIGHT + 8 * MINUTE) == [("ETHUSDT", "drawdown")]
    rig.give(ControlChanged(1, "resume", "trading", "", "", "ann", "checked"), MIDNIGHT + 9 * MINUTE)
    assert crossed(rig, MIDNIGHT + 11 * MINUTE) == []
    assert rig.coordinator.state()["coordinator_account"]["account"].mark == D(9995)


def test_a_peak_at_instants_that_were_not_given_counts() -> None:
    rig = held(replace(STAKE, daily_loss=None))
    rig.instant(minutes(9), {"BTCUSDT": "43492.49"}, highest=D(10994))
    assert rig.alerts == ["drawdown"]


def test_limits_that_are_off_are_not_judged() -> None:
    rig = held(replace(STAKE, daily_loss=None, max_drawdown=None))
    assert rig.instant(minutes(3), {"BTCUSDT": "1"}).rows == ()
    assert rig.deadlines == {}
    assert crossed(rig, minutes(5)) == []


def test_capital_moved_is_neither_loss_nor_gain() -> None:
    rig = held()
    rig.give(AccountAdjusted(1, "capital", "", D(-2000), None, minutes(3)), minutes(3))
    rig.instant(minutes(3))
    assert rig.alerts == []
    rig.give(AccountAdjusted(2, "capital", "", D(20000), None, minutes(4)), minutes(4))
    rig.instant(minutes(4))
    account = rig.coordinator.state()["coordinator_account"]["account"]
    assert (account.capital, account.opening, account.mark) == (D(28000), D(28000), D(28000))


def halted() -> Rig:
    """5000 in cash, and 0.0999 BTC worth 4995 in a market that is halted; the day began with 10000."""
    rig = held()
    rig.give(InstrumentChanged("BTCUSDT", "", minutes(3), "HALT"), minutes(3))
    rig.instant(minutes(3))
    return rig


def reopened(rig: Rig, at: int, close: str) -> None:
    rig.give(InstrumentChanged("BTCUSDT", "", at, "TRADING"), at)
    rig.instant(at, {"BTCUSDT": close})


def account_of(rig: Rig) -> Account:
    account: Account = rig.coordinator.state()["coordinator_account"]["account"]
    return account


def test_what_cannot_be_traded_counts_nothing_and_is_no_loss() -> None:
    rig = halted()
    assert rig.alerts == ["market_status"]
    assert (account_of(rig).opening, account_of(rig).mark) == (D(5005), D(5005))


def test_a_market_that_opens_where_it_was_is_neither_loss_nor_gain() -> None:
    rig = halted()
    reopened(rig, minutes(5), "50000")
    assert rig.alerts == ["market_status", "market_status"]
    account = account_of(rig)
    assert (account.opening, account.mark, account.set_aside) == (D(10000), D(10000), ())


@pytest.mark.parametrize(("close", "breaches"), [("47047.04", ["daily_loss"]), ("47047.05", [])])
def test_what_a_market_lost_in_its_halt_is_a_loss_when_it_opens(close: str, breaches: list[str]) -> None:
    rig = halted()
    reopened(rig, minutes(5), close)  # as in a market that was never halted
    assert rig.alerts == ["market_status", "market_status", *breaches]


def test_what_a_market_lost_in_its_halt_is_a_loss_of_the_day_on_which_it_opens() -> None:
    rig = halted()
    tomorrow = start_of_day(minutes(0)) + DAY
    rig.instant(tomorrow)
    assert account_of(rig).opening == D(5000)
    reopened(rig, tomorrow + MINUTE, "46998.5")  # 97 % of 5000 and 4995: 46998.498...
    assert rig.alerts == ["market_status", "market_status"]
    rig.instant(tomorrow + 2 * MINUTE, {"BTCUSDT": "46998.49"})
    assert rig.alerts == ["market_status", "market_status", "daily_loss"]


def test_what_can_be_traded_is_held_against_what_it_was_worth_alone() -> None:
    rig = halted()
    rig.enter(minutes(5), "2000", "ETHUSDT", "2000", stop_distance=D(500))  # 14.96 in cash is left, 2.49002748 held
    rig.instant(minutes(6), {"ETHUSDT": "1943.71"})
    assert rig.alerts == ["market_status"]
    rig.instant(minutes(7), {"ETHUSDT": "1943.70"})  # 97 % of 5005: 1943.709...
    assert rig.alerts == ["market_status", "daily_loss"]


def test_sizes_do_not_reckon_with_what_cannot_be_traded() -> None:
    rig = Rig(replace(STAKE, stake=None, max_per_symbol=D("0.2")), [instrument(), instrument("ETHUSDT")])
    rig.instant(minutes(0))
    rig.enter(minutes(2), "50000", atr=D(10))
    rig.give(InstrumentChanged("BTCUSDT", "", minutes(3), "HALT"), minutes(3))
    cash = rig.cash
    rig.cross(minutes(5), "ETHUSDT", "2000", atr=D(10))
    assert rig.entries[1].quantity == cash * D("0.2") // (D("2006") * D("0.00001")) * D("0.00001")


def test_what_is_set_aside_follows_what_is_held() -> None:
    rig = halted()
    command = rig.entries[0]
    rig.fill(command, "SELL", "50000", D("0.04"), minutes(4))  # before the halt, and heard of in it
    rig.instant(minutes(4))
    assert account_of(rig).opening == D(10000) - D("0.0599") * 50000
    assert rig.alerts == ["market_status"]


def test_what_is_halted_and_has_no_close_is_set_aside_at_its_cost() -> None:
    rig = Rig(STAKE, [instrument(), instrument("SOLUSDT")])
    rig.instant(minutes(0))
    rig.enter(minutes(2), "50000", "SOLUSDT")
    rig.give(InstrumentChanged("SOLUSDT", "", minutes(3), "HALT"), minutes(3))
    rig.instant(minutes(3))
    assert rig.alerts == ["market_status"]
    assert account_of(rig).mark == D(5000)


def test_a_symbol_without_a_close_counts_at_its_cost() -> None:
    rig = Rig(STAKE, [instrument(), instrument("SOLUSDT")])
    rig.instant(minutes(0))
    rig.enter(minutes(2), "50000", "SOLUSDT")
    rig.instant(minutes(3))  # no close of it: 5000 cash and 5000 paid
    rig.instant(minutes(4), {"SOLUSDT": "47047.05"})
    assert rig.alerts == []
    assert rig.coordinator.state()["coordinator_account"]["account"].mark == D(10000)


def test_a_breach_cancels_resting_entries() -> None:
    rig = Rig(replace(STAKE, entry_style="resting"), [instrument(), instrument("ETHUSDT")])
    rig.instant(minutes(0))
    rig.enter(minutes(2), "50000")
    rig.cross(minutes(4), "ETHUSDT", "2000", entry_limit=D(1990), atr=D(10))
    rig.instant(minutes(5), {"BTCUSDT": "30000"})
    assert rig.alerts == ["daily_loss", "drawdown"]
    assert rig.bodies(CancelEntry) == [CancelEntry(rig.entries[1].cycle_id, "ETHUSDT", "daily_loss")]


def test_dust_is_part_of_the_equity() -> None:
    rig = Rig(STAKE, [instrument(step_size=D("0.01"), min_quantity=D("0.01"))])
    rig.leave(rig.enter(minutes(2), "50000"), "50000", "target", minutes(3))
    # 0.1 less fee 0.0999: 0.09 sold for 4500 less 4.5, 0.0099 left at a close of 60000
    rig.instant(minutes(4), {"BTCUSDT": "60000"})
    assert rig.coordinator.holdings() == (D("9495.5"), {"BTCUSDT": D("0.0099")})
    assert rig.coordinator.state()["coordinator_account"]["account"].mark == D("9495.5") + 594


def test_a_loss_of_exactly_the_limit_is_a_breach() -> None:
    account = Account(D(10000), D(10000), D(10000), MIDNIGHT, D(10000))
    for equity, daily, drawdown in (("9700", True, False), ("9700.01", False, False), ("8500", True, True)):
        judged, breaches = judge(account, D(equity), MIDNIGHT + MINUTE, None, CoordinatorSettings())
        assert (judged.daily_breach, judged.drawdown_breach) == (daily, drawdown)
        assert [subject for subject, _ in breaches] == ["daily_loss"] * daily + ["drawdown"] * drawdown


@pytest.mark.parametrize(("daily", "drawdown"), [(D("0.03"), None), (None, D("0.15"))])
def test_equity_is_watched_at_the_next_breach(daily: object, drawdown: object) -> None:
    settings = replace(STAKE, daily_loss=daily, max_drawdown=drawdown)
    rig = held(settings)
    watches = {key: watch for key, watch in rig.watches.items() if watch.subject == "equity"}
    if daily:
        assert watches == {"daily_loss": Watch("daily_loss", "equity", D(9700))}
    else:
        assert watches == {"drawdown": Watch("drawdown", "equity", D(8500), fall=D("0.15"))}
    rig.instant(minutes(3), {"BTCUSDT": "100"})
    assert all(rig.watches[key] == Watch(key, "equity") for key in watches)  # withdrawn


def test_a_verdict_alone_judges_nothing() -> None:
    rig = held()
    rig.give(verdict(minutes(3), "0", close="100"), minutes(3))
    assert rig.alerts == []
