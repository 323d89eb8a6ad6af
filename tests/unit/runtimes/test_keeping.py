"""What may wait for the next commit, and that an order, a fill or a command never does."""

from roottrading.runtimes.assembly import TABLES
from roottrading.runtimes.keeping import QUIET_TABLES

OWNERS = {table.name: role for role, tables in TABLES.items() for table in tables}


def test_only_what_the_market_alone_makes_may_wait() -> None:
    owners = {name: OWNERS[name] for name in QUIET_TABLES}
    assert set(owners.values()) == {"gateway", "analyzer", "signal_aggregator", "exchange"}
    assert [name for name, owner in owners.items() if owner == "exchange"] == ["exchange_markets"]
