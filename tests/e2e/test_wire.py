"""The exchange in one process, the bot in another, Binance's protocol between them: the files of a backtest."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import Runner

COMMAND = (sys.executable, "-m", "roottrading")
FILES = ("signals.csv", "verdicts.csv", "cycles.csv", "orders.csv", "fills.csv", "equity.csv", "refusals.csv")
TRADED = ("--symbols", "LTCUSDT,XRPUSDT", "--timeframe", "5m")
STRATEGIES = ("--strategies", "ema_cross,donchian_breakout,supertrend")


@contextmanager
def exchange(folder: Path, *options: str) -> Iterator[tuple[str, str]]:
    """Serve an exchange; yields its address and that of its admin door."""
    command = (*COMMAND, "exchange", "--port", "0", "--admin-port", "0", *options)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        try:
            said = ""
            while "admin door" not in said:
                said += next(lines)
            found = re.findall(r"http://127\.0\.0\.1:\d+", said)
            yield found[0], found[-1]
        finally:
            process.terminate()
            process.wait(20)


def test_over_the_wire_it_writes_what_a_backtest_writes(roottrading: Runner, tmp_path: Path) -> None:
    span = ("--from", "2021-04-24T12:00:00Z")
    stepped = ("--clock", "stepped", "--expect", "run=1", "--symbols", "LTCUSDT,XRPUSDT", *span)
    with exchange(tmp_path, *stepped) as (url, admin):
        run = (*COMMAND, "run", "--exchange", url, "--admin", admin, *TRADED, *STRATEGIES, "--output", "wire")
        played = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert played.returncode == 0, played.stderr
    assert "closed by" in played.stdout
    assert roottrading("backtest", *TRADED, *STRATEGIES, *span, "--output", "tape").code == 0
    assert (tmp_path / "wire" / "cycles.csv").read_text().count("\n") > 5
    for file in FILES:
        assert (tmp_path / "wire" / file).read_bytes() == (tmp_path / "tape" / file).read_bytes(), file


def test_only_an_exchange_on_this_machine_is_traded_on(roottrading: Runner) -> None:
    refused = roottrading("run", "--exchange", "https://api.binance.com", "--symbols", "BTCUSDT")
    assert refused.code == 2
    assert "need --live" in refused.err
    assert "on this machine" in refused.err


def test_an_exchange_that_is_not_there_is_said_so(roottrading: Runner) -> None:
    refused = roottrading("run", "--exchange", "http://127.0.0.1:9", "--symbols", "BTCUSDT")
    assert refused.code == 1
    assert "does not tell its time" in refused.err
    assert "Traceback" not in refused.err


def test_it_says_what_to_trade(roottrading: Runner) -> None:
    refused = roottrading("run", "--exchange", "http://127.0.0.1:9")
    assert refused.code == 2
    assert "--symbols" in refused.err
