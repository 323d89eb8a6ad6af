"""The command `roottrading exchange`, as a process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

import pytest


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the exchange; yield it and the address that it says."""
    line = [sys.executable, "-m", "roottrading", "exchange", "--port", "0", "--symbols", "LTCUSDT", *arguments]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        assert said.startswith("exchange on http://"), said + process.stderr.read()
        yield process, said.split()[2]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ask(address: str) -> object:
    with urlopen(address, timeout=10) as answer:
        return json.load(answer)


def test_it_serves_now_with_the_real_clock_and_ends_on_a_signal() -> None:
    with command("--account", "k:s") as (process, place):
        told = ask(f"{place}/api/v3/time")
        assert isinstance(told, dict)
        assert abs(told["serverTime"] - time.time_ns() // 1_000_000) < 1000  # a client's own clock is good enough
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")
        assert out.splitlines()[-1] == "stopped"


def test_it_begins_where_it_is_told_to() -> None:
    with command("--begin", "2030-01-01T00:00:00Z", "--clock", "60x") as (_, place):
        told = ask(f"{place}/api/v3/klines?symbol=LTCUSDT&interval=1m&limit=1000")
        assert isinstance(told, list)
        assert told[0][0] == 1_893_456_000_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--clock", "soon"], "clock 'soon': use real, stepped, or a pace such as 60x"),
        (["--begin", "soon"], "--begin soon: use now, recorded, or a date"),
        (["--account", "k"], "account number 1 is not KEY:SECRET"),
        (["--tape", "/no/such/tape"], "/no/such/tape"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments: list[str], words: str) -> None:
    line = [sys.executable, "-m", "roottrading", "exchange", "--port", "0", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {1, 2}
    (said,) = done.stderr.splitlines()
    assert words in said


def test_a_port_that_is_taken_is_named() -> None:
    with command() as (_, place):
        port = place.rpartition(":")[2]
        line = [sys.executable, "-m", "roottrading", "exchange", "--port", port, "--symbols", "LTCUSDT"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert "address already in use" in done.stderr
