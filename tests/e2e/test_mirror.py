"""`exchange --mirror`: what it refuses, and a bot that trades on the mirror of a market."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers.addresses import Servers
from tests.e2e.conftest import Runner
from tests.e2e.test_kill_anything import services
from tests.e2e.test_market import wait_for_cycles
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.up_process import awaited
from tests.e2e.wire_account import Account
from tests.e2e.wire_kills import KEY, RESTLESS

SERVED = ("--clock", "20x", "--symbols", "LTCUSDT", "--from", "2021-04-17T00:00:00Z")
RUN = ("--symbols", "LTCUSDT", "--timeframe", "1m", "--strategies", "restless", "--set", "aggregator.quorum=0")
EQUAL = ("--set", "aggregator.weighting=equal", "--set", "coordinator.abnormal.slippage=off")


def test_a_bot_trades_on_the_mirror_of_a_market(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "restless.py").write_text(RESTLESS)
    with (
        exchange(tmp_path, *SERVED) as (upstream, _),
        exchange(tmp_path, "--mirror", upstream, "--symbols", "LTCUSDT") as (mirror, _),
        (tmp_path / "said.txt").open("w") as out,
    ):
        command = (*COMMAND, "run", "--exchange", mirror, *RUN, *EQUAL)
        with subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True) as bot:
            wait_for_cycles(tmp_path, bot, 2)
            bot.send_signal(signal.SIGINT)
            _, errors = bot.communicate(timeout=120)
            assert bot.returncode == 130, errors
    assert "Traceback" not in errors


def test_seven_services_trade_on_the_mirror_of_a_market(servers: Servers, topic_prefix: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
    }
    named = ("--set", f"account.deployment=m{abs(hash(topic_prefix)) % 10**6}")
    with (
        exchange(tmp_path, *SERVED) as (upstream, _),
        exchange(tmp_path, "--mirror", upstream, "--symbols", "LTCUSDT") as (mirror, admin),
        services(tmp_path, mirror, environment, *RUN[:2], *named) as up,
    ):
        account = Account(mirror, admin, KEY, KEY)
        awaited("an entry", up, lambda: any(order["side"] == "BUY" for order in account.orders("LTCUSDT")))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--mirror", "binance"), "--symbols"),
        (("--mirror", "binance", "--symbols", "BTCUSDT", "--clock", "stepped"), "--clock is for a recorded market"),
        (("--mirror", "binance", "--symbols", "BTCUSDT", "--begin", "now"), "--begin is for a recorded market"),
        (("--mirror", "binance", "--symbols", "BTCUSDT", "--from", "2021-04-17"), "--from is for a recorded market"),
        (("--mirror", "ftp://here", "--symbols", "BTCUSDT"), "write http://HOST:PORT"),
    ],
)
def test_what_a_mirror_cannot_have_is_refused(roottrading: Runner, options: tuple[str, ...], said: str) -> None:
    refused = roottrading("exchange", *options)
    assert refused.code == 2
    assert said in refused.err


def test_a_market_that_is_not_there_is_named(roottrading: Runner) -> None:
    away = ("--set", "binance.public_rest=http://127.0.0.1:9", "--set", "binance.public_stream=ws://127.0.0.1:9")
    refused = roottrading("exchange", "--mirror", "binance", "--symbols", "BTCUSDT", *away)
    assert refused.code == 1
    assert "the market at http://127.0.0.1:9 cannot be mirrored" in refused.err
