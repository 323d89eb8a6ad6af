"""Disk and ports of this machine."""

import socket
from pathlib import Path

import pytest

from roottrading.operations.doctor.machine import disk, port, room


@pytest.mark.parametrize(
    ("free", "level"),
    [(99_999_999, "problem"), (100_000_000, "warning"), (999_999_999, "warning"), (1_000_000_000, "ok")],
)
def test_room_is_judged(free: int, level: str) -> None:
    assert room(free, Path("/there")).level == level


def test_this_disk_is_looked_at(tmp_path: Path) -> None:
    found = disk(tmp_path / "not" / "there" / "yet")
    assert f"GB free at {tmp_path}" in found.text


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        number = listening.getsockname()[1]
        taken = port(number)
    assert (taken.level, taken.text) == ("warning", f"127.0.0.1:{number} is in use")
    assert port(number).level == "ok"
