"""kill -9 of each server: it comes back at its address with all that it acknowledged."""

import asyncio

import asyncpg
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from roottrading.operations.local_servers import KafkaServer, PostgresServer, RedisServer
from roottrading.operations.local_servers.addresses import bootstrap_servers


def test_redis(own_redis: RedisServer) -> None:
    url, first = own_redis.url, own_redis.process_id
    with redis.Redis.from_url(url) as client:
        for number in range(100):
            client.hset("balances:current", str(number), number)
    own_redis.kill()
    with redis.Redis.from_url(url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    own_redis.start()
    assert (own_redis.url, own_redis.running) == (url, True)
    assert own_redis.process_id != first
    assert own_redis.socket_url is not None
    with redis.Redis.from_url(own_redis.socket_url) as client:
        assert client.hgetall("balances:current") == {str(n).encode(): str(n).encode() for n in range(100)}


def test_postgres(own_postgres: PostgresServer) -> None:
    async def write(url: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE fills (id bigint)")
        for number in range(100):
            await connection.execute("INSERT INTO fills VALUES ($1)", number)
        return connection

    async def count(url: str) -> int:
        connection = await asyncpg.connect(url)
        found: int = await connection.fetchval("SELECT count(*) FROM fills")
        await connection.close()
        return found

    async def killed_in_use() -> None:
        connection = await write(own_postgres.url)
        own_postgres.kill()
        with pytest.raises((asyncpg.PostgresConnectionError, ConnectionError)):
            await connection.execute("SELECT 1")
        connection.terminate()

    url = own_postgres.url
    asyncio.run(killed_in_use())
    own_postgres.start()
    assert own_postgres.url == url
    assert asyncio.run(count(url)) == 100
    assert own_postgres.socket_url is not None
    assert asyncio.run(count(own_postgres.socket_url)) == 100


def test_kafka(own_kafka: KafkaServer) -> None:
    there: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers(own_kafka.url)}
    client = AdminClient(there)
    for made in client.create_topics([NewTopic("trade.events", 1, 1)]).values():
        made.result(10)
    producer = Producer({**there, "acks": "all", "enable.idempotence": True, "reconnect.backoff.max.ms": 100})
    for number in range(100):
        producer.produce("trade.events", str(number).encode())
    assert producer.flush(20) == 0
    own_kafka.kill()
    for number in range(100, 110):  # meant for a broker that is down
        producer.produce("trade.events", str(number).encode())
    own_kafka.start()
    assert own_kafka.url == f"kafka://{there['bootstrap.servers']}"
    assert producer.flush(30) == 0
    consumer = Consumer({**there, "group.id": "reader", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition("trade.events", 0, 0)])
        heard = [message.value() for message in consumer.consume(110, 20)]
    finally:
        consumer.close()
    assert heard == [str(number).encode() for number in range(110)]
