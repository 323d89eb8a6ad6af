"""A trader that begins while Redis is away serves: commands, orders and stops need none."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers.ports import free_port
from tests.e2e.test_wire import COMMAND, exchange

PATIENCE = 60.0


def test_a_trader_begins_without_redis(kafka_url: str, postgres_url: str, tmp_path: Path) -> None:
    asyncio.run(upgrade(postgres_url, PostgresSettings()))
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    environment = {
        **os.environ,
        REDIS_URL: nowhere,
        KAFKA_URL: kafka_url,
        POSTGRES_URL: postgres_url,
        "ROOTTRADING_ACCOUNT__DEPLOYMENT": f"r{os.getpid() % 10**6}",
    }
    log = tmp_path / "log"
    with exchange(tmp_path, "--clock", "60x", "--symbols", "LTCUSDT") as (market, _), log.open("w") as written:
        command = (*COMMAND, "trader", "--exchange", market, "--symbols", "LTCUSDT", "--timeframe", "1m")
        with subprocess.Popen((*command, "--strategies", "sma_cross"), env=environment, stderr=written) as service:
            try:
                until = time.monotonic() + PATIENCE
                while " INFO serves" not in log.read_text():
                    assert service.poll() is None, log.read_text()
                    assert time.monotonic() < until, log.read_text()
                    time.sleep(0.1)
            finally:
                service.terminate()
            assert service.wait(20) == 0
