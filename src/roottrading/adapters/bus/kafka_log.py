"""Apache Kafka: what was published stays, by partition and offset."""

import asyncio
import secrets
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError as Cancelled
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from roottrading.adapters.bus.port import BusError, BusUnavailable, Delivery, HearMany, Partition, Sent, Unreadable
from roottrading.messages.codec import UnreadableMessage, decode, encode
from roottrading.messages.envelope import Envelope

_MOST: Final = 500
_WAIT: Final = 0.2  # seconds that a thread waits for news before it looks whether it is still wanted
_PATIENCE: Final = 15.0  # seconds for an administrative answer


class KafkaLog:
    """One idempotent producer, and a consumer for each reader; each has a thread that waits for it."""

    def __init__(
        self, servers: str, topics: Mapping[str, int], partition_of: Callable[[str, Envelope], int], prefix: str = ""
    ) -> None:
        """`servers` are host:port[,host:port...], `topics` the number of partitions by name.

        Names in Kafka begin with `prefix`: several deployments can share a cluster.
        """
        self._servers = servers
        self._topics = topics
        self._partition_of = partition_of
        self._prefix = prefix
        self._producer: Producer | None = None
        self._polling: threading.Thread | None = None
        self._closed = threading.Event()

    async def open(self) -> None:
        """Connect, and make the topics that are not there. Raises BusUnavailable."""
        await asyncio.to_thread(self._make_topics)
        self._producer = Producer(
            {
                "bootstrap.servers": self._servers,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                "socket.nagle.disable": True,
                "delivery.timeout.ms": 120_000,
                "reconnect.backoff.max.ms": 1_000,
                "log_level": 0,
            }
        )
        self._polling = threading.Thread(target=self._poll, name="kafka-producer", daemon=True)
        self._polling.start()

    async def close(self) -> None:
        """End all connections; what is confirmed stays."""
        self._closed.set()
        if self._polling is not None:
            await asyncio.to_thread(self._polling.join)
        self._producer = None

    async def publish(self, sent: Sequence[Sent]) -> None:
        """Append messages, in order; return when all replicas have them. Raises BusUnavailable."""
        producer = self._producer
        if producer is None:
            raise BusUnavailable("Kafka is not connected: open it first")
        loop = asyncio.get_running_loop()
        confirmed = loop.create_future()
        left = len(sent)

        def settle(error: KafkaError | None) -> None:
            nonlocal left
            left -= 1
            if confirmed.done():
                return
            if error is not None:
                confirmed.set_exception(BusUnavailable(f"Kafka at {self._servers} did not take a message: {error}"))
            elif not left:
                confirmed.set_result(None)

        def delivered(error: KafkaError | None, _: Message) -> None:
            loop.call_soon_threadsafe(settle, error)

        for channel, envelope in sent:
            producer.produce(
                self._prefix + channel,
                encode(envelope),
                key=envelope.stream.split("/", 2)[1].encode(),
                partition=self._partition_of(channel, envelope),
                on_delivery=delivered,
            )
        await confirmed

    async def ends(self, topics: Iterable[str]) -> Mapping[Partition, int]:
        """Return where the next message of every partition would go."""
        return await asyncio.to_thread(self._ends, tuple(topics))

    async def read(self, starts: Mapping[Partition, int], hear: HearMany) -> None:
        """Deliver until cancelled. Raises BusError where an offset is no longer there."""
        loop = asyncio.get_running_loop()
        reader = _Reader(self._consumer(), self._prefix, loop, hear)
        reader.consumer.assign(
            [
                TopicPartition(self._prefix + topic, number, offset or OFFSET_BEGINNING)
                for (topic, number), offset in starts.items()
            ]
        )
        thread = threading.Thread(target=reader.run, name="kafka-reader", daemon=True)
        thread.start()
        try:
            await asyncio.wrap_future(reader.ended)
        finally:
            reader.stop()
            await asyncio.shield(asyncio.to_thread(thread.join))

    # ---- inside

    def _poll(self) -> None:
        producer = self._producer
        assert producer is not None
        while not self._closed.is_set():
            producer.poll(_WAIT)

    def _make_topics(self) -> None:
        admin = AdminClient({"bootstrap.servers": self._servers, "log_level": 0})
        try:
            there = admin.list_topics(timeout=_PATIENCE).topics
            wanted = [
                NewTopic(self._prefix + name, num_partitions=count, replication_factor=-1)
                for name, count in self._topics.items()
                if self._prefix + name not in there
            ]
            made = admin.create_topics(wanted, operation_timeout=_PATIENCE) if wanted else {}
            for future in made.values():
                try:
                    future.result(_PATIENCE)
                except KafkaException as error:
                    if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                        raise
        except KafkaException as error:
            raise BusUnavailable(f"Kafka at {self._servers} does not answer ({error}): is it running?") from None
        for name, count in self._topics.items():
            known = there.get(self._prefix + name)
            if known is not None and len(known.partitions) != count:
                raise BusError(
                    f"topic {self._prefix}{name} has {len(known.partitions)} partitions, not {count}: it was made by "
                    "somebody else; use another deployment name or cluster"
                )

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": f"{self._prefix}reader-{secrets.token_hex(4)}",  # places are kept elsewhere: no group
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.min.bytes": 1,
                "fetch.wait.max.ms": 500,
                "reconnect.backoff.max.ms": 1_000,
                "enable.partition.eof": False,
                "log_level": 0,
            }
        )

    def _ends(self, topics: tuple[str, ...]) -> dict[Partition, int]:
        consumer = self._consumer()
        try:
            return {
                (topic, number): consumer.get_watermark_offsets(
                    TopicPartition(self._prefix + topic, number), timeout=_PATIENCE
                )[1]
                for topic in topics
                for number in range(self._topics[topic])
            }
        except KafkaException as error:
            raise BusUnavailable(f"Kafka at {self._servers} does not answer: {error}") from None
        finally:
            consumer.close()


class _Reader:
    """A thread that polls a consumer, and hands what comes to a loop; more is asked for when that was dealt with."""

    def __init__(self, consumer: Consumer, prefix: str, loop: asyncio.AbstractEventLoop, hear: HearMany) -> None:
        self.consumer = consumer
        self.ended: Future[None] = Future()
        self._prefix = prefix
        self._loop = loop
        self._hear = hear
        self._stopped = threading.Event()
        self._handing: Future[Any] | None = None

    def stop(self) -> None:
        """Have the thread end soon."""
        self._stopped.set()
        if self._handing is not None:
            self._handing.cancel()

    def run(self) -> None:
        """Read until stopped."""
        try:
            while not self._stopped.is_set():
                first = self.consumer.poll(_WAIT)
                if first is None:
                    continue
                batch = [first, *self.consumer.consume(_MOST, 0)]
                deliveries = [self._delivery(each) for each in batch if not self._passing(each)]
                if deliveries and not self._stopped.is_set():
                    self._handing = asyncio.run_coroutine_threadsafe(self._hand(deliveries), self._loop)
                    self._handing.result()
        except Cancelled:
            pass
        except BaseException as error:
            self.ended.set_exception(error)
        finally:
            self.consumer.close()

    def _hand(self, deliveries: Sequence[Delivery]) -> Coroutine[Any, Any, None]:
        async def hand() -> None:
            await self._hear(deliveries)

        return hand()

    @staticmethod
    def _passing(message: Message) -> bool:
        """Say whether this is the news of a fault that goes by: the library connects anew by itself."""
        error = message.error()
        if error is None:
            return False
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
            raise BusError(
                f"{message.topic()}, partition {message.partition()}: the place to read on from is not there: "
                f"{error.str()}; publish again from the outbox"
            )
        return True

    def _delivery(self, message: Message) -> Delivery:
        topic, number, offset, value = message.topic(), message.partition(), message.offset(), message.value()
        assert topic is not None
        assert number is not None
        assert offset is not None
        try:
            envelope = decode(value or b"")
        except UnreadableMessage as error:
            raise Unreadable(f"{topic}, partition {number}, offset {offset}: {error}") from None
        return Delivery(topic.removeprefix(self._prefix), envelope, number, offset)
