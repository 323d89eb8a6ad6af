"""Kafka loses its disk while the services trade: they say so and wait; filled anew, they go on, the books right.

On the way: Redis shows the recent candles, again after it forgot them.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import redis

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers import KafkaServer
from tests.e2e.test_kill_anything import balances, held, left, services, told
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.up_process import awaited
from tests.e2e.wire_account import Account, books_of, compare_books
from tests.e2e.wire_kills import KEY, SYMBOLS


def test_a_kafka_without_its_disk_is_filled_anew(
    redis_url: str, postgres_url: str, own_kafka: KafkaServer, tmp_path: Path
) -> None:
    environment = {**os.environ, REDIS_URL: redis_url, KAFKA_URL: own_kafka.url, POSTGRES_URL: postgres_url}
    served = ("--clock", "20x", "--symbols", ",".join(SYMBOLS), "--from", "2021-04-17T00:00:00Z")
    with exchange(tmp_path, *served) as (url, admin):
        account = Account(url, admin, KEY, KEY)

        def entries() -> int:
            return sum(order["side"] == "BUY" for symbol in SYMBOLS for order in account.orders(symbol))

        with (
            services(tmp_path, url, environment) as up,
            redis.Redis.from_url(redis_url, decode_responses=True) as shown,
        ):
            awaited("the first entry", up, lambda: entries() > 0)
            awaited("candles", up, lambda: shown.zcard("candles:LTCUSDT:1m") > 3)
            shown.flushall()
            awaited("candles again", up, lambda: shown.zcard("candles:LTCUSDT:1m") > 3)
            awaited("balances again", up, lambda: shown.hgetall("balances:current"))

            os.kill(up.ids["trader"], signal.SIGKILL)  # what comes for it now it finds after the rebuild
            own_kafka.kill()
            shutil.rmtree(own_kafka.folder / "data")
            own_kafka.start()
            for role in ("coordinator", "trader", "portfolio", "dispatcher"):
                awaited(f"{role} that asks", up, lambda: any(asks(line, role) for line in up.said))  # noqa: B023
            before = entries()
            time.sleep(2.0)
            assert entries() == before
            done = subprocess.run(
                (*COMMAND, "kafka", "rebuild"), env=environment, check=True, capture_output=True, text=True, cwd="/"
            )
            assert done.stdout.startswith("topics: "), done.stdout
            awaited("an entry after the rebuild", up, lambda: entries() > before)
            told("halt", environment)
            told("flatten", environment)
            awaited("nothing held", up, lambda: not held(account))
            awaited("all cycles ended", up, lambda: not shown.smembers("cycles:active"))
            awaited("all executions booked", up, lambda: balances(shown) == account.totals())
        records = asyncio.run(left(postgres_url))
        found = compare_books(account, books_of(records), SYMBOLS, {}, "")
        assert found.problems == []
        assert found.entries >= 2


def asks(line: str, role: str) -> bool:
    return f" {role} " in line and "roottrading kafka rebuild" in line
