"""Stopped with positions open, away for an hour of the exchange's time, started again: books and account agree."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from roottrading.adapters.store.inspection import inspect_folder
from roottrading.domain.time import HOUR, SECOND
from roottrading.runtimes.assembly import ALL_TABLES
from tests.e2e.test_live import HIDDEN, PATIENCE, Bot, no_secret_in, started, stop_in_a_halt
from tests.e2e.test_wire import exchange
from tests.e2e.wire_account import Account, compare, read_books

WIDE: Final = "LTCUSDT"  # its stop is far: a fall of a tenth does not meet it
NEAR: Final = "XRPUSDT"
PATIENT: Final = '''"""Buys every four minutes where nothing is held, and never sells: only its stops do."""

import numpy as np

from roottrading.domain.columns import Columns
from roottrading.strategies.contract import Evaluation, Strategy


class Patient(Strategy, frozen=True):
    """Waits for its stop."""

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Evaluation:
        conviction = np.where(columns.open_time // 60_000_000 % 4 == 0, 0.0, 1.0)
        return Evaluation(conviction, stop_distance=columns.close * np.where(columns.close > 100, 0.4, 0.03))
'''
OPTIONS: Final = (
    *("--symbols", f"{WIDE},{NEAR}", "--strategies", "patient", "--state", "state", "--log", "log.jsonl"),
    *("--set", "aggregator.quorum=0", "--set", "coordinator.abnormal.slippage=off"),
    *("--set", "account.deployment=patient", "--confirm", "patient"),
)
PACE: Final = 90
BOUND: Final = 15 * SECOND + 2 * PACE * SECOND  # without a stop: as stated, and what a busy machine takes


def open_cycles(state: Path) -> dict[str, Any]:
    (table,) = (table for table in ALL_TABLES if table.name == "trade_cycles")
    cycles = inspect_folder(state, (table,)).records["trade_cycles"]
    return {cycle.symbol: cycle for cycle in cycles if cycle.status == "open"}


def resting(there: Account) -> set[str]:
    return {order["symbol"] for order in there.signed("GET", "openOrders")}


def until_both_are_held(bot: Bot, state: Path) -> None:
    bot.until("  equity ")  # its first rest: the state is there
    end = time.monotonic() + PATIENCE
    while set(open_cycles(state)) != {WIDE, NEAR}:
        assert bot.process.poll() is None, bot.said
        assert time.monotonic() < end, bot.said
        time.sleep(0.1)


def test_an_hour_away_with_positions_open(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "patient.py").write_text(PATIENT)
    (tmp_path / "hidden").write_text(HIDDEN)
    (tmp_path / "hidden").chmod(0o600)
    state = tmp_path / "state"
    served = ("--clock", f"{PACE}x", "--symbols", f"{WIDE},{NEAR}", "--from", "2021-04-18T02:10:00Z")
    money = ("--account", f"person:{HIDDEN}", "--balance", "USDT=10000", "--balance", "XRP=77")
    with exchange(tmp_path, *served, *money) as (url, admin):
        there = Account(url, admin, "person", HIDDEN)
        with started(tmp_path, url, *OPTIONS, name="before") as bot:
            until_both_are_held(bot, state)
            bot.stop()
        left_at = there.now()
        held = open_cycles(state)
        assert resting(there) == {WIDE, NEAR}
        end = time.monotonic() + 2 * PATIENCE
        while there.now() < left_at + HOUR or resting(there) != {WIDE}:  # the fall of 03:00 meets one stop
            assert time.monotonic() < end
            time.sleep(1)
        back_at = there.now()

        with started(tmp_path, url, *OPTIONS, name="after") as bot:
            until_both_are_held(bot, state)
            stop_in_a_halt(bot, there, WIDE, NEAR)
        found = compare(there, state, (WIDE, NEAR), {"XRP": Decimal(77)}, "none")
        assert found.problems == []
        assert all(until - since < BOUND for each in found.unprotected.values() for since, until in each)
        books = read_books(state)
        (stopped,) = [cycle for cycle in books.cycles if cycle.id == held[NEAR].id]
        assert (stopped.status, stopped.exit_reason) == ("closed", "stop")
        (sold,) = {
            fill.filled_at for fill in books.fills.values() if fill.cycle_id == stopped.id and fill.side == "SELL"
        }
        assert left_at < sold < back_at
        assert open_cycles(state)[WIDE].id == held[WIDE].id
    no_secret_in(tmp_path)
