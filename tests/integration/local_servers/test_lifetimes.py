"""Nothing is left behind: servers end with whoever they belong to, and those that are kept end when told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from roottrading.operations.local_servers import RedisServer, ServerError, keeper
from roottrading.operations.local_servers.all_servers import all_servers
from tests.servers import needed

STARTED = """
import sys, time
from pathlib import Path
from roottrading.operations.local_servers import {server}

server = {server}(Path(sys.argv[1]), durable=False)
server.start()
print(server.process_id, flush=True)
if sys.argv[2] == "stay":
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _programs() -> None:
    needed("redis")
    needed("postgres")


def starting(server: str, folder: Path, then: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", STARTED.format(server=server), str(folder), then]
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True)


def is_there(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def soon(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


def test_a_server_ends_when_its_starter_is_done(server_folder: Path) -> None:
    with starting("RedisServer", server_folder / "a", "go") as starter:
        assert starter.stdout is not None
        server = int(starter.stdout.readline())
    assert starter.returncode == 0
    assert not is_there(server)


@pytest.mark.parametrize("server", ["RedisServer", "PostgresServer"])
def test_a_server_ends_when_its_starter_is_killed(server: str, server_folder: Path) -> None:
    with starting(server, server_folder / "a", "stay") as starter:
        assert starter.stdout is not None
        process = int(starter.stdout.readline())
        assert is_there(process)
        starter.kill()
    assert soon(lambda: not is_there(process))


def test_a_kept_server_outlives_who_asked_and_ends_when_told(server_folder: Path) -> None:
    asking = "import sys; from pathlib import Path; from roottrading.operations.local_servers import keeper; "
    asking += "print(keeper.obtain('redis', Path(sys.argv[1])).url)"
    folder = server_folder / "kept"
    answers = [
        subprocess.run(
            [sys.executable, "-c", asking, folder], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    try:
        assert answers[0] == answers[1]
        with redis.Redis.from_url(answers[0]) as client:
            client.set("kept", "yes")
        kept = keeper.find(folder)
        assert kept is not None
        assert keeper.release(folder)
        assert (is_there(kept.server), keeper.find(folder)) == (False, None)
        assert soon(lambda: not is_there(kept.keeper))
        assert not keeper.release(folder)
        again = keeper.obtain("redis", folder)
        assert again.url == answers[0]
        with redis.Redis.from_url(again.url) as client:
            assert client.get("kept") == b"yes"
    finally:
        keeper.release(folder)


def test_a_kept_server_ends_with_its_keeper_and_can_be_had_again(server_folder: Path) -> None:
    first = keeper.obtain("redis", server_folder / "kept")
    try:
        os.kill(first.keeper, signal.SIGKILL)
        assert soon(lambda: not is_there(first.server))
        second = keeper.obtain("redis", server_folder / "kept")
        assert (second.url, second.server == first.server) == (first.url, False)
    finally:
        keeper.release(server_folder / "kept")


def test_a_watched_process_takes_the_server_and_its_data_along(server_folder: Path) -> None:
    folder = server_folder / "run" / "kept"
    with subprocess.Popen(["sleep", "600"]) as watched:
        kept = keeper.obtain("redis", folder, durable=False, watch=watched.pid)
        assert is_there(kept.server)
        watched.kill()
    assert soon(lambda: not is_there(kept.keeper))
    assert (is_there(kept.server), folder.parent.exists()) == (False, False)


def test_a_start_that_fails_says_what_the_server_said(server_folder: Path) -> None:
    broken = server_folder / "broken" / "data" / "appendonlydir"
    broken.mkdir(parents=True)
    (broken / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(ServerError, match=r"(?s)redis-server ended with code 1 at its start.*last lines.*manifest"):
        RedisServer(server_folder / "broken").start()
    with pytest.raises(ServerError, match=r"(?s)ended with code 1.*manifest"):
        keeper.obtain("redis", server_folder / "broken")


def test_all_three_are_local_but_for_those_that_the_environment_names(server_folder: Path) -> None:
    named = {
        "ROOTTRADING_KAFKA_URL": "kafka://elsewhere:9092",
        "ROOTTRADING_POSTGRES_URL": "postgresql://a@elsewhere/b",
    }
    with all_servers(server_folder / "all", durable=False, environment=named) as found:
        assert (found.kafka_url, found.postgres_url) == tuple(named.values())
        with redis.Redis.from_url(found.redis_url) as client:
            assert client.ping()
    with redis.Redis.from_url(found.redis_url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
