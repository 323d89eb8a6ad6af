"""Ports that are free, and stay the same."""

import socket
from pathlib import Path

import pytest

from roottrading.operations.local_servers.errors import ServerError
from roottrading.operations.local_servers.ports import LOOPBACK, RANGE_FILE, free_port, is_free, kept_port, let_go


def test_a_port_is_kept(tmp_path: Path) -> None:
    port = kept_port(tmp_path / "port")
    assert kept_port(tmp_path / "port") == port
    let_go(tmp_path)
    assert kept_port(tmp_path / "port") == port


def test_a_port_is_nobody_elses_while_its_server_is_made(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    first, second = kept_port(tmp_path / "port"), kept_port(other / "port")
    assert not is_free(first)
    let_go(tmp_path)
    assert is_free(first)
    assert not is_free(second)
    let_go(other)


def test_a_port_that_another_program_took_is_named(tmp_path: Path) -> None:
    port = kept_port(tmp_path / "port")
    let_go(tmp_path)
    told = rf"^port {port} is taken by another program: .*remove .*/port to have"
    with socket.create_server((LOOPBACK, port)), pytest.raises(ServerError, match=told):
        kept_port(tmp_path / "port", patience=0.1)
    assert kept_port(tmp_path / "port") == port


def test_a_port_is_none_that_outgoing_connections_are_lent() -> None:
    lowest_lent = int(RANGE_FILE.read_text().split()[0])
    assert all(10_000 <= free_port() < max(lowest_lent, 11_000) for _ in range(50))


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        assert not is_free(taken.getsockname()[1])
    assert is_free(free_port())
