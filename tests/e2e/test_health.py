"""A service says what it lacks, and is ready again when that is back; it answers all the while."""

import asyncio
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers import KafkaServer, PostgresServer, RedisServer
from roottrading.operations.local_servers.ports import free_port
from tests.e2e.test_wire import COMMAND, exchange

PATIENCE = 60.0
SERVERS = {"redis", "postgresql", "kafka"}


def asked(url: str) -> tuple[int, bytes]:
    """Return status and body; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def missing(url: str) -> tuple[int, dict[str, Any]]:
    """Return the status of /health/ready, and what it names as not well."""
    status, body = asked(f"{url}/health/ready")
    found = json.loads(body)["dependencies"] if body else {}
    return status, {name: each for name, each in found.items() if not each["ok"]}


def awaited(is_so: Callable[[], bool], url: str) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, asked(f"{url}/health/ready")
        time.sleep(0.1)


def test_a_service_names_what_is_missing_and_goes_on_when_it_is_back(
    own_redis: RedisServer, own_postgres: PostgresServer, own_kafka: KafkaServer, tmp_path: Path
) -> None:
    asyncio.run(upgrade(own_postgres.url, PostgresSettings()))
    environment = {
        **os.environ,
        REDIS_URL: own_redis.url,
        KAFKA_URL: own_kafka.url,
        POSTGRES_URL: own_postgres.url,
    }
    own_kafka.kill()  # it is not there when the service begins
    url = f"http://127.0.0.1:{(port := free_port())}"
    log = tmp_path / "log"
    with exchange(tmp_path, "--clock", "60x", "--symbols", "LTCUSDT") as (market, _), log.open("w") as written:
        command = (*COMMAND, "dispatcher", "--exchange", market, "--symbols", "LTCUSDT", "--timeframe", "1m")
        with subprocess.Popen(
            (*command, "--strategies", "sma_cross", "--health-port", str(port)), env=environment, stderr=written
        ) as service:
            try:
                awaited(lambda: "kafka" in missing(url)[1], url)
                assert missing(url)[0] == 503
                assert asked(f"{url}/health/live")[0] == 200
                own_kafka.start()
                awaited(lambda: missing(url) == (200, {}), url)

                own_redis.kill()
                own_postgres.kill()
                awaited(lambda: {"redis", "postgresql"} <= set(missing(url)[1]), url)
                status, found = missing(url)
                assert status == 503
                assert "kafka" not in found
                assert all(each["why"] and each["what_to_do"] for each in found.values())
                assert asked(f"{url}/health/live")[0] == 200
                own_postgres.start()
                own_redis.start()
                awaited(lambda: missing(url) == (200, {}), url)
                up = b'roottrading_up{service="dispatcher"} 1.0'  # ready it is while it waits to lead, too
                awaited(lambda: up in asked(f"{url}/metrics")[1], url)
            finally:
                service.terminate()
            assert service.wait(20) == 0
    said = log.read_text()
    for name in SERVERS:
        assert f"{name} is missing" in said
        assert f"{name} is there again" in said
