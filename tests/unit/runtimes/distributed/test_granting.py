"""Keys follow the map: nobody can say or check what it has nothing to do with."""

from roottrading.adapters.bus.signing import Grant, Unsigned
from roottrading.pipeline import CHANNELS, ROLES
from roottrading.runtimes.distributed.granting import grants, grants_of, seal_of
from roottrading.runtimes.distributed.sharding import ROLE


def test_only_who_speaks_on_a_channel_of_the_map_may_speak_there() -> None:
    for channel in CHANNELS:
        assert {grant.sender for grant in grants_of(channel)} == {
            role.name for role in ROLES if channel in role.produces
        }


def test_the_dispatcher_carries_the_aggregators_verdicts_and_says_none_itself() -> None:
    carried = Grant("dispatcher", "signals.aggregated", frozenset({"signal_aggregator"}))
    assert carried in grants(ROLE["coordinator"])
    assert carried in grants(ROLE["portfolio"]), "verdicts time its instants"
    assert carried in grants(ROLE["dispatcher"])


def test_the_trader_can_neither_command_itself_nor_read_the_books() -> None:
    assert {(grant.sender, grant.channel) for grant in grants(ROLE["trader"])} == {
        ("trader", "trade.events"),
        ("coordinator", "trade.commands"),
    }


def test_the_gateway_knows_its_own_key_only() -> None:
    assert grants(ROLE["gateway"]) == (Grant("gateway", "market", frozenset({"gateway"})),)


def test_without_a_secret_nothing_is_signed() -> None:
    assert isinstance(seal_of(ROLE["trader"], "main", ()), Unsigned)
    assert not isinstance(seal_of(ROLE["trader"], "main", ("a secret that is long",)), Unsigned)
