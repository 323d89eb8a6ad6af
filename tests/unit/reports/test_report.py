"""The report's figures of the small run, worked out by hand, and of runs in which nothing happened."""

import math
from typing import Any

import numpy as np
import pytest

from roottrading.domain.time import DAY, HOUR, MINUTE, parse_time
from roottrading.domain.trade_cycle import Dust, TradeCycle
from roottrading.messages.events import ProtectionRestored
from roottrading.messages.service import AccountAdjusted
from roottrading.reports import CheckLine, RunResult, build_report
from roottrading.reports.monthly import monthly_returns
from tests.unit.reports.runs import START, D, candles_of, fill_of, instrument, large_run, small_run


def but(run: RunResult, **changes: Any) -> RunResult:
    return RunResult(**{name: getattr(run, name) for name in run.__struct_fields__} | changes)


def idle_run(days: int = 40) -> RunResult:
    return RunResult(
        capital=D(1000),
        quote_asset="USDT",
        started_at=START,
        ended_at=START + days * DAY,
        tape="nothing traded",
        instruments={"BTCUSDT": instrument("BTCUSDT")},
        candles={"BTCUSDT": candles_of("BTCUSDT", "1h", [D(100 + hour % 7) for hour in range(24 * days)])},
    )


def test_figures_of_the_small_run() -> None:
    report = build_report(small_run())
    metrics = report.metrics
    assert (metrics.cycles, metrics.winners, metrics.losers, metrics.win_rate) == (1, 1, 0, 1.0)
    assert metrics.profit_factor is None
    assert (metrics.net_profit, metrics.expectancy) == (D("19.56022"), D("19.56022"))
    assert metrics.expectancy_r == pytest.approx(1.956022)
    assert metrics.fees == D("0.53178")
    assert metrics.turnover == pytest.approx((200 + 219.78 + 112) / 1000)
    assert metrics.average_duration == 120.0
    assert metrics.best_cycle == metrics.worst_cycle
    assert metrics.best_cycle is not None
    assert metrics.best_cycle.id == "c1"
    # 907.56022 + 0.999 x 111
    assert report.final_equity == D("1018.44922")
    assert metrics.total_return == pytest.approx(0.01844922)
    assert metrics.max_drawdown == pytest.approx(2.11 / 1019.56022)
    assert metrics.max_drawdown_from == parse_time("2024-01-01T00:01:00Z")
    assert metrics.max_drawdown_to == parse_time("2024-01-01T00:02:00Z")
    # a minute each of 199.8/999.8, 207.792/1007.792, 0 and 109.89/1017.45022, of which the last to the end
    shares = [199.8 / 999.8, 207.792 / 1007.792, 0.0, 109.89 / 1017.45022]
    assert metrics.exposure == pytest.approx(sum(shares) / 4)
    assert metrics.sharpe is None


def test_open_and_expired_cycles_are_listed_apart_and_counted_nowhere() -> None:
    report = build_report(small_run())
    (cycle,) = report.open_cycles
    assert (cycle.id, cycle.quantity, cycle.worth) == ("c2", D("0.999"), D("110.889"))
    assert cycle.profit == report.unrealized == D("-1.111")
    assert report.per_strategy["rsi"].cycles == 0
    assert report.per_strategy["rsi"].win_rate is None
    assert report.per_strategy["rsi"].total_return == pytest.approx(-1.111 / 1000)
    assert report.per_symbol["BTCUSDT"] == report.metrics


def test_a_closed_manual_cycle_is_counted() -> None:
    run = small_run()
    manual = TradeCycle("c1", "BTCUSDT", "manual", 1, D(100), D(90), D(2), D(0), D(-20), "sold by hand", START, START)
    metrics = build_report(but(run, cycles=[manual])).metrics
    assert (metrics.cycles, metrics.losers, metrics.profit_factor) == (1, 1, 0.0)


def test_buying_and_holding_pays_the_same_fees() -> None:
    hold = build_report(small_run()).buy_and_hold
    # 1000 less 0.1 % buys 9.99 at 100; sold at 111 less 0.1 %
    assert hold.final_equity == D("1107.78111")
    assert hold.total_return == pytest.approx(0.10778111)
    assert hold.symbols == 1


def test_holding_shares_the_capital_equally() -> None:
    run = idle_run()
    two = but(
        run,
        candles={
            "BTCUSDT": candles_of("BTCUSDT", "1h", [D(100), D(200)]),
            "ETHUSDT": candles_of("ETHUSDT", "1h", [D(10), D(5)], START + DAY),
            "ADAUSDT": candles_of("ADAUSDT", "1h", [D(1)], START - DAY),  # delisted before the span: none to buy
        },
    )
    hold = build_report(two).buy_and_hold
    # 499.5 buys 4.995 at 100, sold at 200, and 49.95 at 10, sold at 5
    assert hold.symbols == 2
    assert hold.final_equity == (D("4.995") * 200 + D("49.95") * 5) * D("0.999")


def test_the_fall_of_holding_is_seen_at_every_close_whatever_the_run_did() -> None:
    fallen = {"BTCUSDT": candles_of("BTCUSDT", "1h", [D(100), D(200), D(50), *[D(100)] * 45])}
    idle = but(idle_run(), candles=fallen)
    hold = build_report(idle).buy_and_hold
    # 9.99 at 100: 999, 1998, 499.5
    assert hold.max_drawdown == pytest.approx(0.75)
    assert (hold.max_drawdown_from, hold.max_drawdown_to) == (START + 2 * HOUR, START + 3 * HOUR)
    fills = [fill_of(1, "c", "BTCUSDT", "BUY", D(100), D(1), START + 5 * HOUR + MINUTE)]
    assert build_report(but(idle, fills=fills)).buy_and_hold == hold


def test_a_run_without_a_trade_has_a_report_without_nonsense() -> None:
    report = build_report(idle_run())
    metrics = report.metrics
    assert (metrics.cycles, metrics.net_profit, metrics.total_return, metrics.max_drawdown) == (0, D(0), 0.0, 0.0)
    assert (metrics.win_rate, metrics.sharpe, metrics.sortino, metrics.calmar) == (None, None, None, None)
    assert len(report.equity) == 41
    assert report.per_symbol == {}
    assert report.header.profit_gone_at_slippage is None
    assert report.buy_and_hold.sharpe is not None


def test_a_run_without_a_candle_has_a_report_too() -> None:
    run = but(idle_run(), candles={})
    report = build_report(run)
    assert report.final_equity == 1000
    assert report.buy_and_hold.total_return == 0.0


def test_header_says_what_the_rules_ask_for() -> None:
    spans = [
        ProtectionRestored("c", "BTCUSDT", START, START + 250_000, "unprotected"),
        ProtectionRestored("c", "BTCUSDT", START, START + 3_000_000, "unprotected"),
        ProtectionRestored("c", "BTCUSDT", START, START + MINUTE, "closing"),
    ]
    run = but(
        small_run(),
        spans=spans,
        dust={"BTCUSDT": Dust(D("0.0005"), D("0.05")), "ETHUSDT": Dust()},
        missing_candles={"BTCUSDT": 80, "ETHUSDT": 0},
        listings={"ETHUSDT": "listed 2024-01-01"},
        checks=[CheckLine("rsi", "BTCUSDT", 50, False, "looks ahead")],
        parameter_sets=3,
    )
    header = build_report(run).header
    assert list(header.refusals.items()) == [("cooldown", 2), ("room", 1)]
    assert (header.longest_unprotected_seconds, header.unprotected_spans) == (3.0, 2)
    assert (header.longest_closing_seconds, header.closing_spans) == (60.0, 1)
    assert header.missing_candles == {"BTCUSDT": 80}
    assert list(header.dust) == ["BTCUSDT"]
    assert header.dust["BTCUSDT"].worth == D("0.0555")
    assert header.profit_gone_at_slippage == pytest.approx(0.0005 + 19.56022 / 531.78)
    assert header.deflated_sharpe is None


def test_many_parameter_sets_deflate_the_sharpe_ratio() -> None:
    run = large_run(600, minutes=45 * 24 * 60)
    assert build_report(but(run, parameter_sets=10)).header.deflated_sharpe is None
    chance = build_report(but(run, parameter_sets=11)).header.deflated_sharpe
    assert chance is not None
    assert 0 <= chance <= 1


def test_capital_added_is_no_profit() -> None:
    run = but(idle_run(), adjustments=[AccountAdjusted(1, "capital", "", D(500), None, START + 5 * DAY + HOUR)])
    report = build_report(run)
    assert report.final_equity == 1500
    assert report.header.added_capital == 500
    assert report.metrics.total_return == 0.0
    assert report.metrics.max_drawdown == 0.0
    assert set(report.monthly_returns.values()) == {0.0}


def test_monthly_returns_compound_to_the_whole() -> None:
    run = large_run(400, minutes=100 * 24 * 60)
    report = build_report(run)
    assert list(report.monthly_returns) == ["2024-01", "2024-02", "2024-03", "2024-04"]
    whole = math.prod(1 + value for value in report.monthly_returns.values())
    assert whole == pytest.approx(float(report.final_equity) / 100_000)


def test_a_month_ends_at_the_next_ones_midnight() -> None:
    january, february = parse_time("2024-01-20"), parse_time("2024-02-01")
    times = np.array([january, february, february + DAY])
    returns = monthly_returns(times, np.array([100.0, 110.0, 99.0]), 100.0, (january, february + DAY))
    assert returns == {"2024-01": pytest.approx(0.1), "2024-02": pytest.approx(-0.1)}
    assert list(monthly_returns(times[:2], np.array([100.0, 110.0]), 100.0, (january, february))) == ["2024-01"]
    december = parse_time("2023-12-31")
    assert list(monthly_returns(times[:0], np.empty(0), 100.0, (december, january))) == ["2023-12", "2024-01"]


def test_groups_take_the_whole_apart() -> None:
    report = build_report(large_run(300, ("BTCUSDT", "ETHUSDT", "ADAUSDT"), minutes=9_000))
    for groups in (report.per_strategy, report.per_symbol):
        assert sum(group.cycles for group in groups.values()) == report.metrics.cycles
        assert sum((group.net_profit for group in groups.values()), D(0)) == report.metrics.net_profit
        assert sum(group.total_return for group in groups.values()) == pytest.approx(report.metrics.total_return)
        assert sum(group.turnover for group in groups.values()) == pytest.approx(report.metrics.turnover)
