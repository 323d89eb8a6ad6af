"""`roottrading control` reaches a run through its state folder."""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from roottrading.adapters.store.port import Commit
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.domain.time import HOUR, parse_time
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import AccountAdjusted, ControlChanged, Row
from roottrading.runtimes.controlling import REFUSED
from roottrading.runtimes.recording import ALERTS
from roottrading.services.coordinator import state as coordinator
from tests.e2e.conftest import Runner

AT = parse_time("2024-01-31T12:00:00Z")
CYCLE = coordinator.OpenCycle(
    id="cycle-1",
    symbol="BTCUSDT",
    status="open",
    at=AT,
    entry_signal_id=1,
    strategy="ema_cross",
    timeframe="5m",
    verdict_timeframe="5m",
    ordered=Decimal("0.5"),
    worst_price=Decimal(101),
    reserved=Decimal(0),
    resting=False,
    atr=None,
    initial_stop=Decimal(90),
    stop_price=Decimal("95.50"),
    target_price=None,
    highest_close=Decimal(100),
    trail_high=Decimal(100),
    held_target=False,
    updated_at=AT,
    bought=Decimal("0.5"),
    paid=Decimal("50.05"),
    base_fees=Decimal("0.0005"),
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(state: Path) -> Iterator[SqliteStore]:
    with SqliteStore.open(state, (*coordinator.TABLES, ALERTS), {"tape": "one"}) as opened:
        yield opened


def put_account(store: SqliteStore, **changes: object) -> None:
    account = replace(coordinator.Account(Decimal(10_000), Decimal("9949.95")), **changes)
    store.commit(Commit([Row(coordinator.ACCOUNT, (coordinator.ACCOUNT_KEY,), account)], position=(AT, "candles")))


def test_status_of_a_run_that_has_not_begun(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    printed = roottrading("control", "status", "--state", str(state))
    assert printed.code == 0
    lines = printed.out.splitlines()
    assert lines[0] == f"state     {state}"
    assert lines[1].startswith(f"process   {os.getpid()} on ")
    assert lines[2:] == ["reached   nothing yet", "cycles    0 open"]


def test_status_shows_what_a_person_must_know(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    put_account(store, state="reduce_only", drawdown_breach=True, paused=True)
    paused = coordinator.SymbolState("ETHUSDT", paused=True)
    rows = [Row(coordinator.OPEN_CYCLES, ("BTCUSDT",), CYCLE), Row(coordinator.SYMBOLS, ("ETHUSDT",), paused)]
    store.commit(Commit(rows))
    roottrading("control", "halt", "--state", str(state))
    lines = roottrading("control", "status", "--state", str(state)).out.splitlines()
    assert lines[2:] == [
        "reached   2024-01-31T12:00:00Z",
        "trading   reduce only (paused; drawdown reached: needs resume; paused symbols ETHUSDT)",
        "cash      9949.95 of 10000 capital",
        "cycles    1 open",
        "  BTCUSDT open since 2024-01-31T12:00:00Z by ema_cross: holds 0.4995, paid 50.05, stop 95.5, id cycle-1",
        "waiting   1 commands not taken yet",
    ]


def test_status_says_which_requests_were_refused_last(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    put_account(store)
    whys = ["a", "b", "c", "d"]
    alerts = [AlertRaised("warning", REFUSED, why, "", AT + HOUR * number) for number, why in enumerate(whys)]
    alerts.append(AlertRaised("critical", "discrepancy", "e", "", AT))
    store.commit(Commit([Row(ALERTS.name, ("person", number, 0), alert) for number, alert in enumerate(alerts)]))
    lines = roottrading("control", "status", "--state", str(state)).out.splitlines()
    assert [line for line in lines if line.startswith("refused")] == [
        "refused   at 2024-01-31T13:00:00Z: b",
        "refused   at 2024-01-31T14:00:00Z: c",
        "refused   at 2024-01-31T15:00:00Z: d",
    ]


def test_status_names_abnormal_trading(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    put_account(store, curbs=(coordinator.Curb("losses_in_a_row", AT + HOUR), coordinator.Curb("slippage")))
    (line,) = [
        line
        for line in roottrading("control", "status", "--state", str(state)).out.splitlines()
        if line.startswith("trading")
    ]
    assert line == (
        "trading   trading (abnormal, losses in a row: until 2024-01-31T13:00:00Z; abnormal, slippage: needs resume)"
    )


def test_status_of_a_run_that_ended(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    put_account(store)
    store.close()
    lines = roottrading("control", "status", "--state", str(state)).out.splitlines()
    assert lines[1] == "process   none runs"
    assert lines[3] == "trading   trading"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["pause"], ControlChanged(1, "pause", "trading", "", "", "anna", "news")),
        (["pause", "btcusdt"], ControlChanged(1, "pause", "trading", "BTCUSDT", "", "anna", "news")),
        (["reduce-only"], ControlChanged(1, "state", "reduce_only", "", "", "anna", "news")),
        (["halt"], ControlChanged(1, "state", "halted", "", "", "anna", "news")),
        (["resume"], ControlChanged(1, "resume", "trading", "", "", "anna", "news")),
        (["resume", "BTCUSDT"], ControlChanged(1, "resume", "trading", "BTCUSDT", "", "anna", "news")),
        (["exit", "cycle-1"], ControlChanged(1, "exit", "trading", "", "cycle-1", "anna", "news")),
        (["flatten"], ControlChanged(1, "flatten", "trading", "", "", "anna", "news")),
    ],
)
def test_a_command_reaches_the_running_process(
    roottrading: Runner, store: SqliteStore, state: Path, arguments: list[str], expected: ControlChanged
) -> None:
    store.commit(Commit([Row(coordinator.OPEN_CYCLES, ("BTCUSDT",), CYCLE)]))
    printed = roottrading("control", *arguments, "--state", str(state), "--who", "anna", "--why", "news")
    assert printed.out == f"command 1: process {os.getpid()} takes it at the next instant\n"
    assert store.poll_control(0) == (expected,)


def test_a_cycle_that_is_not_open_cannot_leave(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    printed = roottrading("control", "exit", "cycle-1", "--state", str(state))
    assert (printed.code, printed.err) == (2, f"error: no cycle 'cycle-1' is open in {state}: none is open\n")
    store.commit(Commit([Row(coordinator.OPEN_CYCLES, ("BTCUSDT",), CYCLE)]))
    printed = roottrading("control", "exit", "cycle-2", "--state", str(state))
    assert (printed.code, printed.err) == (2, f"error: no cycle 'cycle-2' is open in {state}: open are cycle-1\n")
    assert store.poll_control(0) == ()


def test_what_is_not_about_the_state_leaves_it_as_it_was(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    store.commit(Commit([Row(coordinator.OPEN_CYCLES, ("BTCUSDT",), CYCLE)]))
    for arguments in (["halt"], ["pause", "BTCUSDT"], ["exit", "cycle-1"], ["flatten"], ["resume", "BTCUSDT"]):
        roottrading("control", *arguments, "--state", str(state))
    states = [control.state for control in store.poll_control(0) if isinstance(control, ControlChanged)]
    assert states == ["halted"] * 5
    roottrading("control", "resume", "--state", str(state))
    (last,) = store.poll_control(5)
    assert isinstance(last, ControlChanged)
    assert last.state == "trading"


def test_a_command_waits_where_nothing_runs(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    store.close()
    printed = roottrading("control", "halt", "--state", str(state))
    assert printed.out == "command 1: nothing runs there: a run takes it at the next instant\n"


def test_the_folder_may_stand_in_the_settings(roottrading: Runner, store: SqliteStore, state: Path) -> None:
    Path("roottrading.toml").write_text(f'[run]\nstate = "{state}"\n')
    assert roottrading("control", "status").out.startswith(f"state     {state}\n")


def test_a_folder_is_needed_and_must_hold_a_state(roottrading: Runner) -> None:
    missing = roottrading("control", "halt")
    assert (missing.code, "name the state folder of the run" in missing.err) == (2, True)
    absent = roottrading("control", "halt", "--state", "absent")
    assert (absent.code, absent.err.startswith("error: there is no state in absent")) == (1, True)
    assert not Path("absent").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["capital", "add", "500.50"], AccountAdjusted(1, "capital", "", Decimal("500.50"), None, 0)),
        (["capital", "remove", "500"], AccountAdjusted(1, "capital", "", Decimal(-500), None, 0)),
        (
            ["adopt", "btcusdt", "0.5", "42000"],
            AccountAdjusted(1, "adopt", "BTCUSDT", Decimal("0.5"), Decimal(42000), 0),
        ),
    ],
)
def test_a_change_of_the_bots_share_reaches_the_running_process(
    roottrading: Runner, store: SqliteStore, state: Path, arguments: list[str], expected: AccountAdjusted
) -> None:
    assert roottrading(*arguments, "--state", str(state)).code == 0
    assert store.poll_control(0) == (expected,)


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "Infinity", "much"])
def test_an_amount_that_is_none_is_refused(roottrading: Runner, store: SqliteStore, state: Path, amount: str) -> None:
    printed = roottrading("capital", "add", "--state", str(state), "--", amount)
    assert (printed.code, printed.err) == (2, f"error: the amount is {amount}: give a number above 0\n")
    assert store.poll_control(0) == ()


@pytest.mark.parametrize("amount", ["0.123456789", "1e13"])
def test_an_amount_that_no_account_can_hold_is_refused(
    roottrading: Runner, store: SqliteStore, state: Path, amount: str
) -> None:
    printed = roottrading("adopt", "BTCUSDT", "1", amount, "--state", str(state))
    assert printed.code == 2
    assert printed.err.startswith(f"error: the price is {amount}: give at most 1000000000000, with at most 8 digits")
    assert store.poll_control(0) == ()
