"""Seven processes over real Redis, Kafka and PostgreSQL leave the very files of a backtest."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers.addresses import Servers
from tests.e2e.test_wire import COMMAND, FILES

WANTED = (
    "--symbols",
    "LTCUSDT,XRPUSDT",
    "--timeframe",
    "1m",
    "--strategies",
    "ema_rsi_cross,sma_cross,stochastic",
    "--from",
    "2021-04-16T22:00:00Z",
    "--to",
    "2021-04-17T01:30:00Z",
    "--set",
    "run.ledger=false",
)


@pytest.fixture
def deployment(topic_prefix: str) -> str:
    """A name that no other test's topics have."""
    return "u" + str(abs(hash(topic_prefix)) % 10**6)


def environment(servers: Servers) -> dict[str, str]:
    return {
        **os.environ,
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
    }


@pytest.mark.parametrize(
    ("instances", "loop"), [("trader=1", "uvloop"), ("analyzer=2,signal_aggregator=2,trader=3", "asyncio")]
)
def test_services_leave_the_files_of_a_backtest(
    servers: Servers, deployment: str, tmp_path: Path, instances: str, loop: str
) -> None:
    """However many of them there are (of three traders one has nothing to do), on whichever event loop."""
    given = environment(servers)
    if loop == "asyncio":
        (tmp_path / "uvloop.py").write_text("raise ImportError('as if the extra speed were not installed')")
        given["PYTHONPATH"] = os.pathsep.join((str(tmp_path), *given.get("PYTHONPATH", "").split(os.pathsep)))
    options = (*WANTED, "--set", f"account.deployment={deployment}")
    together = ("up", "--clock", "stepped", "--instances", instances, "--output", "apart")
    for command in (("backtest", "--output", "alone"), together):
        done = subprocess.run((*COMMAND, *command, *options), cwd=tmp_path, env=given, check=True, capture_output=True)
    assert b"the database is tended" in done.stdout + done.stderr
    assert (tmp_path / "alone" / "fills.csv").read_text().count("\n") > 3
    for name in FILES:
        assert (tmp_path / "apart" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name


def test_what_was_begun_ends_with_a_start_that_is_broken_off(servers: Servers, deployment: str, tmp_path: Path) -> None:
    command = (*COMMAND, "up", "--clock", "20x", *WANTED, "--set", f"account.deployment={deployment}")
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(servers), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        line = next(line for line in iter(process.stdout.readline, "") if line.startswith("exchange on "))
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(60) == 130
    port = int(line.partition(",")[0].rpartition(":")[2])
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
