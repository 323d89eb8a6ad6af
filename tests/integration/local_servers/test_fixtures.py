"""What tests are given: servers that answer real clients, empty at each test's begin."""

import asyncio

import asyncpg
import pytest
import redis
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from roottrading.operations.local_servers import Servers
from roottrading.operations.local_servers.addresses import bootstrap_servers

TWICE = pytest.mark.parametrize("time", ["first", "second"])


@TWICE
def test_redis_is_empty_at_each_begin(redis_url: str, time: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("time", time)
        client.sadd("cycles:active", "a", "b")
        assert client.smembers("cycles:active") == {b"a", b"b"}


def test_redis_carries_messages(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("signals:raw")
        assert heard.get_message(timeout=5) is None  # the subscription itself
        assert client.publish("signals:raw", b"up") == 1
        message = heard.get_message(timeout=5)
    assert message is not None
    assert message["data"] == b"up"


@TWICE
def test_postgres_is_empty_at_each_begin(postgres_url: str, time: str) -> None:
    async def use() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(postgres_url)
        try:
            await connection.execute("CREATE TABLE orders (id bigint PRIMARY KEY, price numeric)")
            await connection.execute("INSERT INTO orders VALUES (1, 0.00000001)", timeout=5)
            rows: list[asyncpg.Record] = await connection.fetch("SELECT id, price::text FROM orders")
            return rows
        finally:
            await connection.close()

    assert [tuple(row) for row in asyncio.run(use())] == [(1, "0.00000001")]


@TWICE
def test_kafka_carries_messages_under_names_of_the_tests_own(kafka_url: str, topic_prefix: str, time: str) -> None:
    there: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers(kafka_url)}
    topic = f"{topic_prefix}trade.commands"
    client = AdminClient(there)
    assert [name for name in client.list_topics(timeout=10).topics if name.startswith(topic_prefix)] == []
    for made in client.create_topics([NewTopic(topic, 2, 1)]).values():
        made.result(10)
    producer = Producer({**there, "acks": "all", "enable.idempotence": True, "linger.ms": 0})
    for number in range(10):
        producer.produce(topic, str(number).encode(), key=b"LTCUSDT")
    assert producer.flush(20) == 0
    consumer = Consumer({**there, "group.id": topic, "group.protocol": "consumer", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        heard = [message.value() for message in consumer.consume(10, 20)]
    finally:
        consumer.close()
    assert heard == [str(number).encode() for number in range(10)]


def test_a_topic_is_made_by_nobody_who_only_writes_to_it(kafka_url: str, topic_prefix: str) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap_servers(kafka_url)})
    missing = f"{topic_prefix}mistyped"
    assert client.list_topics(missing, timeout=10).topics[missing].error is not None
    assert missing not in client.list_topics(timeout=10).topics


def test_all_three_at_once(servers: Servers) -> None:
    schemes = [url.partition("://")[0] for url in (servers.redis_url, servers.kafka_url, servers.postgres_url)]
    assert schemes == ["redis", "kafka", "postgresql"]
