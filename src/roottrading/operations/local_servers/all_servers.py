"""All three servers at once, for as long as a block of code: those that the environment names, else local ones."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from roottrading.operations.local_servers.addresses import KINDS, Kind, Servers, given
from roottrading.operations.local_servers.kinds import SERVERS
from roottrading.operations.local_servers.server import LocalServer
from roottrading.operations.precedence import take_precedence


@contextmanager
def all_servers(
    folder: Path, *, durable: bool = True, realtime: bool = False, environment: Mapping[str, str] = os.environ
) -> Iterator[Servers]:
    """Start what the environment names no address of, each in a folder of its own under `folder`; end it after.

    Programs of this machine and user reach them by the nearest way. With `realtime` Redis and PostgreSQL go before
    ordinary programs; no order waits for Kafka. They end in the order Kafka, PostgreSQL, Redis. ServerMissing or
    ServerError where one cannot be had.
    """
    urls = {kind: url for kind in KINDS if (url := given(kind, environment)) is not None}
    local = [SERVERS[kind](folder / kind, durable=durable) for kind in KINDS if kind not in urls]
    with ExitStack() as stack:
        for server in local:
            stack.callback(server.stop)
        _start(local)
        for server in local:
            if realtime and server.kind != "kafka":
                take_precedence(server.process_id)
        found: dict[Kind, str] = {**urls, **{server.kind: server.nearest_url for server in local}}
        yield Servers(redis_url=found["redis"], kafka_url=found["kafka"], postgres_url=found["postgres"])


def _start(servers: list[LocalServer]) -> None:
    if not servers:
        return
    with ThreadPoolExecutor(len(servers)) as pool:
        for done in [pool.submit(server.prepare) for server in servers]:
            done.result()
    for server in servers:  # from this thread: a process ends with the thread that started it
        server.launch()
    for server in servers:
        server.wait()
