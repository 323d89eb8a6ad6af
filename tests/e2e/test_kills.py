"""A run killed with -9 at twenty random moments and restarted ends as a backtest that nothing happened to."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from roottrading.adapters.store.inspection import inspect_folder
from tests.e2e.conftest import Runner

COMMAND = (sys.executable, "-m", "roottrading")
FILES = ("signals.csv", "verdicts.csv", "cycles.csv", "orders.csv", "fills.csv", "refusals.csv", "equity.csv")
KILLS = 20
SETTINGS = """
[run]
symbols = ["LTCUSDT", "XRPUSDT"]
start = 2021-04-16T12:00:00Z
end = 2021-04-18T12:00:00Z
timeframe = "5m"
strategies = ["ema_cross", "donchian_breakout", "supertrend"]

[strategies.donchian_breakout]
timeframe = "15m"

[aggregator]
weighting = "learned"
"""


def killed_after(seconds: float, started: bool) -> int:
    """Run, kill -9 after so long - from its first line on, or from its very start - and return how it ended."""
    running = subprocess.Popen(
        [*COMMAND, "run", "--state", "state", "--speed", "36000x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    if started:
        running.stdout.readline()
    time.sleep(seconds)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    return running.returncode


def test_killed_twenty_times_it_ends_with_the_bytes_of_a_backtest(roottrading: Runner) -> None:
    """The seed is fixed, the moments are the machine's: two timeframes, weights learned twice on the way."""
    Path("roottrading.toml").write_text(SETTINGS)
    assert roottrading("backtest", "--output", "tested").code == 0
    chance = random.Random(1)
    reached = []
    for number in range(KILLS):
        started = number % 5 != 4  # every fifth is killed while it starts
        ended = killed_after(chance.random() * (0.3 if started else 0.9), started)
        assert ended == -signal.SIGKILL, "it came to its end before it was killed: slow it down"
        reached.append(inspect_folder(Path("state")).position)
    assert len(set(reached)) > KILLS / 2, f"the kills hit at {reached}"
    assert roottrading("run", "--state", "state", "--output", "run").code == 0
    assert {name: Path("run", name).read_bytes() for name in FILES} == {
        name: Path("tested", name).read_bytes() for name in FILES
    }
    assert Path("run/cycles.csv").read_bytes().count(b"\n") > 10
