"""Two analyzers and two traders: one of each is killed or stopped in the middle of trading, and others take over.

On the way a stranger writes into every partition there is: that holds nothing up.
"""

import asyncio
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from confluent_kafka import Producer

from roottrading.config.secrets import BUS_SECRET, KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers.addresses import Servers, bootstrap_servers
from roottrading.operations.local_servers.ports import free_port
from roottrading.runtimes.distributed.installation import TOPICS
from tests.e2e.test_kill_anything import balances, held, left, services, told
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.up_process import Up, awaited
from tests.e2e.wire_account import Account, books_of, compare_books
from tests.e2e.wire_kills import KEY, SYMBOLS

OPTIONS = ("--symbols", ",".join(SYMBOLS), "--timeframe", "1m", "--strategies", "restless")


@contextmanager
def another_trader(folder: Path, url: str, environment: dict[str, str], *more: str) -> Iterator[Callable[[], Any]]:
    """Start one by hand; give what it says of its readiness."""
    port = free_port()
    command = (*COMMAND, "trader", "--exchange", url, *OPTIONS, "--health-port", str(port), *more)

    def ready() -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=20) as answer:
                return json.loads(answer.read())
        except (urllib.error.HTTPError, OSError):
            return {}

    with (
        (folder / "third.txt").open("w") as said,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said) as process,
    ):
        try:
            yield ready
        finally:
            process.terminate()


def write_everywhere(kafka_url: str, deployment: str) -> None:
    stranger = Producer({"bootstrap.servers": bootstrap_servers(kafka_url), "log_level": 0})
    for topic, partitions in TOPICS.items():
        for partition in range(partitions):
            stranger.produce(f"{deployment}.{topic}", b'{"v":1}', partition=partition)
    assert stranger.flush(30) == 0


def symbols_taken(up: Up, name: str) -> set[str]:
    """Return what an instance ever served."""
    lines = [line for line in up.said if f" {name} INFO took " in line]
    return {symbol for symbol in SYMBOLS if any(symbol in line for line in lines)}


def test_others_take_over_what_an_instance_served(servers: Servers, topic_prefix: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
        BUS_SECRET: "a secret of this very test",
    }
    deployment = f"i{abs(hash(topic_prefix)) % 10**6}"
    named = ("--set", f"account.deployment={deployment}")
    served = ("--clock", "20x", "--symbols", ",".join(SYMBOLS), "--from", "2021-04-17T00:00:00Z")
    with exchange(tmp_path, *served) as (url, admin):
        account = Account(url, admin, KEY, KEY)

        def entries() -> list[int]:
            return [sum(order["side"] == "BUY" for order in account.orders(symbol)) for symbol in SYMBOLS]

        with services(tmp_path, url, environment, "--instances", "analyzer=2,trader=2", *named) as up:

            def goes_on(when: str) -> None:
                before = entries()
                awaited(
                    f"entries in all symbols {when}",
                    up,
                    lambda: all(now > then for now, then in zip(entries(), before, strict=True)),
                )

            goes_on("at first")
            write_everywhere(servers.kafka_url, deployment)
            for service in ("trader-1", "trader-2", "coordinator", "portfolio", "dispatcher"):
                awaited(
                    f"{service} passed it over",
                    up,
                    lambda: any(f" {service} ERROR" in line and "passed over" in line for line in up.said),  # noqa: B023
                )
            goes_on("after a stranger wrote everywhere")
            for name in ("analyzer-1", "trader-2"):
                os.kill(up.ids[name], signal.SIGKILL)
                goes_on(f"after the death of {name}")
            stopped = up.ids["trader-1"]
            os.kill(stopped, signal.SIGSTOP)
            goes_on("while trader-1 stands still")
            os.kill(stopped, signal.SIGCONT)
            goes_on("when it is awake again")
            with another_trader(tmp_path, url, environment, *named) as ready:
                awaited("a trader that stands by", up, lambda: ready().get("stage") == "standing by")
                assert "other instances serve all" in ready()["dependencies"]["units"]["why"]
            told("halt", environment)
            told("flatten", environment)
            awaited("nothing held", up, lambda: not held(account))
            shown = redis.Redis.from_url(servers.redis_url, decode_responses=True)
            awaited("all cycles ended", up, lambda: not shown.smembers("cycles:active"))
            awaited("all executions booked", up, lambda: balances(shown) == account.totals())
            assert symbols_taken(up, "trader-1") == symbols_taken(up, "trader-2") == set(SYMBOLS)
        found = compare_books(account, books_of(asyncio.run(left(servers.postgres_url))), SYMBOLS, {}, "")
        assert found.problems == []
        assert found.entries >= 5 * len(SYMBOLS)
