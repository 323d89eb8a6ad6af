"""The three servers of the services: do they answer, does the database forget nothing, are messages signed?"""

from collections.abc import Iterable, Mapping
from typing import Final

from roottrading.adapters.store.port import StoreError
from roottrading.adapters.store.postgres.durability import names_several, standbys, switched_off
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import BUS_SECRET, BUS_SECRET_FILE, KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.doctor.finding import Finding, ok, problem, warning
from roottrading.operations.health.dependency import Probe
from roottrading.operations.health.probes import KafkaProbe, PostgresProbe, RedisProbe
from roottrading.operations.local_servers.addresses import bootstrap_servers

DURABLE: Final = "durability"
FOLLOWED: Final = "standby"
SIGNED: Final = "messages"


async def examine_servers(environment: Mapping[str, str], settings: PostgresSettings) -> list[Finding]:
    """Look at the servers that the environment names; nothing where it names none. Never raises."""
    probes: list[Probe] = []
    found: list[Finding] = []
    if address := environment.get(POSTGRES_URL):
        probes.append(PostgresProbe(address, settings))
    if address := environment.get(REDIS_URL):
        probes.append(RedisProbe(address))
    if address := environment.get(KAFKA_URL):
        try:
            probes.append(KafkaProbe(bootstrap_servers(address)))
        except ValueError as error:
            found.append(problem("kafka", f"{KAFKA_URL}: {error}", "write HOST:PORT[,HOST:PORT...]"))
    for probe in probes:
        found.append(await _looked(probe))
    if environment.get(POSTGRES_URL) and _is_well("postgresql", found):
        found.append(await _durable(environment[POSTGRES_URL], settings))
        if names_several(environment[POSTGRES_URL]):
            found.append(await _followed(environment[POSTGRES_URL], settings))
    if probes:
        found.append(_signed(environment))
    return found


async def _looked(probe: Probe) -> Finding:
    try:
        seen = await probe.look()
    finally:
        await probe.close()
    return ok(probe.name, seen.why) if seen.ok else problem(probe.name, seen.why, seen.what_to_do)


async def _durable(url: str, settings: PostgresSettings) -> Finding:
    try:
        lacking = await switched_off(url, settings)
    except StoreError as error:
        return problem(DURABLE, str(error), "look at the database")
    if lacking:
        text = f"{', '.join(lacking)}: off, so the database may forget what was sent when its machine fails"
        return warning(DURABLE, text, f"set {lacking[0]} = on in postgresql.conf")
    return ok(DURABLE, "the database keeps what it said it keeps")


async def _followed(url: str, settings: PostgresSettings) -> Finding:
    """Whoever takes over must know every id that was sent (consistency-rules 6.3)."""
    try:
        seen = await standbys(url, settings)
    except StoreError as error:
        return problem(FOLLOWED, str(error), "look at the database")
    if not seen.waited_for:
        text = "several hosts are named, but commits wait for no standby: after a fail-over orders could be forgotten"
        return problem(FOLLOWED, text, "set synchronous_standby_names and synchronous_commit = on, or name one host")
    if seen.synchronous:
        return ok(FOLLOWED, f"{seen.synchronous} synchronous")
    if seen.hidden:
        return warning(FOLLOWED, "this user may not see how the standbys follow", "grant the user the role pg_monitor")
    return problem(FOLLOWED, "no synchronous standby follows, and commits wait for one", "start the standby")


def _signed(environment: Mapping[str, str]) -> Finding:
    if environment.get(BUS_SECRET) or environment.get(BUS_SECRET_FILE):
        return ok(SIGNED, "signed")
    advice = f"set {BUS_SECRET_FILE} to the path of a file with a secret, the same for all services"
    return warning(SIGNED, "not signed: who gets to Redis or Kafka here could command trades", advice)


def _is_well(check: str, found: Iterable[Finding]) -> bool:
    return any(each.check == check and each.level == "ok" for each in found)
