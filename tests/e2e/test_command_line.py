"""The command line as a user meets it: what it prints, and its exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from roottrading import __version__
from roottrading.adapters.tape.shipped import shipped_tape
from roottrading.config.settings import Settings
from tests.e2e.conftest import Runner

HEAVY = ("numpy", "talib", "polars", "msgspec", "roottrading.config.settings", "sqlite3")


def test_the_version_is_the_packages(roottrading: Runner) -> None:
    assert roottrading("--version").out == f"roottrading {__version__}\n"


def test_help_imports_nothing_that_takes_time() -> None:
    """Import on use is what keeps --help quick; that it is, without a stopwatch."""
    code = (
        "import sys\nfrom roottrading.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "HEAVY []"
    assert "Commands" in printed


@pytest.mark.parametrize("arguments", [["dta"], ["data", "fold"], ["config", "show", "--sett", "a=b"]])
def test_wrong_usage_is_exit_code_2(roottrading: Runner, arguments: list[str]) -> None:
    printed = roottrading(*arguments)
    assert printed.code == 2
    assert "Usage: roottrading" in printed.err


def test_a_wrong_setting_is_exit_code_2_and_a_line_each(roottrading: Runner) -> None:
    Path("roottrading.toml").write_text("[coordinator]\nmax_cycles = 0\n")
    printed = roottrading("config", "check", "--set", "run.sped=1x")
    assert printed.code == 2
    assert printed.err.splitlines() == [
        "error: run.sped (flag --set run.sped): is unknown: did you mean run.speed?",
        "error: coordinator.max_cycles (roottrading.toml:2): 0 is not allowed: use a whole number at least 1 and at "
        'most 1000, or "off"',
    ]


def test_sound_settings_are_counted(roottrading: Runner) -> None:
    printed = roottrading("config", "check", "--set", "run.speed=1x")
    assert printed.code == 0
    assert printed.out.startswith("the settings are sound: 1 set, ")


def test_what_config_show_prints_is_a_settings_file(roottrading: Runner) -> None:
    printed = roottrading("config", "show", "--set", "coordinator.max_cycles=off")
    assert 'max_cycles = "off"  # flag --set coordinator.max_cycles\n' in printed.out
    Path("again.toml").write_text(printed.out)
    again = roottrading("config", "show", "--config", "again.toml")
    assert again.code == 0
    lines = printed.out.splitlines()
    assert [line.partition("  #")[0] for line in again.out.splitlines()] == [line.partition("  #")[0] for line in lines]
    assert all(f"{name}" in printed.out for name in Settings.__struct_fields__)


def test_the_shipped_tape_is_sound(roottrading: Runner) -> None:
    printed = roottrading("data", "check")
    assert printed.code == 0
    assert printed.out.endswith("5 files, all sound\n")


def test_a_wrong_tape_is_exit_code_1(roottrading: Runner) -> None:
    Path("BTCUSDT-1m-a.csv").write_text("1704067200000,1,2,1,nonsense,5\n")
    printed = roottrading("data", "check", ".")
    assert printed.code == 1
    assert "nonsense" in printed.out
    assert printed.out.endswith("1 files, 1 of them wrong\n")


def test_folding_writes_a_file_that_can_be_checked(roottrading: Runner) -> None:
    folded = roottrading("data", "fold", str(shipped_tape()[0]), "--timeframe", "4h", "--output", "folded")
    assert folded.code == 0
    path = folded.out.strip()
    assert roottrading("data", "check", path).code == 0


def test_a_missing_file_is_named_without_a_traceback(roottrading: Runner) -> None:
    printed = roottrading("data", "check", "absent")
    assert (printed.code, printed.err) == (1, "error: absent: does not exist\n")


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "roottrading", "data", "check", "absent", "--debug"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback")
