"""Addresses of servers."""

import pytest

from roottrading.operations.local_servers.addresses import bootstrap_servers, given


def test_what_the_environment_names() -> None:
    environment = {"ROOTTRADING_REDIS_URL": "redis://here:1/0", "ROOTTRADING_KAFKA_URL": ""}
    assert given("redis", environment) == "redis://here:1/0"
    assert given("kafka", environment) is None
    assert given("postgres", environment) is None


def test_kafka_may_have_several_hosts() -> None:
    assert bootstrap_servers("kafka://127.0.0.1:9092") == "127.0.0.1:9092"
    assert bootstrap_servers("kafka://a:1,[::1]:2") == "a:1,[::1]:2"


@pytest.mark.parametrize("url", ["127.0.0.1:9092", "redis://a:1", "kafka://a", "kafka://a:1,", "kafka://"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of Kafka"):
        bootstrap_servers(url)
