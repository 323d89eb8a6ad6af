"""Topics: made by us, with as many partitions as the map says, and where they end."""

import time
from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from roottrading.adapters.bus.port import BusError, BusUnavailable, Partition

_LOOKS: Final = 0.02  # seconds between two looks for a topic that was just made
RETENTION: Final = 7 * 86_400_000  # milliseconds; outboxes keep longer


def make_topics(servers: str, topics: Mapping[str, int], patience: float) -> dict[str, str]:
    """Make the topics that are not there, each with its number of partitions; returns the ids of all, by name.

    A topic that is made again, under its own name, has another id.
    Raises BusUnavailable where nobody answers, BusError where a topic has another number.
    """
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    try:
        there = {name: len(each.partitions) for name, each in admin.list_topics(timeout=patience).topics.items()}
        wanted = [
            NewTopic(name, num_partitions=count, replication_factor=-1, config={"retention.ms": str(RETENTION)})
            for name, count in topics.items()
            if name not in there
        ]
        for future in (admin.create_topics(wanted, operation_timeout=patience) if wanted else {}).values():
            try:
                future.result(patience)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another service was quicker
                    raise
        ids = _ids(admin, topics, patience)
    except (KafkaException, TimeoutError) as error:
        raise unavailable(servers, error) from None
    for name, count in topics.items():
        if there.get(name, count) != count:
            raise BusError(
                f"topic {name} has {there[name]} partitions, not {count}: it was made by somebody else; "
                "use another deployment name or cluster"
            )
    return ids


def _ids(admin: AdminClient, topics: Iterable[str], patience: float) -> dict[str, str]:
    """Return the topics' ids; a topic that was just made is known to every broker only in a moment."""
    until = time.monotonic() + patience
    while True:
        try:
            asked = admin.describe_topics(TopicCollection(list(topics)), request_timeout=patience)
            return {name: str(future.result(patience).topic_id) for name, future in asked.items()}
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART or time.monotonic() > until:
                raise
        time.sleep(_LOOKS)


def ends(
    consumer: Consumer, servers: str, prefix: str, topics: Iterable[tuple[str, int]], patience: float
) -> dict[Partition, int]:
    """Return where the next message of every partition would go. Raises BusUnavailable."""
    try:
        return {
            (topic, number): consumer.get_watermark_offsets(TopicPartition(prefix + topic, number), patience)[1]
            for topic, count in topics
            for number in range(count)
        }
    except KafkaException as error:
        raise unavailable(servers, error) from None


def unavailable(servers: str, error: Exception) -> BusUnavailable:
    """Return the error that says that nobody answers."""
    why = error.args[0].str() if isinstance(error, KafkaException) else "it took too long"
    return BusUnavailable(f"Kafka at {servers} does not answer, is it running? ({why})")
