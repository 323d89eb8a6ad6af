"""The printed report fits its reader's screen and says what the report holds."""

from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console

from roottrading.reports import CheckLine, Report, RunResult, build_report, print_report
from roottrading.reports.wording import lasting
from tests.unit.reports.runs import D, large_run, small_run
from tests.unit.reports.test_report import idle_run


def printed(report: Report, width: int) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    print_report(report, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 118, 160])
def test_it_fits_the_screen_without_cutting_a_figure(width: int) -> None:
    text = printed(build_report(large_run(5_000, ("BTCUSDT", "ETHUSDT"), minutes=60_000)), width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 40
    assert "…" not in text
    for name in ("5000", "ema_cross", "donchian", "ETHUSDT", "already_open 230", "Max drawdown", "buy and hold"):
        assert name in text


@pytest.mark.parametrize("name", ["bollinger_reversion", "a_name_of_my_own_that_is_far_too_long_for_any_table"])
def test_long_names_cut_no_figure(name: str) -> None:
    run = large_run(200)
    cycles = [replace(cycle, strategy=name, pnl=(cycle.pnl or D(0)) * 100) for cycle in run.cycles]
    report = build_report(replace(run, cycles=cycles))
    text = printed(report, 80)
    figures = report.per_strategy[name]
    heads, row = text.split("Strategy", 1)[1].splitlines()[:2]
    assert heads.split() == ["Cycles", "Win", "rate", "Factor", "R", "Net", "profit", "Drawdown", "Sharpe"]
    assert len(f"{figures.net_profit:+,.2f}") == 10
    assert row.split()[1:5] == ["200", "42.50", "%", f"{figures.profit_factor:.2f}"]
    assert f" {figures.net_profit:+,.2f} " in row
    assert (name in row) == (len(name) < 20)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_it_says_what_the_small_run_earned() -> None:
    text = printed(build_report(small_run()), 120)
    assert "1,000.00 → 1,018.45 USDT" in text
    assert "+1.84 %" in text
    assert "buy and hold +10.78 %" in text
    assert "+19.56" in text
    assert "+1.96 R" in text
    assert "0.21 %" in text
    assert "slippage 5 bp, fees 0.10 % maker, 0.10 % taker" in text
    assert "never without a resting stop" in text


def test_nothing_traded_still_reads_well() -> None:
    text = printed(build_report(idle_run()), 80)
    assert "1,000.00 → 1,000.00 USDT" in text
    assert "nan" not in text.lower()


def test_failed_checks_and_notes_are_shown() -> None:
    run = small_run()
    fields = {name: getattr(run, name) for name in run.__struct_fields__}
    checks = [
        CheckLine("rsi", "BTCUSDT", 50, False, "looks ahead at 2024-01-01"),
        CheckLine("macd", "BTCUSDT", 50, True),
    ]
    text = printed(build_report(RunResult(**fields | {"checks": checks, "notes": ["3 candles skipped"]})), 100)
    assert "rsi on BTCUSDT: looks ahead at 2024-01-01" in text
    assert "no look-ahead" not in text
    assert "3 candles skipped" in text


@pytest.mark.parametrize(("count", "hidden"), [(13, 0), (14, 2), (20, 8)])
def test_many_groups_are_cut_to_the_best_and_the_worst(count: int, hidden: int) -> None:
    report = build_report(large_run(600, tuple(f"A{number:02}USDT" for number in range(count)), minutes=1_000))
    assert len(report.per_symbol) == count
    lines = printed(report, 100).splitlines()
    shown = [line.split()[0] for line in lines if line.startswith("A") and "USDT " in line]
    ranked = sorted(report.per_symbol, key=lambda symbol: -report.per_symbol[symbol].net_profit)
    assert shown == ([*ranked[:6], *ranked[-6:]] if hidden else ranked)
    cut = [line.split() for line in lines if line.split()[1:2] == ["more"]]
    between = [report.per_symbol[symbol] for symbol in ranked[6:-6]] if hidden else []
    profit = sum(figures.net_profit for figures in between)
    expected = [[str(hidden), "more", str(sum(figures.cycles for figures in between)), f"{profit:+,.2f}"]]
    assert cut == (expected if hidden else [])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0 s"), (2.5, "2.5 s"), (90, "2 min"), (7_500, "2 h 05 min"), (2e6, "23 d 3 h")],
)
def test_spans_of_time_are_in_units_that_matter(seconds: float | None, text: str) -> None:
    assert lasting(seconds) == text
