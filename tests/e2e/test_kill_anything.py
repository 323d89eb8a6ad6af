"""Each service, Redis, Kafka and PostgreSQL are killed once in the middle of trading: it goes on by itself.

At last a person halts it, sells all, and lets it trade again: the services obey through their database, and Redis shows
what is, also after it forgot everything.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import redis

from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.domain.balance import Balance
from roottrading.operations.local_servers import KafkaServer, PostgresServer, RedisServer
from roottrading.operations.local_servers.server import LocalServer
from roottrading.pipeline import ROLES
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.distributed.collecting import collect
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.up_process import Up, awaited, going_up
from tests.e2e.wire_account import Account, books_of, compare_books
from tests.e2e.wire_kills import BY_TURNS, KEY, SETTINGS, SYMBOLS

PRICES = {"LTC": 300, "XRP": 2}  # about, in USDT


@contextmanager
def services(folder: Path, url: str, environment: dict[str, str], *more: str) -> Iterator[Up]:
    (folder / "strategies").mkdir()
    (folder / "strategies" / "restless.py").write_text(BY_TURNS)
    options = [part for each in SETTINGS for part in ("--set", each)]
    command = (*COMMAND, "up", "--exchange", url, "--symbols", ",".join(SYMBOLS), "--timeframe", "1m")
    with going_up((*command, "--strategies", "restless", *options, *more), folder, environment) as up:
        yield up


def test_whatever_is_killed_it_goes_on_and_obeys(
    own_redis: RedisServer, own_postgres: PostgresServer, own_kafka: KafkaServer, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        REDIS_URL: own_redis.url,
        KAFKA_URL: own_kafka.url,
        POSTGRES_URL: own_postgres.url,
    }
    served = ("--clock", "20x", "--symbols", ",".join(SYMBOLS), "--from", "2021-04-17T00:00:00Z")
    with exchange(tmp_path, *served) as (url, admin):
        account = Account(url, admin, KEY, KEY)

        def entries() -> int:
            return sum(order["side"] == "BUY" for symbol in SYMBOLS for order in account.orders(symbol))

        with services(tmp_path, url, environment) as up:
            awaited("the first entry", up, lambda: entries() > 0)
            for role in ROLES:
                before = entries()
                os.kill(up.ids[role.name], signal.SIGKILL)
                awaited(f"an entry after the death of {role.name}", up, lambda: entries() > before)  # noqa: B023
            servers: tuple[LocalServer, ...] = (own_redis, own_kafka, own_postgres)
            for server in servers:
                before = entries()
                server.kill()
                time.sleep(1.0)
                server.start()
                awaited(f"an entry after the death of {server.kind}", up, lambda: entries() > before)  # noqa: B023
            assert "trading   trading" in told("status", environment)
            told("halt", environment)
            told("flatten", environment)
            awaited("nothing held", up, lambda: not held(account))
            shown = redis.Redis.from_url(own_redis.url, decode_responses=True)
            awaited("no cycle shown", up, lambda: not shown.smembers("cycles:active"))
            shown.flushall()
            awaited("balances shown anew", up, lambda: shown.hgetall("balances:current"))
            before = entries()
            time.sleep(6.5)  # two entries' time
            assert entries() == before
            assert "trading   halted" in told("status", environment)
            told("resume", environment)
            awaited("an entry after the resume", up, lambda: entries() > before)
            awaited("a position shown", up, lambda: shown.hgetall("positions:active"))
            awaited("its cycle shown", up, lambda: shown.smembers("cycles:active"))
            told("halt", environment)  # an order under way when the services end is theirs only at their next start
            told("flatten", environment)
            awaited("nothing held at the end", up, lambda: not held(account))
            awaited("all cycles ended", up, lambda: not shown.smembers("cycles:active"))
            awaited("all executions booked", up, lambda: balances(shown) == account.totals())
        records = asyncio.run(left(own_postgres.url))
        found = compare_books(account, books_of(records), SYMBOLS, {}, "")
        assert found.problems == []
        assert found.entries >= 1 + len(ROLES) + len(servers)


def told(command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        (*COMMAND, "control", command), env=environment, check=True, capture_output=True, text=True, cwd="/"
    )
    return done.stdout


def balances(shown: redis.Redis) -> dict[str, Decimal]:
    """Return what Redis shows of the account, by asset."""
    texts = shown.hgetall("balances:current")
    found = {str(asset): msgspec.json.decode(text, type=Balance) for asset, text in texts.items()}
    return {asset: each.free + each.locked for asset, each in found.items() if each.free + each.locked}


def held(account: Account) -> bool:
    """Say whether anything is held that could be sold."""
    return any(total * PRICES[asset] > 10 for asset, total in account.totals().items() if asset in PRICES)


async def left(url: str) -> dict[str, list[object]]:
    store = await collect(url, PostgresSettings())
    rows = store.load().rows
    return {
        table.name: list(store.journal(table)) if table.kept == "journal" else [row.values for row in rows[table.name]]
        for table in ALL_TABLES
    }
