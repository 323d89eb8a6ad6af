"""Where the three servers are."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from msgspec import Struct

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL

Kind = Literal["redis", "postgres", "kafka"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
VARIABLES: Final[Mapping[Kind, str]] = {
    "redis": REDIS_URL,
    "postgres": POSTGRES_URL,
    "kafka": KAFKA_URL,
}
KAFKA_SCHEME: Final = "kafka://"


class Servers(Struct, frozen=True):
    """The addresses of Redis, Kafka and PostgreSQL.

    `redis://host:port/database`, `kafka://host:port[,host:port...]`, `postgresql://user@host:port/database`.
    """

    redis_url: str
    kafka_url: str
    postgres_url: str


def given(kind: Kind, environment: Mapping[str, str]) -> str | None:
    """Return the address that the environment names for a server, None where it names none."""
    return environment.get(VARIABLES[kind]) or None


def bootstrap_servers(kafka_url: str) -> str:
    """Return what a Kafka client calls `bootstrap.servers`; ValueError for an address that is none of Kafka."""
    hosts = kafka_url.removeprefix(KAFKA_SCHEME)
    if hosts == kafka_url or not all(host.rpartition(":")[2].isdecimal() for host in hosts.split(",")):
        raise ValueError(f"{kafka_url!r} is no address of Kafka: it reads kafka://host:port[,host:port...]")
    return hosts
