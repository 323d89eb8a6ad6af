"""What Kafka hands over, made a message of ours again: where it stands, and whether it may stand there."""

from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaError, Message, TopicPartition

from roottrading.adapters.bus.port import BusError, Delivery, Forged, Partition, Unreadable
from roottrading.adapters.bus.signing import Seal
from roottrading.messages.envelope import Envelope

REBUILD: Final = "`roottrading kafka rebuild` publishes anew what was not taken"
_MISSING: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
_FINAL: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError.INCONSISTENT_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._AUTHENTICATION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError._FATAL,
    }
)


class KafkaOpening:
    """Opens what stands on the topics whose names begin with `prefix`."""

    def __init__(self, prefix: str, seal: Seal, partition_of: Callable[[str, Envelope], int]) -> None:
        self._prefix = prefix
        self._seal = seal
        self._partition_of = partition_of

    def name(self, place: Partition, offset: int = -1) -> TopicPartition:
        """Return what Kafka calls a place."""
        return TopicPartition(self._prefix + place[0], place[1], offset)

    def place(self, message: Message) -> Partition:
        """Return where a message stands."""
        topic, number = message.topic(), message.partition()
        assert topic is not None
        assert number is not None
        return topic.removeprefix(self._prefix), number

    def delivery(self, message: Message) -> Delivery:
        """Return it opened. Raises Forged, else Unreadable."""
        (channel, number), offset = self.place(message), message.offset()
        assert offset is not None
        try:
            envelope = self._seal.envelope(channel, message.value() or b"")
            if (own := self._partition_of(channel, envelope)) != number:  # a genuine one may be said again, by anybody
                raise Forged(f"{envelope.stream} {envelope.sequence} belongs into partition {own}")
        except Unreadable as error:
            raise type(error)(f"{message.topic()}, partition {number}, offset {offset}: {error}") from None
        return Delivery(channel, envelope, number, offset)


def passes(message: Message) -> bool:
    """Say whether this is the news of a fault that goes by: the library connects anew by itself. Raises BusError."""
    error = message.error()
    if error is None:
        return False
    place = f"{message.topic()}, partition {message.partition()}"
    if error.code() in _MISSING:
        raise BusError(f"{place}: the place to read on from is not there: {error.str()}; {REBUILD}")
    if error.code() in _FINAL or error.fatal():
        raise BusError(f"{place}: Kafka refuses: {error.str()}")
    return True
