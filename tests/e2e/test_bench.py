"""The measurement of latency runs on whatever servers there are, and leaves nothing on them."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
from confluent_kafka.admin import AdminClient

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.latency.hops import HOPS
from roottrading.operations.local_servers.addresses import Servers, bootstrap_servers
from tests.e2e.test_wire import COMMAND


async def databases(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()


def test_latency_is_told_hop_by_hop_and_nothing_is_left(servers: Servers, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
    }
    command = (*COMMAND, "bench", "latency", "--frames", "10", "--warm-up", "0")
    measured = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert measured.returncode == 0, measured.stderr
    for hop in HOPS:
        assert f"  {hop} " in measured.stdout
    assert not [name for name in asyncio.run(databases(servers.postgres_url)) if name.startswith("roottrading_b")]
    topics = AdminClient({"bootstrap.servers": bootstrap_servers(servers.kafka_url)}).list_topics(timeout=10).topics
    assert not [topic for topic in topics if len(topic.partition(".")[0]) == 7 and topic.startswith("b")]
