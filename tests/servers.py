"""Real Redis, PostgreSQL and Kafka for every test that asks for them by a fixture.

Addresses that the environment names (ROOTTRADING_REDIS_URL and so on) are used, and emptied between tests: name
servers that are for tests alone. Else local ones are started, once and only when first asked for: a Redis for each
process of the test run, since its channels know no databases, and one PostgreSQL and one Kafka for all of them.
Whatever happens to the run, they end with it.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

import pytest

from roottrading.operations.local_servers import KafkaServer, PostgresServer, RedisServer, finding, keeper
from roottrading.operations.local_servers.accounts import own_folder, unprivileged
from roottrading.operations.local_servers.addresses import Kind, Servers, bootstrap_servers, given
from roottrading.operations.local_servers.commands import run
from roottrading.operations.local_servers.errors import ServerMissing
from roottrading.operations.local_servers.getting import CACHE_VARIABLE, cache_folder
from roottrading.operations.local_servers.locks import locked
from roottrading.operations.local_servers.server import LocalServer

Server = TypeVar("Server", bound=LocalServer)

FOLDER: Final = "TEST_SERVERS_FOLDER"
HOUR: Final = 3_600
OWNER: Final = "TEST_SERVERS_OWNER"
_numbers: Final = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder and the process that the run's servers belong to, for all processes of the run."""
    if hasattr(config, "workerinput"):
        return
    base = Path(tempfile.gettempdir())
    for left in base.glob("roottrading-servers-*"):  # by a run that was killed an hour ago or longer
        if not Path(f"/proc/{left.name.split('-')[2]}").exists() and time.time() - left.stat().st_mtime > HOUR:
            shutil.rmtree(left, ignore_errors=True)
    os.environ[FOLDER] = str(base / f"roottrading-servers-{os.getpid()}-{secrets.token_hex(4)}")
    os.environ[OWNER] = str(os.getpid())
    os.environ.setdefault(CACHE_VARIABLE, str(cache_folder(os.environ)))  # tests have a cache of their own


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run's servers."""
    if hasattr(config, "workerinput") or os.environ.get(OWNER) != str(os.getpid()):
        return
    folder = Path(os.environ[FOLDER])
    for own in folder.glob("*"):
        keeper.release(own)
    shutil.rmtree(folder, ignore_errors=True)


def run_folder() -> Path:
    """Return the folder of the run's servers, where PostgreSQL's own user may go, too."""
    folder = Path(os.environ[FOLDER])
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    return folder


def needed(kind: Kind) -> None:
    """Skip the test where a kind of server is not to be had; that is tried once in a run, for it may take minutes."""
    missing = run_folder() / f"missing-{kind}"
    with locked(cache_folder(os.environ) / f"looking-for-{kind}.lock"):
        if not missing.exists():
            try:
                finding.look_for(kind)
            except ServerMissing as error:
                missing.write_text(str(error), encoding="utf-8")
    if missing.exists():
        pytest.skip(missing.read_text(encoding="utf-8"))


def obtain(kind: Kind, name: str) -> str:
    """Return the address of a server of this run; skip the test where there is none to be had."""
    needed(kind)
    return keeper.obtain(kind, run_folder() / name, durable=False, watch=int(os.environ[OWNER])).url


async def _run_there(url: str, statement: str) -> None:
    import asyncpg  # clients are imported on use: most test runs need none

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def _redis_at(worker_id: str) -> str:
    return given("redis", os.environ) or obtain("redis", f"redis-{worker_id}")


@pytest.fixture(scope="session")
def _postgres_at() -> str:
    return given("postgres", os.environ) or obtain("postgres", "postgres")


@pytest.fixture(scope="session")
def _kafka_at() -> str:
    return given("kafka", os.environ) or obtain("kafka", "kafka")


@pytest.fixture
def redis_url(_redis_at: str) -> Iterator[str]:
    """An empty Redis that no other test uses meanwhile."""
    import redis

    is_given = given("redis", os.environ) is not None
    with ExitStack() as stack:
        if is_given:  # to all processes of the run
            stack.enter_context(locked(run_folder() / "redis" / "one-test.lock"))
        client = stack.enter_context(redis.Redis.from_url(_redis_at))
        client.flushdb() if is_given else client.flushall()
        yield _redis_at


@pytest.fixture
def postgres_url(_postgres_at: str, worker_id: str) -> Iterator[str]:
    """A new, empty database, gone after the test."""
    name = f"test_{os.getpid()}_{worker_id}_{next(_numbers)}"
    asyncio.run(_run_there(_postgres_at, f"CREATE DATABASE {name}"))
    base, mark, options = _postgres_at.partition("?")
    yield f"{base.rpartition('/')[0]}/{name}{mark}{options}"
    asyncio.run(_run_there(_postgres_at, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def kafka_url(_kafka_at: str) -> str:
    """A Kafka for all tests; topics are told apart by `topic_prefix`."""
    return _kafka_at


@pytest.fixture
def topic_prefix(_kafka_at: str, worker_id: str) -> Iterator[str]:
    """What the names of this test's topics and groups begin with; the topics are removed after it."""
    from confluent_kafka.admin import AdminClient

    prefix = f"test-{os.getpid()}-{worker_id}-{next(_numbers)}-"
    yield prefix
    client = AdminClient({"bootstrap.servers": bootstrap_servers(_kafka_at)})
    if made := [topic for topic in client.list_topics(timeout=10).topics if topic.startswith(prefix)]:
        for removed in client.delete_topics(made).values():
            removed.result(10)


@pytest.fixture
def servers(redis_url: str, kafka_url: str, postgres_url: str) -> Servers:
    """All three."""
    return Servers(redis_url=redis_url, kafka_url=kafka_url, postgres_url=postgres_url)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder for servers that belong to one test, where PostgreSQL's own user may go, too."""
    folder = Path(tempfile.mkdtemp(prefix="own-", dir=run_folder()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_redis(server_folder: Path) -> Iterator[RedisServer]:
    """A Redis of this test alone, to be killed; as the next two, it keeps what it acknowledged."""
    yield from _own(RedisServer(server_folder / "redis", durable=False))


@pytest.fixture
def own_postgres(server_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL of this test alone, to be killed."""
    yield from _own(PostgresServer(server_folder / "postgres", durable=False))


@pytest.fixture
def following(own_postgres: PostgresServer, server_folder: Path) -> Iterator[PostgresServer]:
    """A streaming copy of this test's PostgreSQL."""
    program = finding.postgres() / "pg_basebackup"
    if not program.exists():
        pytest.skip(f"no {program}: this PostgreSQL came without what copies it")
    folder, account = server_folder / "copy", unprivileged()
    home = own_folder(folder / "home", account)
    where = ("--host", "127.0.0.1", "--port", str(own_postgres.port), "--username", "roottrading")
    how = ("--pgdata", home / "data", "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast")
    run([program, *where, *how, "--no-sync"], 60, folder=home, account=account)
    yield from _own(PostgresServer(folder, durable=False))


@pytest.fixture
def own_kafka(server_folder: Path) -> Iterator[KafkaServer]:
    """A Kafka of this test alone, to be killed."""
    yield from _own(KafkaServer(server_folder / "kafka", durable=False))


def _own(server: Server) -> Iterator[Server]:
    needed(server.kind)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.wipe()
