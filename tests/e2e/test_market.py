"""Simulated money on a live market: an exchange server has the market, the bot has the money, no key between them."""

import csv
import json
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from tests.e2e.conftest import Runner
from tests.e2e.test_wire import COMMAND, FILES, STRATEGIES, TRADED, exchange
from tests.e2e.wire_kills import RESTLESS

SPAN = ("--from", "2021-04-24T12:00:00Z")
PACED = ("--symbols", "LTCUSDT,XRPUSDT", "--timeframe", "1m", "--strategies", "restless")
EQUAL = ("--set", "aggregator.weighting=equal", "--set", "aggregator.quorum=0")
PATIENCE = 150.0  # seconds until something must have been traded, on a machine however busy


def said_by(folder: Path) -> str:
    return (folder / "said.txt").read_text()


def begin(folder: Path, url: str) -> subprocess.Popen[str]:
    command = (*COMMAND, "run", "--market", url, *PACED, *EQUAL, "--state", "state", "--output", "live")
    with (folder / "said.txt").open("w") as out, (folder / "errors.txt").open("a") as errors:
        return subprocess.Popen(command, cwd=folder, stdout=out, stderr=errors, text=True)


def wait_for_cycles(folder: Path, bot: subprocess.Popen[str], count: int) -> None:
    until = time.monotonic() + PATIENCE
    while said_by(folder).count("closed by") < count:
        assert bot.poll() is None
        assert time.monotonic() < until, said_by(folder)
        time.sleep(0.2)


def arm(admin: str, **fault: object) -> None:
    urllib.request.urlopen(f"{admin}/faults", json.dumps(fault).encode(), timeout=10).close()


def test_under_a_stepped_clock_it_writes_what_a_backtest_writes(roottrading: Runner, tmp_path: Path) -> None:
    stepped = ("--clock", "stepped", "--expect", "run=1", "--symbols", "LTCUSDT,XRPUSDT", *SPAN)
    with exchange(tmp_path, *stepped) as (url, admin):
        run = (*COMMAND, "run", "--market", url, "--admin", admin, *TRADED, *STRATEGIES, "--output", "live")
        played = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert played.returncode == 0, played.stderr
    assert roottrading("backtest", *TRADED, *STRATEGIES, *SPAN, "--output", "tape").code == 0
    assert (tmp_path / "live" / "cycles.csv").read_text().count("\n") > 5
    for file in FILES:
        assert (tmp_path / "live" / file).read_bytes() == (tmp_path / "tape" / file).read_bytes(), file


def test_cut_off_killed_and_started_again_it_trades_what_a_backtest_trades(roottrading: Runner, tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "restless.py").write_text(RESTLESS)
    with exchange(tmp_path, "--clock", "300x", "--symbols", "LTCUSDT,XRPUSDT", *SPAN) as (url, admin):
        with begin(tmp_path, url) as bot:
            wait_for_cycles(tmp_path, bot, 2)
            arm(admin, kind="drop", value="streams")
            arm(admin, kind="refusal", where="GET /api/v3/klines", status=503, times=2)
            wait_for_cycles(tmp_path, bot, said_by(tmp_path).count("closed by") + 3)
            bot.kill()
        time.sleep(1)  # five candles that nobody hears
        with begin(tmp_path, url) as bot:
            wait_for_cycles(tmp_path, bot, 4)
            bot.send_signal(signal.SIGINT)
            assert bot.wait(120) == 130, (tmp_path / "errors.txt").read_text()
    assert "Traceback" not in (tmp_path / "errors.txt").read_text()
    found = json.loads((tmp_path / "live" / "report.json").read_text())
    with (tmp_path / "live" / "signals.csv").open() as file:
        assert len(list(csv.DictReader(file))) > 10
    span = ("--from", found["header"]["started_at"], "--to", found["header"]["ended_at"])
    assert roottrading("backtest", *PACED, *EQUAL, *span, "--output", "tape").code == 0
    for name in FILES:
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "tape" / name).read_bytes(), name


def test_a_run_whose_market_is_gone_still_reports(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "restless.py").write_text(RESTLESS)
    with exchange(tmp_path, "--clock", "300x", "--symbols", "LTCUSDT,XRPUSDT", *SPAN) as (url, _):
        bot = begin(tmp_path, url)
        wait_for_cycles(tmp_path, bot, 1)
    with bot:
        bot.send_signal(signal.SIGINT)
        assert bot.wait(120) == 130, (tmp_path / "errors.txt").read_text()
    assert json.loads((tmp_path / "live" / "report.json").read_text())["header"]["symbols"] == ["LTCUSDT", "XRPUSDT"]


def test_a_market_that_is_not_there_is_named(roottrading: Runner) -> None:
    away = ("--set", "binance.public_rest=http://127.0.0.1:9", "--set", "binance.public_stream=ws://127.0.0.1:9")
    refused = roottrading("run", "--market", "binance", "--symbols", "BTCUSDT", *away)
    assert refused.code == 1
    assert "the market at http://127.0.0.1:9 cannot be followed" in refused.err
    assert "Traceback" not in refused.err


def test_money_is_either_simulated_or_on_an_exchange(roottrading: Runner) -> None:
    refused = roottrading("run", "--market", "binance", "--exchange", "http://127.0.0.1:9", "--symbols", "BTCUSDT")
    assert refused.code == 2
    assert "give one of the two" in refused.err


def test_it_says_what_to_trade(roottrading: Runner) -> None:
    refused = roottrading("run", "--market", "binance")
    assert refused.code == 2
    assert "--symbols" in refused.err


def test_binances_clock_is_nobodys_to_step(roottrading: Runner) -> None:
    refused = roottrading("run", "--market", "binance", "--admin", "http://127.0.0.1:9", "--symbols", "BTCUSDT")
    assert refused.code == 2
    assert "--admin" in refused.err
