"""Services that are told to end while their servers answer nothing end by themselves all the same."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers import KafkaServer, PostgresServer, RedisServer
from roottrading.operations.local_servers.server import LocalServer
from roottrading.pipeline import ROLES
from tests.e2e.test_kill_anything import services
from tests.e2e.test_wire import exchange
from tests.e2e.up_process import Up, awaited
from tests.e2e.wire_account import Account
from tests.e2e.wire_kills import KEY, SYMBOLS

SERVED = ("--clock", "20x", "--symbols", ",".join(SYMBOLS), "--from", "2021-04-17T00:00:00Z")
INTERRUPTED = 130


@contextmanager
def frozen(*servers: LocalServer) -> Iterator[None]:
    """Have servers stand still: they hold their connections and answer nothing."""
    family = [member for server in servers for member in _family(server.process_id)]
    for member in family:
        os.kill(member, signal.SIGSTOP)
    try:
        yield
    finally:
        for member in family:
            os.kill(member, signal.SIGCONT)


def _family(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [parent, *(member for child in children for member in _family(int(child)))]


def ended_by_themselves(up: Up) -> None:
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == INTERRUPTED
    up.reading.join(10)
    assert not [line for line in up.said if "did not end within" in line], "\n".join(up.said[-40:])


def test_services_end_by_themselves_without_their_servers(
    own_redis: RedisServer, own_postgres: PostgresServer, own_kafka: KafkaServer, tmp_path: Path
) -> None:
    environment = {**os.environ, REDIS_URL: own_redis.url, KAFKA_URL: own_kafka.url, POSTGRES_URL: own_postgres.url}
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with exchange(tmp_path, *SERVED) as (url, admin):
        account = Account(url, admin, KEY, KEY)
        with services(first, url, environment) as up:
            awaited("an order", up, lambda: any(account.orders(symbol) for symbol in SYMBOLS))
            own_kafka.kill()
            with frozen(own_redis, own_postgres):
                ended_by_themselves(up)
        own_kafka.start()
        with frozen(own_kafka), services(second, url, environment) as up:

            def begun() -> bool:
                return all(
                    any(f" {role.name} INFO serves" in line or f" {role.name} INFO begins" in line for line in up.said)
                    for role in ROLES
                )

            awaited("all that wait for Kafka", up, begun)
            ended_by_themselves(up)
