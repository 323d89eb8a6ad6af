"""Apache Kafka: what was published stays, by partition and offset."""

import asyncio
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from roottrading.adapters.bus.kafka_opening import KafkaOpening
from roottrading.adapters.bus.kafka_reader import KafkaReader
from roottrading.adapters.bus.kafka_topics import ends, make_topics
from roottrading.adapters.bus.port import (
    BusError,
    BusUnavailable,
    HearMany,
    HearPassedOver,
    HearStopped,
    Partition,
    Sent,
)
from roottrading.adapters.bus.signing import Seal, Unsigned
from roottrading.messages.envelope import Envelope

_WAIT: Final = 0.2  # seconds that the thread waits for news before it looks whether it is still wanted
_FULL_PAUSE: Final = 0.01  # seconds before the next try where the library's queue is full
_CLIENT: Final[dict[str, str | int | bool]] = {
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1_000,
    "socket.nagle.disable": True,
    "log_level": 0,
}
_PRODUCER: Final = _CLIENT | {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 0,
    "delivery.timeout.ms": 120_000,
    "retry.backoff.ms": 50,
}
_CONSUMER: Final = _CLIENT | {
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "fetch.min.bytes": 1,
    "fetch.wait.max.ms": 500,
    "fetch.error.backoff.ms": 50,
    "enable.partition.eof": False,
}


class KafkaLog:
    """One idempotent producer, and a consumer for each reader; each has a thread that waits for it."""

    def __init__(
        self,
        servers: str,
        topics: Mapping[str, int],
        partition_of: Callable[[str, Envelope], int],
        prefix: str = "",
        seal: Seal | None = None,
        patience: float = 15.0,
    ) -> None:
        """`servers` are host:port[,host:port...], `topics` the number of partitions by name.

        Names in Kafka begin with `prefix`: several deployments can share a cluster.
        Administrative answers are waited for `patience` seconds.
        """
        self._servers = servers
        self._topics = topics
        self._partition_of = partition_of
        self._prefix = prefix
        self._seal = Unsigned() if seal is None else seal
        self._patience = patience
        self.ids: Mapping[str, str] = {}  # of the topics, by name in Kafka, once it is open
        self._producer: Producer | None = None
        self._polling: threading.Thread | None = None
        self._closed = threading.Event()
        self._order = asyncio.Lock()
        self._settling: set[Callable[[KafkaError | None], None]] = set()  # of those who wait for a confirmation
        self._given_up: KafkaError | None = None
        self._readers: set[KafkaReader] = set()

    async def open(self) -> None:
        """Connect, and make the topics that are not there. Raises BusUnavailable."""
        wanted = {self._prefix + name: count for name, count in self._topics.items()}
        self.ids = await asyncio.to_thread(make_topics, self._servers, wanted, self._patience)
        self._closed.clear()
        self._given_up = None
        self._producer = Producer({"bootstrap.servers": self._servers, **_PRODUCER})
        polled = (self._producer, asyncio.get_running_loop())
        self._polling = threading.Thread(target=self._poll, args=polled, name="kafka-producer", daemon=True)
        self._polling.start()

    async def close(self) -> None:
        """End all connections; what is confirmed stays, what is not is given up."""
        self._closed.set()
        self._producer = None
        if self._polling is not None:
            await asyncio.to_thread(self._polling.join)
            self._polling = None

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Append messages, in order; return when all replicas have them.

        Raises BusUnavailable where they were not taken in two minutes, or the producer was given up; BusError for a
        message that Kafka refuses.
        """
        producer = self._producer
        if producer is None:
            raise BusUnavailable("Kafka is not connected: open it first")
        if self._given_up is not None:
            raise self._lost(self._given_up)
        if not sent:
            return
        loop = asyncio.get_running_loop()
        confirmed: asyncio.Future[None] = loop.create_future()
        left = len(sent)

        def settle(error: KafkaError | None) -> None:
            if confirmed.done():
                return
            if error is None:
                confirmed.set_result(None)
            else:
                confirmed.set_exception(self._lost(error))

        def delivered(error: KafkaError | None, _: Message) -> None:  # in the polling thread, and there only
            nonlocal left
            left -= 1
            if error is not None or not left:
                loop.call_soon_threadsafe(settle, error)

        self._settling.add(settle)
        try:
            async with self._order:  # nobody goes past one who waits for room
                for channel, envelope in sent:
                    data = self._seal.pack(channel, envelope)
                    while not self._produced(producer, channel, envelope, data, delivered):
                        await asyncio.sleep(_FULL_PAUSE)
            await confirmed
        finally:
            self._settling.discard(settle)

    def give_up(self, error: KafkaError) -> None:
        """Take nothing more: the library does nothing with a producer whose numbers the broker does not know.

        That is so where Kafka lost its disk or its memory of it. Whoever publishes begins anew, with another producer.
        """
        self._given_up = error
        for settle in tuple(self._settling):
            settle(error)

    async def ends(self, topics: Iterable[str]) -> Mapping[Partition, int]:
        """Return where the next message of every partition would go. Raises BusUnavailable."""
        consumer = self._consumer()
        try:
            wanted = [(topic, self._topics[topic]) for topic in topics]
            return await asyncio.to_thread(ends, consumer, self._servers, self._prefix, wanted, self._patience)
        finally:
            await asyncio.to_thread(consumer.close)

    def known_ends(self) -> Mapping[Partition, int]:
        """Return where the next message of every partition that is read would go, as the last answers told it."""
        return {place: end for reader in self._readers for place, end in reader.known_ends().items()}

    async def read(
        self,
        starts: Mapping[Partition, int],
        hear: HearMany,
        stopped: HearStopped | None = None,
        passed_over: HearPassedOver | None = None,
    ) -> None:
        """Deliver until cancelled. Raises BusError where an offset is no longer there.

        What cannot be read stops its partition, and `stopped` is told; what is forged, or stands in another partition
        than its own, is left out, and `passed_over` is told. Without them, Unreadable is raised.
        """
        opening = KafkaOpening(self._prefix, self._seal, self._partition_of)
        reader = KafkaReader(self._consumer(), opening, hear, stopped, passed_over)
        self._readers.add(reader)
        try:
            await reader.run(starts)
        finally:
            self._readers.discard(reader)

    # ---- inside

    def _produced(
        self,
        producer: Producer,
        channel: str,
        envelope: Envelope,
        data: bytes,
        delivered: Callable[[KafkaError | None, Message], None],
    ) -> bool:
        """Hand a message to the library; say whether it had room."""
        try:
            producer.produce(
                self._prefix + channel,
                data,
                key=envelope.stream.split("/", 2)[1].encode(),
                partition=self._partition_of(channel, envelope),
                on_delivery=delivered,
            )
        except BufferError:
            return False
        except KafkaException as error:
            raise BusError(f"Kafka at {self._servers} refuses a message on {channel}: {error}") from None
        return True

    def _lost(self, error: KafkaError) -> BusUnavailable:
        return BusUnavailable(f"Kafka at {self._servers} did not take a message: {error}")

    def _poll(self, producer: Producer, loop: asyncio.AbstractEventLoop) -> None:
        while not self._closed.is_set():
            try:
                producer.poll(_WAIT)
            except KafkaException as error:  # a fatal one; all others are told with the messages that they concern
                loop.call_soon_threadsafe(self.give_up, error.args[0])
                self._closed.wait(_WAIT)
        with suppress(KafkaException):
            producer.purge()
            producer.poll(0)

    def _consumer(self) -> Consumer:
        # places are kept elsewhere, so the group is of one reading only and commits nothing
        group = f"{self._prefix}reader-{secrets.token_hex(4)}"
        return Consumer({"bootstrap.servers": self._servers, "group.id": group, **_CONSUMER})
