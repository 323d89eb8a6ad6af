"""The map is whole: everything said is heard, and every name in it exists."""

import pytest

from roottrading.messages import channels
from roottrading.messages.envelope import Message
from roottrading.pipeline import BRIDGES, CHANNELS, ROLES, Channel, Role

DESTINATIONS = {bridge.destination.name for bridge in BRIDGES}


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_every_channel_is_said_and_heard(channel: Channel) -> None:
    assert [role.name for role in ROLES if channel in role.produces], "nobody says anything there"
    assert [role.name for role in ROLES if channel in role.consumes], "nobody hears what is said there"
    assert channel.bodies


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_service_uses_channels_of_the_map_only(role: Role) -> None:
    assert set(role.consumes) | set(role.produces) <= set(CHANNELS)


def test_every_name_of_a_channel_is_on_the_map_once() -> None:
    named = {value for name, value in vars(channels).items() if name.isupper() and isinstance(value, str)}
    assert sorted(channel.name for channel in CHANNELS) == sorted(named)


def test_a_message_travels_on_one_channel_and_on_those_it_is_bridged_to() -> None:
    for body in {body for channel in CHANNELS for body in channel.bodies}:
        own = [channel.name for channel in CHANNELS if body in channel.bodies and channel.name not in DESTINATIONS]
        assert len(own) == 1, f"{body.__name__} travels on {own}"


def test_every_message_travels() -> None:
    travelling = {body for channel in CHANNELS for body in channel.bodies}
    ours = {body for body in Message.__subclasses__() if body.__module__.startswith("roottrading.")}
    assert ours == travelling


def test_a_bridge_carries_the_same_bodies() -> None:
    for bridge in BRIDGES:
        assert bridge.origin.bodies == bridge.destination.bodies


def test_no_key_has_two_writers() -> None:
    written = [key for role in ROLES for key in role.redis_keys]
    assert len(written) == len(set(written))


def test_one_service_trades_and_one_reads_the_account() -> None:
    assert [role.name for role in ROLES if role.keys == "trade"] == ["trader"]
    assert [role.name for role in ROLES if role.keys == "read"] == ["portfolio"]
