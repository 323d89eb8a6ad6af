import os
from decimal import Decimal
from pathlib import Path

import pytest

from roottrading.adapters.store.control_inbox import post_control
from roottrading.adapters.store.inspection import inspect_folder
from roottrading.adapters.store.port import Commit, StoreError
from roottrading.messages.service import AccountAdjusted, ControlChanged, Table, TradingState
from tests.unit.adapters.store.test_sqlite import AMOUNTS, Amount, open_store, put


def command(state: TradingState = "trading", symbol: str = "") -> ControlChanged:
    return ControlChanged(0, "pause" if symbol else "state", state, symbol, "", "anna", "news")


def test_a_running_owner_its_place_and_its_records_are_seen_from_outside(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.commit(Commit([put("BTC", "1.50")], position=(7, "fills")))
        seen = inspect_folder(tmp_path, (AMOUNTS, Table("absent", ("asset",), Amount, "journal")))
        assert seen.owner is not None
        assert (seen.owner.pid, seen.running, seen.position) == (os.getpid(), True, (7, "fills"))
        assert seen.records == {"amounts": (Amount("BTC", Decimal("1.50")),), "absent": ()}
    assert not inspect_folder(tmp_path).running


def test_commands_wait_until_a_commit_has_taken_them(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        post_control(tmp_path, command("halted"))
        post_control(tmp_path, command("trading"))
        assert [control.number for control in inspect_folder(tmp_path).waiting] == [1, 2]
        store.commit(Commit(control=1))
        assert [control.number for control in inspect_folder(tmp_path).waiting] == [2]


def test_a_command_about_a_symbol_keeps_the_state_last_asked_for(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        post_control(tmp_path, command(symbol="BTCUSDT"), keep_state=True)
        post_control(tmp_path, command("reduce_only"))
        post_control(tmp_path, AccountAdjusted(0, "capital", "", Decimal(5), None, 0), keep_state=True)
        post_control(tmp_path, command(symbol="ETHUSDT"), keep_state=True)
        states = [control.state for control in store.poll_control(0) if isinstance(control, ControlChanged)]
        assert states == ["trading", "reduce_only", "reduce_only"]


def test_a_folder_without_state_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no state in"):
        inspect_folder(tmp_path)
    with pytest.raises(StoreError, match="there is no state in"):
        post_control(tmp_path, command())
    assert list(tmp_path.iterdir()) == []
