"""Bad input, from the command line: each item a clear error with an exit code, or a counted skip; nothing is lost."""

import io
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.e2e.conftest import Runner

COMMAND = (sys.executable, "-m", "roottrading")
FIRST = 1_704_067_200_000  # 2024-01-01 in milliseconds
SHORT = (
    "--symbols",
    "LTCUSDT",
    "--strategies",
    "ema_cross",
    "--from",
    "2021-04-17T18:00:00Z",
    "--to",
    "2021-04-18T06:00:00Z",
)
RESULTS = ("cycles.csv", "orders.csv", "fills.csv")


def candle(minute: int, values: str = "10,12,9,11,5") -> str:
    return f"{FIRST + minute * 60_000},{values}\n"


SOUND = "".join(candle(minute) for minute in range(1500))
BAD_TAPES = {
    "text in a price": (SOUND + candle(1500, "10,abc,9,11,5"), "line 1501, column high: not a number: 'abc'"),
    "NaN": (SOUND + candle(1500, "10,12,9,NaN,5"), "line 1501, column close: not a number: 'NaN'"),
    "negative volume": (SOUND + candle(1500, "10,12,9,11,-5"), "line 1501, column volume: "),
    "high below low": (SOUND + candle(1500, "10,8,9,8.5,5"), "line 1501, column high: "),
    "time runs backwards": (SOUND + candle(5), "line 1501, column open_time: time runs backwards"),
    "from the future": (SOUND + f"{4_102_444_800_000},10,12,9,11,5\n", "line 1501, column open_time: from the future"),
    "empty": ("", "is empty"),
}
READERS = (
    ("backtest", "--tape"),
    ("run", "--tape"),
    ("strategies", "check", "ema_cross", "--tape"),
    ("data", "fold", "--timeframe", "5m", "--output", "folded"),
)


@pytest.mark.parametrize("command", READERS, ids=lambda command: " ".join(command[:2]))
@pytest.mark.parametrize(("text", "said"), BAD_TAPES.values(), ids=BAD_TAPES)
def test_a_bad_tape_is_named_with_its_line(roottrading: Runner, command: tuple[str, ...], text: str, said: str) -> None:
    Path("tape").mkdir()
    Path("tape/LTCUSDT-1m-a.csv").write_text(text)
    printed = roottrading(*command, "tape")
    assert printed.code == 1
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("error: tape/LTCUSDT-1m-a.csv")
    assert said in line
    assert not Path("folded").exists()


@pytest.mark.parametrize("text", [text for text, _ in BAD_TAPES.values()], ids=BAD_TAPES)
def test_data_check_finds_the_same(roottrading: Runner, text: str) -> None:
    Path("LTCUSDT-1m-a.csv").write_text(text)
    Path("XRPUSDT-1m-a.csv").write_text(SOUND)
    printed = roottrading("data", "check", ".")
    assert printed.code == 1
    assert "LTCUSDT-1m-a.csv: WRONG" in printed.out
    assert "XRPUSDT-1m-a.csv: sound" in printed.out
    assert printed.out.endswith("2 files, 1 of them wrong\n")


@pytest.mark.parametrize("command", [*READERS, ("data", "check")], ids=lambda command: " ".join(command[:2]))
def test_a_truncated_zip_is_named(roottrading: Runner, command: tuple[str, ...]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("LTCUSDT-1m-2024-01.csv", SOUND)
    whole = packed.getvalue()
    Path("LTCUSDT-1m-2024-01.zip").write_bytes(whole[: len(whole) // 2])
    printed = roottrading(*command, "LTCUSDT-1m-2024-01.zip")
    assert printed.code == 1
    assert "LTCUSDT-1m-2024-01.zip: cut or damaged" in printed.out + printed.err
    assert "fetch it again" in printed.out + printed.err


@pytest.mark.parametrize("command", ["run", "backtest"])
def test_candles_that_stand_there_twice_are_counted_and_count_once(roottrading: Runner, command: str) -> None:
    Path("LTCUSDT-1m-a.csv").write_text(SOUND)
    Path("LTCUSDT-1m-b.csv").write_text(candle(1498) + candle(1499) + candle(1499) + candle(1500))
    printed = roottrading(command, "--tape", ".", "--strategies", "ema_cross", "--output", "out")
    assert printed.code == 0
    said = "LTCUSDT: 3 candles stand on the tape again, and count once"
    assert printed.err == f"warning: {said}\n"
    assert json.loads(Path("out/report.json").read_text())["header"]["notes"] == [said]


# ---- strategies


LOOKING = '''
"""Looks at another market."""

from typing import ClassVar

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Strategy


class Looking(Strategy, frozen=True):
    """Looks at another market."""

    inputs: ClassVar[tuple[str, ...]] = ("{given}",)

    @property
    def lookback(self) -> int:
        return {lookback}

    def evaluate(self, columns: Columns) -> Floats:
        return np.zeros(len(columns))
'''


@pytest.mark.parametrize("command", ["run", "backtest"])
@pytest.mark.parametrize(
    ("given", "lookback", "code", "said"),
    [
        ("BTCUSDT/1h", "5", 1, "strategy looking looks at BTCUSDT, but the tape holds BNBUSDT, DOGEUSDT, "),
        ("*/7m", "5", 2, "strategy looking has the input '*/7m': unknown timeframe '7m'"),
        ("nonsense", "5", 2, "strategy looking has the input 'nonsense': write SYMBOL/timeframe or */timeframe"),
        ("*/1h", "-5", 2, "its lookback is -5: it must be a whole number"),
        ("*/1h", "1 / 0", 2, "strategy looking (strategies/looking.py:18): ZeroDivisionError"),
    ],
)
def test_a_strategy_that_cannot_be_used_is_named(
    roottrading: Runner, command: str, given: str, lookback: str, code: int, said: str
) -> None:
    Path("strategies").mkdir()
    Path("strategies/looking.py").write_text(LOOKING.lstrip().format(given=given, lookback=lookback))
    for symbols in ((), ("--symbols", "LTCUSDT")):
        printed = roottrading(command, *symbols, "--strategies", "looking")
        assert (printed.code, said in printed.err) == (code, True), printed.err
        assert "not foreseen" not in printed.err


@pytest.mark.parametrize("command", ["run", "backtest"])
def test_fees_in_bnb_without_its_price_are_refused(roottrading: Runner, command: str) -> None:
    Path("LTCUSDT-1m-a.csv").write_text(SOUND)
    printed = roottrading(command, "--tape", ".", "--strategies", "ema_cross", "--set", "fees.in_bnb=true")
    assert printed.code == 1
    said = "fees.in_bnb=true looks at BNBUSDT, but the tape holds LTCUSDT: add candles of BNBUSDT with --tape"
    assert said in printed.err


def test_a_timeframe_finer_than_the_tape_is_refused(roottrading: Runner) -> None:
    Path("LTCUSDT-15m-a.csv").write_text("".join(candle(15 * number) for number in range(300)))
    printed = roottrading("backtest", "--tape", ".", "--strategies", "ema_cross", "--timeframe", "5m")
    assert printed.code == 2
    assert "strategy ema_cross: 5m candles cannot be folded from 15m candles" in printed.err


FAILING = '''
"""Fails."""

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Strategy


class Failing(Strategy, frozen=True):
    """Fails."""

    @property
    def lookback(self) -> int:
        return 20

    def evaluate(self, columns: Columns) -> Floats:
        close = columns.close
        {body}
'''


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('no idea')", "RuntimeError: no idea"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("return close[1:]", "has the shape"),
        ("return close * np.nan", "conviction is nan"),
    ],
    ids=["raises", "exits", "wrong length", "NaN"],
)
def test_a_failing_strategy_is_counted_and_the_run_goes_on(roottrading: Runner, body: str, reason: str) -> None:
    Path("strategies").mkdir()
    Path("strategies/failing.py").write_text(FAILING.lstrip().format(body=body))
    Path("strategies/broken.py").write_text('"""Broken."""\nx = = 1\n')
    counted, notes = {}, {}
    for command in ("run", "backtest"):
        printed = roottrading(command, *SHORT, "--strategies", "ema_cross,failing", "--output", command)
        assert printed.code == 0
        notes[command] = json.loads(Path(command, "report.json").read_text())["header"]["notes"]
        broken, failing = notes[command]
        counted[command] = failing.partition(" (")[0]
        assert reason in failing
    assert counted["run"] == counted["backtest"] == "strategy failing had no opinion 144 times"
    assert broken.startswith("strategy broken (strategies/broken.py:2): ")
    assert re.search(r" times \(strategies/failing\.py:\d+\): ", failing)
    assert results(Path("run")) == results(Path("backtest"))
    assert roottrading("run", *SHORT, "--output", "alone").code == 0
    signals = [Path(name, "signals.csv").read_bytes() for name in ("run", "backtest", "alone")]
    assert signals == [signals[0]] * 3


MANAGING = (
    FAILING.replace(
        "    @property",
        "    manages: ClassVar[bool] = True\n\n    def manage(self, position, row):\n        {hands}\n\n    @property",
    )
    .replace("import numpy", "from typing import ClassVar\n\nimport numpy")
    .replace("import Strategy", "import HOLD, Strategy")
)


@pytest.mark.parametrize(
    ("hands", "said"),
    [
        ("raise RuntimeError('no hands')", "manage of failing raised RuntimeError: no hands"),
        ("raise SystemExit(3)", "manage of failing raised SystemExit: 3"),
        ("return None", "manage of failing raised AttributeError: "),
        ("return row['nothing']", "manage of failing raised KeyError: 'nothing'"),
    ],
)
def test_a_strategy_that_fails_at_managing_is_counted_and_the_stop_stays(
    roottrading: Runner, hands: str, said: str
) -> None:
    body = "return np.where(np.arange(len(close)) // 7 % 2, 1.0, -1.0)"
    Path("strategies").mkdir()
    files = {}
    for name, does in (("failing", hands), ("holding", "return HOLD")):
        text = MANAGING.lstrip().format(body=body, hands=does).replace("Failing", name.title())
        Path(f"strategies/{name}.py").write_text(text)
        for command in ("run", "backtest"):
            folder = f"{command}-{name}"
            assert roottrading(command, *SHORT, "--strategies", name, "--output", folder).code == 0
            files[folder] = Path(folder, "fills.csv").read_bytes().count(b"\n")
            notes = json.loads(Path(folder, "report.json").read_text())["header"]["notes"]
            assert len(notes) == (name == "failing")
            assert all(re.match(r"in \d+ cycles: ", note) and said in note for note in notes)
    assert len(set(files.values())) == 1
    assert files["run-failing"] > 5


# ---- settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run]\nsymbols = 5\n", "run.symbols (roottrading.toml:2): 5 is not allowed"),
        ('[account]\ncapital = "much"\n', 'account.capital (roottrading.toml:2): "much" is not allowed'),
        ("[account]\ncapital = nan\n", "account.capital (roottrading.toml:2): NaN is not allowed"),
        ("run = 5\n", "run (roottrading.toml:1): is a section"),
        ("[run]\nstart = true\n", "run.start (roottrading.toml:2): true is not allowed"),
        ('[run]\nspeed = "0x"\n', 'run.speed (roottrading.toml:2): "0x" is not allowed'),
        ("[run\n", "roottrading.toml: is no valid TOML"),
    ],
)
@pytest.mark.parametrize("command", [("run",), ("backtest",), ("config", "check"), ("config", "show")])
def test_a_setting_of_a_wrong_type_is_named(
    roottrading: Runner, command: tuple[str, ...], text: str, said: str
) -> None:
    Path("roottrading.toml").write_text(text)
    printed = roottrading(*command)
    assert printed.code == 2
    assert f"error: {said}" in printed.err


# ---- the disk


BOUNDED = """
import os, resource, sys
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
os.execv(sys.executable, [sys.executable, "-m", "roottrading", *sys.argv[2:]])
"""


def on_a_full_disk(folder: Path, size: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that can write no file longer than `size` bytes."""
    command = [sys.executable, "-c", BOUNDED, str(size), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def results(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in RESULTS}


@pytest.mark.parametrize("size", [8_192, 200_000, 400_000])
def test_a_full_disk_stops_a_run_and_loses_nothing(roottrading: Runner, tmp_path: Path, size: int) -> None:
    failed = on_a_full_disk(tmp_path, size, "run", *SHORT, "--state", "state")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: the disk of state folder state failed or has no room")
    assert "see to it and start again, what was kept before stands" in failed.stderr
    assert roottrading("run", *SHORT, "--state", "state", "--output", "again").code == 0
    assert roottrading("backtest", *SHORT, "--output", "tested").code == 0
    assert results(tmp_path / "again") == results(tmp_path / "tested")
    assert results(tmp_path / "tested")["fills.csv"].count(b"\n") > 2


@pytest.mark.parametrize("command", ["run", "backtest"])
def test_a_full_disk_of_outputs_is_named(tmp_path: Path, command: str) -> None:
    failed = on_a_full_disk(tmp_path, 512, command, *SHORT, "--output", "out")
    assert failed.returncode == 1
    assert re.fullmatch(
        r"error: cannot write out/\w+\.csv: File too large; free space or choose another folder, .*\n", failed.stderr
    )


def test_a_full_disk_of_the_log_is_counted_and_the_run_goes_on(tmp_path: Path) -> None:
    done = on_a_full_disk(tmp_path, 1_024, "run", *SHORT, "--log", "run.log")
    assert done.returncode == 0
    assert done.stderr == "warning: run.log: no room left on its disk; the run goes on without its log\n"
    assert "lines of the log run.log are lost" in " ".join(done.stdout.split())
    assert all(json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines())


def test_parquet_without_its_package_is_refused_before_the_work(
    roottrading: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    printed = roottrading("backtest", *SHORT, "--equity", "every-candle", "--output", "out")
    assert (printed.code, printed.out) == (2, "")
    assert "pip install 'roottrading[parquet]'" in printed.err


@pytest.mark.parametrize("state", ["file", "file/state", "/proc/state", "/dev/null"])
def test_an_unwritable_state_folder_is_named(roottrading: Runner, state: str) -> None:
    Path("file").write_text("in the way")
    printed = roottrading("run", *SHORT, "--state", state)
    assert printed.code == 1
    assert printed.err.startswith(f"error: state folder {state}: ")
    assert "choose another with --state" in printed.err
    assert Path("file").read_text() == "in the way"


# ---- the state folder


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "state.sqlite") as connection:
        connection.execute(statement)
    connection.close()


def test_the_state_of_another_tape_is_refused(roottrading: Runner) -> None:
    Path("tape").mkdir()
    Path("tape/LTCUSDT-1m-a.csv").write_text(SOUND)
    command = ("run", "--tape", "tape", "--strategies", "ema_cross", "--state", "state")
    assert roottrading(*command).code == 0
    Path("tape/LTCUSDT-1m-a.csv").write_text(SOUND + candle(1500))
    refused = roottrading(*command)
    assert refused.code == 1
    assert "state folder state belongs to another run: tape is " in refused.err
    assert "Use another --state, or the settings it was made with" in refused.err
    Path("tape/LTCUSDT-1m-a.csv").write_text(SOUND)
    assert roottrading(*command).code == 0


def test_the_state_of_another_version_is_refused(roottrading: Runner, tmp_path: Path) -> None:
    assert roottrading("run", *SHORT, "--state", "state").code == 0
    change(tmp_path / "state", "UPDATE identity SET value = '0.0.1' WHERE name = 'version'")
    refused = roottrading("run", *SHORT, "--state", "state")
    assert refused.code == 1
    assert "version is 0.0.1 there and " in refused.err


def test_a_damaged_state_is_named(roottrading: Runner) -> None:
    Path("state").mkdir()
    Path("state/state.sqlite").write_text("no database, however long one looks at it" * 100)
    printed = roottrading("run", *SHORT, "--state", "state")
    assert printed.code == 1
    assert "state/state.sqlite is damaged" in printed.err
    assert "put a copy of the folder back, or move it away" in printed.err


def test_a_silent_owner_is_taken_over_and_shut_out(roottrading: Runner, tmp_path: Path) -> None:
    """The owner is stopped in its tracks, so that it does not beat; its last beat is made old instead of waited for."""
    owner = subprocess.Popen(
        [*COMMAND, "run", *SHORT, "--state", "state", "--speed", "60x"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    owner.stdout.readline()
    time.sleep(0.2)  # it waits for the next minute of the tape, a second away: it is not in the middle of a commit
    owner.send_signal(signal.SIGSTOP)
    refused = roottrading("run", *SHORT, "--state", "state")
    assert refused.code == 1
    assert f"state folder state is in use by process {owner.pid}" in refused.err
    change(tmp_path / "state", "UPDATE owner SET beat_at = beat_at - 10100000")
    assert roottrading("run", *SHORT, "--state", "state", "--output", "heir").code == 0
    owner.send_signal(signal.SIGCONT)
    _, said = owner.communicate()
    assert owner.returncode == 1
    assert "error: state folder state was taken over by process " in said
    assert roottrading("run", *SHORT, "--state", "state", "--output", "again").code == 0
    assert roottrading("backtest", *SHORT, "--output", "tested").code == 0
    assert results(tmp_path / "heir") == results(tmp_path / "again") == results(tmp_path / "tested")
