"""Who is asked whether a service is ready: whom it uses, and nobody else."""

import asyncio

import pytest

from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.operations.health.dependency import Dependency, Probe
from roottrading.operations.health.probes import probes_of
from roottrading.operations.local_servers.ports import LOOPBACK, free_port
from roottrading.pipeline import ROLES
from roottrading.runtimes.distributed.installation import Addresses


@pytest.mark.parametrize(
    ("carriers", "roles"),
    [
        ({"redis"}, {"gateway", "analyzer", "signal_aggregator"}),
        ({"kafka"}, {"portfolio"}),
        ({"redis", "kafka"}, {"dispatcher", "coordinator", "trader"}),
    ],
)
def test_only_what_a_service_uses_is_asked(carriers: set[str], roles: set[str]) -> None:
    addresses = Addresses("redis://127.0.0.1:1/0", "127.0.0.1:1", "postgresql://a@127.0.0.1:1/a")

    async def main() -> None:
        for role in ROLES:
            if role.name in roles:
                probes = probes_of(role, addresses, PostgresSettings(), "http://127.0.0.1:1")
                assert {probe.name for probe in probes} == carriers | {"postgresql", "exchange"}, role.name

    asyncio.run(main())


def test_who_does_not_answer_is_named_with_what_to_do() -> None:
    port = free_port()
    nobody = f"{LOOPBACK}:{port}"
    addresses = Addresses(f"redis://{nobody}/0", nobody, f"postgresql://bot@{nobody}/bot")
    (trader,) = (role for role in ROLES if role.name == "trader")

    async def look(probe: Probe) -> Dependency:
        try:
            return await probe.look()
        finally:
            await probe.close()

    async def main() -> dict[str, Dependency]:
        probes = probes_of(trader, addresses, PostgresSettings(), f"http://{nobody}/")
        return {probe.name: await look(probe) for probe in probes}

    found = asyncio.run(main())
    assert set(found) == {"postgresql", "redis", "kafka", "exchange"}
    for name, each in found.items():
        assert not each.ok
        assert nobody in each.why, name
        assert not each.why.endswith((".", ":", " ")), name
        assert each.what_to_do
