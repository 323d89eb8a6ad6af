"""`run` and `backtest` as a user starts, stops, kills and restarts them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from roottrading.cli.main import main
from tests.e2e.conftest import Runner

SPAN = ("--symbols", "LTCUSDT,XRPUSDT", "--from", "2021-04-17T12:00:00Z", "--to", "2021-04-18T12:00:00Z")
TRADING = (*SPAN, "--strategies", "ema_cross", "--timeframe", "5m")
FILES = ("signals.csv", "verdicts.csv", "cycles.csv", "orders.csv", "fills.csv", "refusals.csv", "equity.csv")
COMMAND = (sys.executable, "-m", "roottrading")


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.raises(SystemExit) as ended:
        main(("run", *TRADING, "--output", str(folder)))
    assert not ended.value.code
    return folder


def start(arguments: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_run_traded(undisturbed: Path) -> None:
    lines = {name: text.count(b"\n") for name, text in files(undisturbed).items()}
    assert lines["cycles.csv"] > 10
    assert lines["fills.csv"] > lines["cycles.csv"]
    report = json.loads((undisturbed / "report.json").read_text())
    assert report["metrics"]["cycles"] == lines["cycles.csv"] - 1 - report_open(report)


def report_open(report: dict[str, list[object]]) -> int:
    return len(report["open_cycles"])


def test_a_backtest_writes_the_same_bytes(undisturbed: Path, roottrading: Runner, tmp_path: Path) -> None:
    printed = roottrading("backtest", *TRADING, "--output", "out")
    assert printed.code == 0
    assert "Win rate" in printed.out
    assert files(tmp_path / "out") == files(undisturbed)


def test_a_finished_state_reports_again_without_trading(undisturbed: Path, roottrading: Runner, tmp_path: Path) -> None:
    for _ in range(2):
        printed = roottrading("run", *TRADING, "--state", "state", "--output", "out")
        assert printed.code == 0
        assert files(tmp_path / "out") == files(undisturbed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_keeps_everything_and_goes_on(
    undisturbed: Path, tmp_path: Path, number: signal.Signals
) -> None:
    paced = start(("run", *TRADING, "--state", "state", "--speed", "36000x"), tmp_path)
    assert paced.stdout is not None
    paced.stdout.readline()
    paced.send_signal(number)
    _, err = paced.communicate()
    assert paced.returncode == 130
    assert err.startswith("stopped at 2021-04-1")
    assert "--state state goes on from there" in err
    again = start(("run", *TRADING, "--state", "state", "--output", "out", "--speed", "max"), tmp_path)
    again.communicate()
    assert again.returncode == 0
    assert files(tmp_path / "out") == files(undisturbed)


def test_a_running_process_obeys_control(tmp_path: Path) -> None:
    running = start(("run", *TRADING, "--state", "state", "--speed", "3600x"), tmp_path)
    assert running.stdout is not None
    running.stdout.readline()

    def control(*arguments: str) -> str:
        command = [*COMMAND, "control", *arguments, "--state", "state"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    in_use = subprocess.run(
        [*COMMAND, "run", *TRADING, "--state", "state"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert in_use.returncode == 1
    assert f"in use by process {running.pid}" in in_use.stderr
    assert f"process {running.pid} takes it" in control("halt", "--why", "test")
    for _ in range(100):
        said = control("status")
        if "trading   halted" in said and "waiting" not in said:
            break
        time.sleep(0.1)
    else:
        pytest.fail(said)
    running.send_signal(signal.SIGINT)
    running.communicate()


def test_a_change_of_the_bots_share_is_taken_by_the_next_run(roottrading: Runner, tmp_path: Path) -> None:
    paced = start(("run", *TRADING, "--state", "state", "--speed", "36000x"), tmp_path)
    assert paced.stdout is not None
    paced.stdout.readline()
    paced.send_signal(signal.SIGINT)
    paced.communicate()
    for arguments in (("capital", "add", "500.5"), ("capital", "remove", "1000000"), ("adopt", "XRPUSDT", "100", "1")):
        assert roottrading(*arguments, "--state", "state").code == 0
    assert roottrading("run", *TRADING, "--state", "state", "--output", "out").code == 0
    head, *rows = [line.split(",") for line in Path("out/adjustments.csv").read_text().splitlines()]
    assert head == ["timestamp", "kind", "symbol", "amount", "price"]
    assert [row[1:] for row in rows] == [["capital", "", "500.5", ""], ["adopt", "XRPUSDT", "100", "1"]]
    assert all(row[0].startswith("2021-04-1") for row in rows)
    (note,) = json.loads(Path("out/report.json").read_text())["header"]["notes"]
    assert "1000000 USDT cannot be removed" in note
    assert "adopted" in Path("out/cycles.csv").read_text()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("--symbols", "LTCUSDT"), "settings is "),
        (("--capital", "5000"), "settings is "),
        (("--set", "strategies.ema_cross.parameters.fast=5"), "strategies is "),
        (("--set", "account.deployment=other"), "deployment is sim there and other here"),
    ],
)
def test_the_state_of_another_run_is_refused(
    roottrading: Runner, change: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    short = ("run", "--symbols", "LTCUSDT,XRPUSDT", "--from", "2021-04-18", "--to", "2021-04-18T01:00:00Z")
    first = (*short, "--strategies", "ema_cross", "--state", "state")
    assert roottrading(*first).code == 0
    refused = roottrading(*first, *change)
    assert refused.code == 1
    assert "belongs to another run" in refused.err
    assert named in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--symbols", "ABCUSDT"), 1, "ABCUSDT"),
        (("--tape", "absent"), 1, "absent"),
        (("--strategies", "ema_crss"), 2, "did you mean ema_cross?"),
        (("--from", "2030-01-01"), 1, "the tape goes from 2021-04-10T00:00:00Z"),
        (("--from", "someday"), 2, "run.start (flag --from): someday is not allowed"),
        (("--capital", "-5"), 2, "account.capital (flag --capital): -5 is not allowed"),
        (("--timeframe", "7m"), 2, "run.timeframe (flag --timeframe): 7m is not allowed"),
        (("--report", "html"), 2, "name a folder with --output"),
        (("--set", "strategies.ema_cross.enabled=false", "--strategies", "all"), 0, ""),
    ],
)
@pytest.mark.parametrize("command", ["run", "backtest"])
def test_what_cannot_be_done_is_said_in_a_line(
    roottrading: Runner, command: str, arguments: tuple[str, ...], code: int, named: str
) -> None:
    span = () if "--from" in arguments else ("--from", "2021-04-18", "--to", "2021-04-18T00:30:00Z")
    printed = roottrading(command, *span, *arguments)
    assert printed.code == code, printed.err
    assert named in printed.err
    assert "Traceback" not in printed.err


def test_a_tape_of_nonsense_is_named(roottrading: Runner) -> None:
    Path("LTCUSDT-1m-a.csv").write_text("1704067200000,1,2,1,NaN,5\n")
    printed = roottrading("backtest", "--tape", ".")
    assert printed.code == 1
    assert "LTCUSDT-1m-a.csv" in printed.err
    assert "NaN" in printed.err


def test_a_state_folder_that_cannot_be_written_is_named(roottrading: Runner) -> None:
    Path("file").write_text("in the way")
    printed = roottrading("run", *TRADING, "--state", "file/state")
    assert printed.code == 1
    assert "state folder file/state" in printed.err


def test_an_output_folder_that_cannot_be_written_is_named(roottrading: Runner) -> None:
    Path("file").write_text("in the way")
    printed = roottrading("backtest", *TRADING, "--output", "file/out")
    assert printed.code == 1
    assert "cannot write file/out" in printed.err


def test_the_log_tells_what_happened_in_json(roottrading: Runner, undisturbed: Path) -> None:
    roottrading("run", *TRADING, "--log", "logs/run.log")
    lines = [json.loads(line) for line in Path("logs/run.log").read_text().splitlines()]
    fills = [line for line in lines if line["text"] == "Fill"]
    assert len(fills) == files(undisturbed)["fills.csv"].count(b"\n") - 1
    assert {"at", "level", "name", "tape_at", "price", "quantity"} <= fills[0].keys()


def test_a_page_with_charts_is_written(roottrading: Runner) -> None:
    printed = roottrading("backtest", *TRADING, "--output", "out", "--report", "html")
    assert printed.code == 0
    assert "wrote out/report.html" in printed.out
    assert os.path.getsize("out/report.html") > 10_000


def test_the_report_counts_the_settings_tried_on_its_candles(
    roottrading: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def tried(*more: str) -> object:
        printed = roottrading("backtest", *SPAN, "--timeframe", "5m", "--output", "out", *more)
        assert printed.code == 0
        return json.loads((tmp_path / "out" / "report.json").read_text())["header"]["parameter_sets"]

    assert tried("--strategies", "ema_cross", "--no-ledger") == 1
    assert tried("--strategies", "macd") == 1
    assert tried("--strategies", "ema_cross") == 2
    assert tried("--strategies", "macd") == 2
    assert tried("--strategies", "macd", "--to", "2021-04-18") == 1
