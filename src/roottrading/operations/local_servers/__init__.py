"""Real Redis, PostgreSQL and Kafka as local processes, for tests and for a developer's machine.

`redis_server`, `postgres_server` and `kafka_server` each start and end one program in a folder of its own, listening on
loopback only; `all_servers` does so with all three; `keeper` keeps one beyond the process that asked for it. The
programs are looked for on this machine, then got from where the machine gets its packages (`finding`).
"""

from roottrading.operations.local_servers.addresses import Kind, Servers
from roottrading.operations.local_servers.errors import ServerError, ServerMissing
from roottrading.operations.local_servers.kafka_server import KafkaServer
from roottrading.operations.local_servers.postgres_server import PostgresServer
from roottrading.operations.local_servers.redis_server import RedisServer

__all__ = ["KafkaServer", "Kind", "PostgresServer", "RedisServer", "ServerError", "ServerMissing", "Servers"]
