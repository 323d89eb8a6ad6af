"""Equity rows against a naive recomputation, for any trading and any candles with gaps."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.columns import UNITS, Candles
from roottrading.domain.fill import Fill
from roottrading.domain.time import DAY, MINUTE, Time
from roottrading.messages.service import AccountAdjusted
from roottrading.reports import RunResult
from roottrading.reports.equity import equity_rows, row_times
from roottrading.reports.flows import flows_of
from tests.unit.reports.runs import START, D, fill_of, instrument

SYMBOLS = ("ADAUSDT", "BTCUSDT")
FROM = START + DAY - 40 * MINUTE

executions = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 99_999_999),  # price in units of 1e-4
        st.integers(1, 99_999_999),  # quantity in units of 1e-6
        st.integers(0, 80),  # minutes from the start
    ),
    max_size=25,
)
closes = st.dictionaries(st.integers(0, 80), st.integers(1, 10**15), min_size=1, max_size=30)


def candles(symbol: str, prices: dict[int, int]) -> Candles:
    rows = sorted(prices.items())
    units = np.array([close for _, close in rows], dtype=np.int64)
    times = np.array([FROM + minute * MINUTE for minute, _ in rows], dtype=np.int64)
    return Candles(symbol, "1m", times, units, units, units, units, np.full(len(rows), UNITS, dtype=np.int64))


@settings(deadline=None, max_examples=150)
@given(executions, closes, closes, st.integers(-500, 500))
def test_rows_equal_a_naive_recomputation(
    trades: list[tuple[str, str, int, int, int]],
    ada: dict[int, int],
    btc: dict[int, int],
    added: int,
) -> None:
    fills = [
        fill_of(number, "c", symbol, side, D(price).scaleb(-4), D(quantity).scaleb(-6), FROM + minute * MINUTE)
        for number, (symbol, side, price, quantity, minute) in enumerate(trades)
    ]
    adjustments = [
        AccountAdjusted(1, "capital", "", D(added), None, FROM + 7 * MINUTE),
        AccountAdjusted(2, "adopt", "ADAUSDT", D("1.5"), D(3), FROM + 9 * MINUTE),
    ]
    run = RunResult(
        capital=D(10**6),
        quote_asset="USDT",
        started_at=FROM,
        ended_at=FROM + 80 * MINUTE,
        tape="",
        instruments={symbol: instrument(symbol) for symbol in SYMBOLS},
        candles={"ADAUSDT": candles("ADAUSDT", ada), "BTCUSDT": candles("BTCUSDT", btc)},
        fills=fills,
        adjustments=adjustments,
    )
    flows = flows_of(run)
    rows = equity_rows(run, flows, row_times(run, flows))
    assert [row.timestamp for row in rows] == sorted({START + DAY, *(fill.filled_at for fill in fills)})
    peak = Fraction(0)
    for index, row in enumerate(rows):
        cash, worth = naive(run, fills, row.timestamp, added)
        assert Fraction(row.cash) == cash
        assert Fraction(row.exposure) == worth
        assert row.equity == row.cash + row.exposure
        peak = cash + worth if index == 0 else max(peak, cash + worth)
        fall = round((peak - cash - worth) / peak * 10**8) if peak > 0 else 0
        assert Fraction(row.drawdown) == Fraction(fall, 10**8)


def naive(run: RunResult, fills: list[Fill], time: Time, added: int) -> tuple[Fraction, Fraction]:
    """Add everything up anew, from the beginning, for one instant."""
    cash, worth = Fraction(run.capital), Fraction(0)
    cash += added if time >= FROM + 7 * MINUTE else 0
    for symbol in SYMBOLS:
        base = Fraction("1.5") if symbol == "ADAUSDT" and time >= FROM + 9 * MINUTE else Fraction(0)
        for fill in fills:
            if fill.symbol == symbol and fill.filled_at <= time:
                sign = 1 if fill.side == "BUY" else -1
                base += sign * Fraction(fill.quantity)
                cash -= sign * Fraction(fill.price) * Fraction(fill.quantity)
                if fill.fee_asset == "USDT":
                    cash -= Fraction(fill.fee)
                else:
                    base -= Fraction(fill.fee)
        own = run.candles[symbol]
        known = [close for begun, close in zip(own.open_time, own.close, strict=True) if begun + MINUTE <= time]
        worth += base * Fraction(int(known[-1]), UNITS) if known else 0
    return cash, worth
