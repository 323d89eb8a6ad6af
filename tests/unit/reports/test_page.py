"""The page: one file that loads nothing, holds every figure, and stays small whatever the run."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.columns import UNITS
from roottrading.domain.time import MINUTE
from roottrading.reports import CheckLine, RunResult, build_report
from roottrading.reports.html import page
from roottrading.reports.page_data import coarser, thin
from tests.unit.reports.runs import START, D, Refusal, candles_of, large_run, small_run

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Reads a page, holding it to what a strict reader would: every element closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, list[str]] = {}
        self.ids: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        self.ids |= {value or "" for name, value in attrs if name == "id"}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


def data_of(text: str) -> Any:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.fixture(scope="module")
def run() -> RunResult:
    return large_run(5_000, minutes=60_000)


@pytest.fixture(scope="module")
def text(run: RunResult) -> str:
    return page(run, build_report(run))


def test_it_is_well_formed_and_has_all_its_parts(text: str) -> None:
    read = Page(text)
    assert {"equity", "drawdown", "price", "symbols", "cycles", "back", "next", "where", "data"} <= read.ids
    assert set(read.texts["h2"]) >= {
        "Equity",
        "Prices, entries and exits",
        "Monthly returns",
        "By strategy",
        "By symbol",
    }
    assert {"ema_cross", "donchian", "rsi", "BTCUSDT", "ETHUSDT"} <= set(read.texts["td"])


def test_every_element_that_the_script_looks_for_is_there(text: str) -> None:
    script = text.rpartition("<script>")[2]
    sought = set(re.findall(r'getElementById\("(\w+)"\)', script)) | set(re.findall(r'new Plot\("(\w+)"', script))
    assert sought >= {"data", "symbols", "back", "next", "where", "equity", "drawdown", "price"}
    assert sought <= Page(text).ids


def test_it_loads_nothing_from_anywhere(text: str) -> None:
    read = Page(text)
    assert not {name for name, _ in read.attributes} & {"src", "href", "srcset", "action"}
    assert "://" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_five_thousand_cycles_fit_into_it(run: RunResult, text: str) -> None:
    data = data_of(text)
    assert len(text) < 2_000_000
    assert len(data["cycles"]) == len(run.cycles) == 5_000
    assert len(data["curve"]["times"]) <= 3_002
    for candles in data["candles"].values():
        assert len(candles["times"]) <= 2_501


def test_curve_keeps_its_ends_its_peak_and_its_trough(run: RunResult, text: str) -> None:
    report, curve = build_report(run), data_of(text)["curve"]
    equity = [round(float(row.equity), 4) for row in report.equity]
    assert (curve["equity"][0], curve["equity"][-1]) == (equity[0], equity[-1])
    assert (min(curve["equity"]), max(curve["equity"])) == (min(equity), max(equity))


def test_the_small_run_is_all_there() -> None:
    run = small_run()
    data = data_of(page(run, build_report(run)))
    start = run.started_at // 1000
    assert data["cycles"] == [
        ["BTCUSDT", start + 60_000, 100.0, start + 180_000, 110.0, 19.56022, 'at "2", out', "ema_cross"],
        ["BTCUSDT", start + 240_000, 112.0, None, None, None, "", "rsi"],
    ]
    assert data["candles"]["BTCUSDT"]["close"] == [100.0, 104.0, 108.0, 110.0, 111.0]
    assert data["curve"]["equity"] == [999.8, 1007.792, 1019.5602, 1017.4502]


def test_the_totals_stand_below_the_groups(run: RunResult, text: str) -> None:
    metrics = build_report(run).metrics
    rows = re.findall(r"<tr><td><b>total</b></td>(.*?)</tr>", text)
    assert len(rows) == 2
    for row in rows:
        cells = re.findall(r"<td>(?:<span[^>]*>)?([^<]*)", row)
        assert cells[0] == str(metrics.cycles) == "5000"
        assert cells[6] == f"{metrics.fees:,.2f}"
        assert cells[11] == f"{metrics.exposure * 100:.2f} %"
        assert cells[12] == f"{metrics.turnover:.1f} x"


def test_checks_are_summed_up_unless_they_failed_and_settings_stand_under_their_keys() -> None:
    run = small_run()
    fields = {name: getattr(run, name) for name in run.__struct_fields__}
    checks = [
        CheckLine("rsi", "BTCUSDT", 50, False, "looks ahead"),
        *(CheckLine(name, symbol, 49, True) for name in ("macd", "trix") for symbol in ("BTCUSDT", "ETHUSDT")),
    ]
    settings = {"run": {"symbols": ["A", "B"], "end": None}, "coordinator": {"trailing": {"start": "1"}}}
    changed = RunResult(**fields | {"checks": checks, "settings": settings})
    read = Page(page(changed, build_report(changed)))
    facts = dict(zip(read.texts["dt"], read.texts["dd"], strict=True))
    assert facts["rsi, BTCUSDT"] == "FAILED: looks ahead"
    assert facts["2 strategies"] == "passed, on 196 candles"
    assert "macd, BTCUSDT" not in facts
    assert (facts["run.symbols"], facts["run.end"], facts["coordinator.trailing.start"]) == ("A, B", "–", "1")


def test_no_text_from_outside_can_end_the_script_or_open_an_element() -> None:
    nasty = '</script><script>alert("x")</script><i>'
    run = small_run()
    fields = {name: getattr(run, name) for name in run.__struct_fields__}
    nasties = {
        "notes": [nasty],
        "refusals": [Refusal("v", "BTCUSDT", nasty, {}, START)],
        "settings": {nasty: nasty},
        "tape": nasty,
    }
    awkward = RunResult(**fields | nasties | {"quote_asset": nasty})
    text = page(awkward, build_report(awkward))
    assert text.count("<script") == 2
    assert "<i>" not in text
    assert data_of(text)["quote"] == nasty
    Page(text)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(2, 60))
def test_thinning_keeps_ends_and_extremes(values: list[float], points: int) -> None:
    curve = np.array(values)
    kept = thin(np.arange(len(values)), curve, points)
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    assert (np.diff(kept) > 0).all()
    assert (curve[kept].min(), curve[kept].max()) == (curve.min(), curve.max())
    assert len(kept) <= max(points + 2, 2)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=300), st.integers(1, 50), st.integers(0, 5))
def test_coarser_candles_hold_the_same_market(prices: list[int], most: int, first: int) -> None:
    candles = candles_of("BTCUSDT", "1m", [D(price).scaleb(-2) for price in prices], first * 7 * MINUTE)
    step, columns = coarser(candles, most)
    assert step % MINUTE == 0
    assert len(columns["times"]) <= most + 1  # spans start at multiples of their length: one more may be cut into
    assert columns["open"][0] == candles.open[0] / UNITS
    assert columns["close"][-1] == candles.close[-1] / UNITS
    assert columns["high"].max() == candles.high.max() / UNITS
    assert columns["low"].min() == candles.low.min() / UNITS
    assert (columns["times"] % step == 0).all()
