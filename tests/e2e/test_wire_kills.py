"""The bot is killed while the exchange goes on: its ledger and the account agree, and no order came twice."""

import csv
import json
import signal
import subprocess
import time
import urllib.request
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from tests.e2e.test_wire import COMMAND, exchange

SYMBOLS = ("LTCUSDT", "XRPUSDT")
RESTLESS = '''"""Buys and sells in turns of a minute: a trade is always under way when somebody is killed."""

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Strategy


class Restless(Strategy, frozen=True):
    """A minute in, a minute out."""

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Floats:
        turn = columns.open_time // 60_000_000 % 2
        conviction: Floats = np.where(turn == 0, 1.0, -1.0)
        return conviction
'''
RUN = ("--symbols", ",".join(SYMBOLS), "--timeframe", "1m", "--strategies", "restless", "--state", "state")
SETTINGS = (
    "--set",
    "aggregator.weighting=equal",
    "--set",
    "aggregator.quorum=0",
    "--set",
    "coordinator.abnormal.slippage=off",
)
KILLS = 4
PATIENCE = 120.0  # seconds for two more cycles, on a machine however busy


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_killed_again_and_again_it_agrees_with_the_exchange(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "restless.py").write_text(RESTLESS)
    dice = Random(5)
    served = ("--clock", "20x", "--symbols", ",".join(SYMBOLS), "--from", "2021-04-17T00:00:00Z")
    with exchange(tmp_path, *served) as (url, admin):
        command = (*COMMAND, "run", "--exchange", url, *RUN, *SETTINGS, "--output", "out")
        for _ in range(KILLS):
            with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as bot:
                time.sleep(dice.uniform(5.0, 9.0))
                assert bot.poll() is None
                bot.kill()
        with (
            (tmp_path / "said.txt").open("w") as out,
            subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True) as bot,
        ):
            until = time.monotonic() + PATIENCE
            while (tmp_path / "said.txt").read_text().count("closed by") < 2 and time.monotonic() < until:
                time.sleep(0.5)
            bot.send_signal(signal.SIGINT)
            _, said = bot.communicate(timeout=60)
            assert bot.returncode == 130, said
        account = asked(f"{admin}/accounts")["demo"]
        status = asked(f"{admin}/status")
    fills = rows(tmp_path / "out" / "fills.csv")
    orders = rows(tmp_path / "out" / "orders.csv")
    assert len({fill["cycle_id"] for fill in fills}) >= 2
    assert all(count == 1 for count in Counter(order["client_order_id"] for order in orders).values())
    held: dict[str, Decimal] = defaultdict(Decimal, {"USDT": Decimal(10_000)})
    for fill in fills:
        base, quantity = fill["symbol"].removesuffix("USDT"), Decimal(fill["quantity"])
        notional, sign = Decimal(fill["price"]) * quantity, 1 if fill["side"] == "BUY" else -1
        held[base] += sign * quantity
        held["USDT"] -= sign * notional
        held[fill["fee_asset"]] -= Decimal(fill["fee"])
    there = {asset: Decimal(amount["free"]) + Decimal(amount["locked"]) for asset, amount in account.items()}
    assert {asset: amount for asset, amount in there.items() if amount} == {a: n for a, n in held.items() if n}
    resting = sum(order["status"] in {"NEW", "PARTIALLY_FILLED"} for order in orders)
    assert sum(symbol["open_orders"] for symbol in status["symbols"].values()) == resting
