"""The doctor looks at real servers, and at addresses where there are none."""

import asyncio
import time
from collections.abc import Mapping

import asyncpg
import pytest

from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import BUS_SECRET, KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.doctor.finding import Finding
from roottrading.operations.doctor.servers import examine_servers
from roottrading.operations.local_servers import PostgresServer
from roottrading.operations.local_servers.addresses import Servers

PASSWORD = "a-password-that-nobody-may-see"
NEEDED = ("fsync", "full_page_writes", "synchronous_commit")


def examined(environment: Mapping[str, str]) -> dict[str, Finding]:
    found = asyncio.run(examine_servers(environment, PostgresSettings(connect_timeout=2_000_000)))
    assert all(bool(each.advice) == (each.level != "ok") for each in found)
    assert PASSWORD not in "".join(map(str, found))
    assert len({each.check for each in found}) == len(found)
    return {each.check: each for each in found}


async def forgets(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [name for name in NEEDED if await connection.fetchval(f"SHOW {name}") == "off"]
    finally:
        await connection.close()


def test_servers_that_answer(servers: Servers) -> None:
    named = {POSTGRES_URL: servers.postgres_url, REDIS_URL: servers.redis_url, KAFKA_URL: servers.kafka_url}
    found = examined(named)
    lacking = asyncio.run(forgets(servers.postgres_url))
    assert {check: each.level for check, each in found.items()} == {
        "postgresql": "ok",
        "redis": "ok",
        "kafka": "ok",
        "durability": "warning" if lacking else "ok",
        "messages": "warning",
    }
    assert all(name in found["durability"].text for name in lacking)
    assert examined({**named, BUS_SECRET: PASSWORD})["messages"].level == "ok"


def test_a_database_that_may_forget(postgres_url: str) -> None:
    """Test servers may be quick and forgetful, or durable: this one is told to be the former."""

    async def switch_off() -> None:
        connection = await asyncpg.connect(postgres_url)
        try:
            name = await connection.fetchval("SELECT current_database()")
            await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        finally:
            await connection.close()

    asyncio.run(switch_off())
    found = examined({POSTGRES_URL: postgres_url})["durability"]
    assert (found.level, "synchronous_commit" in found.text) == ("warning", True)


def test_a_database_that_may_fail_over_is_followed_by_one_that_knows_all(
    own_postgres: PostgresServer, following: PostgresServer
) -> None:
    """Both are named; the second one takes no writes, so that the first is looked at."""

    async def told(*commands: str) -> None:
        connection = await asyncpg.connect(own_postgres.url)
        try:
            for command in (*commands, "SELECT pg_reload_conf()"):
                await connection.execute(command)
        finally:
            await connection.close()

    def standby(level: str, words: str, user: str = "roottrading") -> bool:
        hosts = f"127.0.0.1:{following.port},127.0.0.1:{own_postgres.port}"
        found = examined({POSTGRES_URL: f"postgresql://{user}@{hosts}/roottrading"})["standby"]
        return found.level == level and words in found.text

    def comes(level: str, words: str) -> None:
        until = time.monotonic() + 30
        while not standby(level, words):
            assert time.monotonic() < until
            time.sleep(0.05)

    assert "standby" not in examined({POSTGRES_URL: own_postgres.url})
    assert standby("problem", "commits wait for no standby")
    asyncio.run(told("CREATE ROLE curious LOGIN", "ALTER SYSTEM SET synchronous_standby_names = '*'"))
    comes("ok", "1 synchronous")
    assert standby("warning", "may not see", "curious")
    asyncio.run(told("ALTER SYSTEM SET synchronous_commit = local"))
    comes("problem", "commits wait for no standby")
    asyncio.run(told("ALTER SYSTEM SET synchronous_commit = on"))
    comes("ok", "1 synchronous")
    following.kill()
    comes("problem", "no synchronous standby follows")


def test_servers_that_are_away_are_named() -> None:
    gone = {
        POSTGRES_URL: f"postgresql://bot:{PASSWORD}@127.0.0.1:9/books",
        REDIS_URL: f"redis://:{PASSWORD}@127.0.0.1:9/0",
        KAFKA_URL: "127.0.0.1:9",
    }
    found = examined(gone)
    problems = {check: each.text for check, each in found.items() if each.level == "problem"}
    assert problems.keys() == {"postgresql", "redis", "kafka"}
    assert all("127.0.0.1:9" in text for text in problems.values())


@pytest.mark.parametrize("environment", [{}, {POSTGRES_URL: ""}])
def test_where_none_is_named_there_is_nothing_to_say(environment: Mapping[str, str]) -> None:
    assert examined(environment) == {}


def test_an_address_that_is_none() -> None:
    assert examined({KAFKA_URL: "kafka://"})["kafka"].level == "problem"
