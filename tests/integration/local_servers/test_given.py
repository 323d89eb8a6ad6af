"""Servers that the environment names are used instead, and left as they are but for what tests make."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import redis
from confluent_kafka.admin import AdminClient

from roottrading.operations.local_servers import RedisServer
from roottrading.operations.local_servers.addresses import bootstrap_servers

TESTS = Path(__file__).with_name("test_fixtures.py")
ROOT = Path(__file__).parents[3]


def test_given_servers_are_used(own_redis: RedisServer, postgres_url: str, kafka_url: str) -> None:
    async def databases() -> list[str]:
        connection = await asyncpg.connect(postgres_url)
        found = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", f"test_{ended.pid}_%")
        await connection.close()
        return [row["datname"] for row in found]

    named = {
        "ROOTTRADING_REDIS_URL": f"redis://127.0.0.1:{own_redis.port}/3",
        "ROOTTRADING_POSTGRES_URL": postgres_url,
        "ROOTTRADING_KAFKA_URL": kafka_url,
    }
    with redis.Redis.from_url(own_redis.url) as client, redis.Redis.from_url(named["ROOTTRADING_REDIS_URL"]) as used:
        client.set("not", "ours")
        used.set("old", "thing")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS)]
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **named}, stdout=subprocess.PIPE, text=True
        ) as ended:
            told, _ = ended.communicate(timeout=120)
        assert ended.returncode == 0, told
        assert "9 passed" in told
        assert client.get("not") == b"ours"
        assert (used.exists("old"), used.exists("cycles:active")) == (0, 0)
    assert asyncio.run(databases()) == []
    topics = AdminClient({"bootstrap.servers": bootstrap_servers(kafka_url)}).list_topics(timeout=10).topics
    assert [name for name in topics if name.startswith(f"test-{ended.pid}-")] == []
