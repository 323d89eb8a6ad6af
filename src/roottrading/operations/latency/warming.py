"""Kafka in the state that it is in after an hour of work: a broker that has just begun is several times as slow."""

from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from roottrading.operations.latency.scratch import CannotMeasure

_TRIPS: Final = 5_000  # after which it gets no faster
_PATIENCE: Final = 15.0
_SIZE: Final = 500  # bytes of a message, about


def warm_kafka(servers: str, prefix: str) -> None:
    """Send messages there and back, one by one, over a topic of `prefix`. Raises CannotMeasure where none arrives."""
    topic = f"{prefix}warm-up"
    client: dict[str, str | int | float | bool] = {"bootstrap.servers": servers, "log_level": 0}
    client["socket.nagle.disable"] = True
    administration = AdminClient(client)
    producer = Producer({**client, "acks": "all", "enable.idempotence": True, "linger.ms": 0})
    consumer = Consumer({**client, "group.id": topic, "enable.auto.commit": False})
    try:
        administration.create_topics([NewTopic(topic, 1, 1)])[topic].result(_PATIENCE)
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        for _ in range(_TRIPS):
            producer.produce(topic, bytes(_SIZE), partition=0)
            if consumer.poll(_PATIENCE) is None:
                raise CannotMeasure(f"Kafka at {servers} gave no message back in {_PATIENCE:g} s")
            producer.poll(0)
    except KafkaException as error:
        raise CannotMeasure(f"Kafka at {servers} does not answer: {error.args[0].str()}") from None
    finally:
        consumer.close()
