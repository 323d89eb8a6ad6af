"""The three kinds of servers."""

from collections.abc import Mapping
from typing import Final

from roottrading.operations.local_servers.addresses import Kind
from roottrading.operations.local_servers.kafka_server import KafkaServer
from roottrading.operations.local_servers.postgres_server import PostgresServer
from roottrading.operations.local_servers.redis_server import RedisServer
from roottrading.operations.local_servers.server import LocalServer

SERVERS: Final[Mapping[Kind, type[LocalServer]]] = {
    "redis": RedisServer,
    "postgres": PostgresServer,
    "kafka": KafkaServer,
}
