"""`roottrading strategies`: from nothing to a strategy of one's own, and the checks that catch a dishonest one."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Runner

SPAN = ("--symbols", "LTCUSDT", "--from", "2021-04-17", "--to", "2021-04-18")

HEAD = """
from typing import ClassVar

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Strategy
from roottrading.strategies.indicators import ema


class Mine(Strategy, frozen=True):
    "Idea."

    @property
    def lookback(self) -> int:
        return {lookback}

    def evaluate(self, columns: Columns) -> Floats:
        close = columns.close
        {body}
"""

PEEKING = "return np.sign(np.append(close[1:], close[-1]) - close)"
NORMALIZING = "return np.clip((close - close.mean()) / close.std(), -1, 1)"
HONEST = "return np.nan_to_num(np.sign(close - ema(close, 20)))"


def write(name: str, lookback: int, body: str) -> None:
    Path("strategies").mkdir(exist_ok=True)
    Path(f"strategies/{name}.py").write_text(f'"""Idea."""\n{HEAD.format(lookback=lookback, body=body)}')


def test_all_are_listed_with_what_they_do(roottrading: Runner) -> None:
    write("mine", 200, HONEST)
    printed = roottrading("strategies", "list")
    assert printed.code == 0
    names = [line.split()[0] for line in printed.out.splitlines() if line and not line.startswith(" ")]
    assert {"strategy", "ema_cross", "mine"} <= set(names)


def test_what_is_shown_can_be_put_into_the_settings(roottrading: Runner) -> None:
    printed = roottrading("strategies", "show", "ema_cross")
    assert printed.code == 0
    Path("roottrading.toml").write_text(printed.out[printed.out.index("[strategies.") :])
    assert roottrading("config", "check").code == 0


def test_a_new_strategy_works_as_it_stands(roottrading: Runner) -> None:
    written = roottrading("strategies", "new", "my_first")
    assert written.out == ("wrote strategies/my_first.py: change it, then `roottrading strategies check my_first`\n")
    checked = roottrading("strategies", "check", "my_first", *SPAN)
    assert checked.code == 0, checked.err
    assert checked.out.splitlines()[-1].startswith("my_first: looked at ")
    assert checked.out.endswith("nothing wrong\n")
    assert roottrading("backtest", "--strategies", "my_first", *SPAN).code == 0


def test_a_new_strategy_takes_no_name_that_is_in_use(roottrading: Runner) -> None:
    refused = roottrading("strategies", "new", "macd")
    assert (refused.code, "there is a strategy 'macd' already" in refused.err) == (2, True)
    assert not Path("strategies").exists()


def test_a_check_whose_files_have_nowhere_to_go_is_refused_before_the_work(roottrading: Runner) -> None:
    Path("roottrading.toml").write_text('[run]\nreport = "html"\n')
    refused = roottrading("strategies", "check", "macd", *SPAN)
    assert (refused.code, refused.out, "name a folder with --output" in refused.err) == (2, "", True)


def test_a_new_strategy_overwrites_nothing(roottrading: Runner) -> None:
    assert roottrading("strategies", "new", "my_first").code == 0
    Path("strategies/my_first.py").write_text("mine")
    again = roottrading("strategies", "new", "my_first")
    assert (again.code, "is there already" in again.err) == (2, True)
    assert Path("strategies/my_first.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("lookback", "body", "finding"),
    [
        (200, PEEKING, "strategy mine looks ahead: at 2021-04-1"),
        (200, NORMALIZING, "strategy mine looks ahead: at 2021-04-1"),
        (21, HONEST, "strategy mine lookback too short: at 2021-04-1"),
    ],
    ids=["peeks one candle", "normalizes by its whole column", "forgets too late"],
)
def test_a_dishonest_strategy_is_caught_by_name(roottrading: Runner, lookback: int, body: str, finding: str) -> None:
    write("mine", lookback, body)
    checked = roottrading("strategies", "check", "mine", *SPAN)
    assert checked.code == 1
    assert finding in checked.err
    plain = roottrading("backtest", "--strategies", "mine,ema_cross", *SPAN)
    assert plain.code == 0
    assert finding.partition(": ")[0].removeprefix("strategy ") in " ".join(plain.out.split())


def test_an_honest_strategy_passes(roottrading: Runner) -> None:
    write("mine", 300, HONEST)
    assert roottrading("strategies", "check", "mine", *SPAN).code == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return close[1:]", "has the shape"),
        ("raise RuntimeError('no idea')", "no idea"),
        ("return close * np.nan", "conviction is nan"),
        ("return close * 0 + 2", "conviction is 2"),
    ],
)
def test_a_failing_strategy_is_counted_and_takes_no_other_down(roottrading: Runner, body: str, reason: str) -> None:
    write("mine", 50, body)
    alone = roottrading("backtest", "--strategies", "ema_cross", *SPAN, "--output", "alone")
    both = roottrading("backtest", "--strategies", "ema_cross,mine", *SPAN, "--output", "both")
    assert (alone.code, both.code) == (0, 0)
    signals = [Path(name, "signals.csv").read_bytes() for name in ("alone", "both")]
    assert signals[0] == signals[1]
    (note,) = json.loads(Path("both/report.json").read_text())["header"]["notes"]
    assert note.startswith("strategy mine had no opinion 288 times")
    assert reason in note


def test_a_broken_file_is_a_warning_with_its_line(roottrading: Runner) -> None:
    write("mine", 50, HONEST)
    Path("strategies/broken.py").write_text("import numpy\nx = = 1\n")
    printed = roottrading("strategies", "list")
    assert printed.code == 0
    assert "mine" in printed.out
    assert "warning: strategy broken (strategies/broken.py:2)" in printed.err
    used = roottrading("backtest", "--strategies", "broken", *SPAN)
    assert used.code == 2
    assert "broken" in used.err


def test_a_folder_that_is_named_must_be_there(roottrading: Runner) -> None:
    printed = roottrading("strategies", "list", "--folder", "absent")
    assert (printed.code, "there is no folder of strategies at absent" in printed.err) == (1, True)
