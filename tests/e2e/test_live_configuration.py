"""Symbols and strategies are changed in Redis while the services trade; what cannot be is put right again."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers.addresses import Servers
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.up_process import Up, awaited, going_up
from tests.e2e.wire_account import Account
from tests.e2e.wire_kills import KEY, RESTLESS, SETTINGS

FIRST, SECOND = "LTCUSDT", "XRPUSDT"


@contextmanager
def services(folder: Path, url: str, environment: dict[str, str]) -> Iterator[Up]:
    (folder / "strategies").mkdir()
    (folder / "strategies" / "restless.py").write_text(RESTLESS)
    options = [part for each in SETTINGS for part in ("--set", each)]
    command = (*COMMAND, "up", "--exchange", url, "--symbols", FIRST, "--timeframe", "1m", "--strategies", "restless")
    with going_up((*command, *options), folder, environment) as up:
        yield up


def test_what_is_changed_in_redis_counts_and_what_cannot_be_is_put_right(servers: Servers, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
        "ROOTTRADING_ACCOUNT__DEPLOYMENT": f"c{os.getpid() % 10**6}",
    }
    played = ("--clock", "20x", "--symbols", f"{FIRST},{SECOND}", "--from", "2021-04-17T00:00:00Z")
    with exchange(tmp_path, *played) as (url, admin):
        account = Account(url, admin, KEY, KEY)

        def entries(symbol: str) -> int:
            return sum(order["side"] == "BUY" for order in account.orders(symbol))

        with (
            services(tmp_path, url, environment) as up,
            redis.Redis.from_url(servers.redis_url, decode_responses=True) as shown,
        ):
            awaited("the symbols", up, lambda: shown.smembers("config:symbols") == {FIRST})
            strategies = shown.hgetall("config:strategies")
            assert json.loads(strategies["restless"]) == {"enabled": True, "parameters": {}, "weight": "1"}
            assert not json.loads(strategies["sma_cross"])["enabled"]
            awaited("the first entry", up, lambda: entries(FIRST) > 0)

            shown.sadd("config:symbols", SECOND, "NOSUCHUSDT")
            awaited("symbols put right", up, lambda: shown.smembers("config:symbols") == {FIRST})
            shown.hset("config:strategies", "nosuch", "{}")
            awaited("a strategy put right", up, lambda: "nosuch" not in shown.hkeys("config:strategies"))
            shown.hset("config:strategies", "restless", '{"enabled": perhaps}')
            awaited("JSON put right", up, lambda: shown.hgetall("config:strategies") == strategies)
            refused = [line for line in up.said if "is refused" in line]
            for reason in ("NOSUCHUSDT: ", "no strategy 'nosuch'", "config:strategies, restless: "):
                assert any(reason in line for line in refused), "\n".join(refused)
            assert entries(SECOND) == 0

            shown.sadd("config:symbols", SECOND)
            awaited("the symbol that was added is bought", up, lambda: entries(SECOND) > 0)
            before = entries(FIRST)
            awaited("the other still is", up, lambda: entries(FIRST) > before)
            shown.delete("config:symbols", "config:strategies")  # memory lost, not a wish
            awaited("both again", up, lambda: shown.smembers("config:symbols") == {FIRST, SECOND})

            shown.srem("config:symbols", FIRST)
            awaited("its leave", up, lambda: any('"leaving"' in line for line in up.said))
            awaited("its end", up, lambda: "LTC" not in held(account))
            before, other = entries(FIRST), entries(SECOND)
            awaited("another entry", up, lambda: entries(SECOND) > other)
            assert entries(FIRST) == before
            listed = subprocess.run(
                (*COMMAND, "config", "changes"), env=environment, check=True, capture_output=True, text=True, cwd="/"
            )
            assert [line.split()[-3:] for line in listed.stdout.splitlines()[-2:]] == [
                [SECOND, '"traded"', "redis"],
                [FIRST, '"leaving"', "redis"],
            ]
            assert shown.smembers("config:symbols") == {SECOND}


def held(account: Account) -> set[str]:
    return {asset for asset, total in account.totals().items() if total > 1}
