"""Commands of others run to their end, and never for long."""

import time
from pathlib import Path

import pytest

from roottrading.operations.local_servers.commands import CommandFailed, run


def test_it_tells_what_was_said() -> None:
    assert run(["sh", "-c", "echo one; echo two >&2"], 10.0) == "one\ntwo"


def test_it_runs_where_it_is_told_to(tmp_path: Path) -> None:
    assert run(["pwd"], 10.0, folder=tmp_path, environment={}) == str(tmp_path)


def test_an_error_names_the_code_and_the_last_lines() -> None:
    with pytest.raises(CommandFailed, match=r"^sh ended with code 3: b / c$"):
        run(["sh", "-c", "echo a; echo b; echo c; exit 3"], 10.0, last_lines=2)


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    with pytest.raises(CommandFailed, match=r"^sh took longer than 0\.5 s$"):
        run(["sh", "-c", f"sleep 600 & echo $! >{started}; wait"], 0.5)
    until = time.monotonic() + 20
    while is_there(started.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_there(started.read_text().strip())


def is_there(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
