"""From fills.csv and the closes alone every balance, fee, profit and equity comes out again, to the last digit."""

import csv
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roottrading.domain.columns import UNITS
from roottrading.reports import RunResult, build_report, write_outputs
from tests.unit.reports.runs import large_run

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Rows = list[dict[str, str]]


def rows_of(folder: Path, name: str) -> Rows:
    with (folder / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


@pytest.fixture(scope="module")
def run() -> RunResult:
    return large_run(300, ("BTCUSDT", "ETHUSDT", "ADAUSDT"), minutes=9_000)


@pytest.fixture(scope="module")
def folder(run: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target: Path = tmp_path_factory.mktemp("outputs")
    write_outputs(run, build_report(run), target)
    return target


@pytest.fixture(scope="module")
def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text(), parse_float=Fraction, parse_int=Fraction)


def test_equity_comes_out_again(run: RunResult, folder: Path) -> None:
    fills = sorted(rows_of(folder, "fills"), key=lambda row: row["filled_at"])
    cash, base, done = Fraction(run.capital), defaultdict[str, Fraction](Fraction), 0
    for row in rows_of(folder, "equity"):
        now = micros(row["timestamp"])
        while done < len(fills) and micros(fills[done]["filled_at"]) <= now:
            fill = fills[done]
            sign = 1 if fill["side"] == "BUY" else -1
            base[fill["symbol"]] += sign * Fraction(fill["quantity"])
            cash -= sign * Fraction(fill["price"]) * Fraction(fill["quantity"])
            if fill["fee_asset"] == "USDT":
                cash -= Fraction(fill["fee"])
            else:
                base[fill["symbol"]] -= Fraction(fill["fee"])
            done += 1
        worth = sum((amount * close_at(run, symbol, now) for symbol, amount in base.items()), Fraction(0))
        assert (Fraction(row["cash"]), Fraction(row["exposure"])) == (cash, worth)
        assert Fraction(row["equity"]) == cash + worth
    assert done == len(fills)


def close_at(run: RunResult, symbol: str, now: int) -> Fraction:
    candles = run.candles[symbol]
    last = int(np.searchsorted(candles.at, now, side="right")) - 1
    return Fraction(int(candles.close[last]), UNITS) if last >= 0 else Fraction(0)


def test_cycles_and_dust_sum_to_the_cash(run: RunResult, folder: Path, report: Any) -> None:
    pnl = sum(Fraction(row["pnl"]) for row in rows_of(folder, "cycles"))
    dust = sum(line["cost"] for line in report["header"]["dust"].values())
    assert Fraction(rows_of(folder, "equity")[-1]["cash"]) == Fraction(run.capital) + pnl - dust
    assert report["metrics"]["net_profit"] == pnl


def test_every_total_comes_out_again(folder: Path, report: Any) -> None:
    cycles, fills, equity = (rows_of(folder, name) for name in ("cycles", "fills", "equity"))
    metrics = report["metrics"]
    pnls = [Fraction(row["pnl"]) for row in cycles]
    assert metrics["cycles"] == len(cycles)
    assert metrics["fees"] == sum(Fraction(row["fee_in_quote"]) for row in fills)
    assert near(metrics["win_rate"], Fraction(sum(pnl > 0 for pnl in pnls), len(pnls)))
    gained, lost = sum(pnl for pnl in pnls if pnl > 0), -sum(pnl for pnl in pnls if pnl < 0)
    assert near(metrics["profit_factor"], Fraction(gained) / Fraction(lost))
    assert metrics["best_cycle"]["pnl"] == max(pnls)
    assert metrics["worst_cycle"]["pnl"] == min(pnls)
    peak = depth = Fraction(0)
    for row in equity:
        peak = max(peak, Fraction(row["equity"]))
        depth = max(depth, (peak - Fraction(row["equity"])) / peak)
    assert near(metrics["max_drawdown"], depth)
    for groups in (report["per_symbol"], report["per_strategy"]):
        for name in ("cycles", "net_profit", "fees"):
            assert sum(group[name] for group in groups.values()) == metrics[name]
    multiples = [Fraction(row["pnl"]) / Fraction(row["risk"]) for row in cycles]
    assert near(metrics["expectancy_r"], sum(multiples, Fraction(0)) / len(multiples))


def near(given: Fraction, exact: Fraction) -> bool:
    return abs(given - exact) <= abs(exact) * Fraction(1, 10**12)


def test_no_decimal_is_ever_in_exponent_form(folder: Path) -> None:
    for name in ("cycles", "orders", "fills", "equity"):
        for row in rows_of(folder, name):
            for column, text in row.items():
                if column in ("price", "quantity", "fee", "pnl", "equity", "cash", "exposure", "drawdown") and text:
                    assert set(text) <= set("-0123456789."), (name, column, text)
                    assert Decimal(text).is_finite()
