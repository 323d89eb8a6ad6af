"""What moves money needs no Redis."""

from roottrading.runtimes.distributed.sharding import ROLE, carriers_of


def test_who_needs_which_carrier() -> None:
    needed = {name: carriers_of(role) for name, role in ROLE.items()}
    assert {name for name, found in needed.items() if "redis" in found} == {
        "gateway",
        "analyzer",
        "signal_aggregator",
        "dispatcher",
    }
    assert {name for name, found in needed.items() if "kafka" in found} == {
        "dispatcher",
        "coordinator",
        "trader",
        "portfolio",
    }
