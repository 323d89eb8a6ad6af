"""Reading Kafka: a thread that waits for messages, and a loop in which they are heard."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from roottrading.adapters.bus.port import BusError, Delivery, HearMany, HearStopped, Partition, Unreadable
from roottrading.adapters.bus.signing import Seal

REBUILD: Final = "`roottrading kafka rebuild` publishes anew what was not taken"
_MOST: Final = 500
_WAIT: Final = 0.2  # seconds that the thread waits for news before it looks whether it is still wanted
_LOOK: Final = 1.0  # seconds between two looks at how much there is
_AHEAD: Final = 2  # batches: one is dealt with, the next is ready
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


class KafkaReader:
    """One reading of partitions from given offsets on; whoever hears slowly is waited for."""

    def __init__(
        self, consumer: Consumer, prefix: str, seal: Seal, hear: HearMany, stopped: HearStopped | None = None
    ) -> None:
        """Take a consumer of nobody else's; it is closed in the end."""
        self._hear_stopped = stopped
        self._unread: set[Partition] = set()  # what is read no further
        self._consumer = consumer
        self._prefix = prefix
        self._seal = seal
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._found: asyncio.Queue[Sequence[Delivery] | Exception] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._stopped = threading.Event()
        self._ends: dict[Partition, int] = {}

    async def run(self, starts: Mapping[Partition, int]) -> None:
        """Deliver until cancelled. Raises BusError where an offset is not there, Unreadable for what is no message."""
        thread = threading.Thread(target=self._work, args=(dict(starts),), name="kafka-reader", daemon=True)
        thread.start()
        try:
            while True:
                found = await self._found.get()
                if isinstance(found, Exception):
                    raise found
                await self._hear(found)
                self._room.release()
        finally:
            self._stopped.set()
            self._room.release()
            await asyncio.shield(asyncio.to_thread(thread.join))

    def known_ends(self) -> dict[Partition, int]:
        """Return where the next message of each partition would go, as far as the broker told it with its answers."""
        return {place: end for place, end in self._ends.items() if end >= 0}

    # ---- in the thread

    def _work(self, starts: Mapping[Partition, int]) -> None:
        try:
            self._consumer.assign(
                [
                    TopicPartition(self._prefix + topic, number, offset or OFFSET_BEGINNING)
                    for (topic, number), offset in starts.items()
                ]
            )
            self._ends = dict.fromkeys(starts, -1)
            looked = 0.0
            while not self._stopped.is_set():
                first = self._consumer.poll(_WAIT)
                if time.monotonic() - looked > _LOOK:
                    looked = time.monotonic()
                    self._look()
                if first is not None and not self._take([first, *self._consumer.consume(_MOST - 1, 0)]):
                    return
        except Exception as error:
            self._tell(error)
        finally:
            self._consumer.close()

    def _look(self) -> None:
        for topic, number in self._ends:
            _, self._ends[topic, number] = self._consumer.get_watermark_offsets(
                TopicPartition(self._prefix + topic, number), cached=True
            )

    def _take(self, messages: Sequence[Message]) -> bool:
        """Hand messages on up to the first that stops the reading; say whether it goes on."""
        deliveries: list[Delivery] = []
        failure: BusError | None = None
        for message in messages:
            if self._unread and self._place(message) in self._unread:
                continue
            try:
                if not _passes(message):
                    deliveries.append(self._delivery(message))
            except Unreadable as error:
                if self._hear_stopped is None:
                    failure = error
                    break
                self._stop(self._place(message), error)
            except BusError as error:
                failure = error
                break
        if deliveries:
            while not self._room.acquire(timeout=_LOOK):
                self._look()
            if self._stopped.is_set():
                return False
            self._tell(deliveries)
        if failure is not None:
            self._tell(failure)
        return failure is None

    def _stop(self, place: Partition, why: Unreadable) -> None:
        self._unread.add(place)
        self._consumer.pause([TopicPartition(self._prefix + place[0], place[1])])
        if self._hear_stopped is not None and not self._stopped.is_set():
            self._loop.call_soon_threadsafe(self._hear_stopped, place, why)

    def _place(self, message: Message) -> Partition:
        topic, number = message.topic(), message.partition()
        assert topic is not None
        assert number is not None
        return topic.removeprefix(self._prefix), number

    def _tell(self, found: Sequence[Delivery] | Exception) -> None:
        if not self._stopped.is_set():
            self._loop.call_soon_threadsafe(self._found.put_nowait, found)

    def _delivery(self, message: Message) -> Delivery:
        (channel, number), offset = self._place(message), message.offset()
        assert offset is not None
        try:
            envelope = self._seal.envelope(channel, message.value() or b"")
        except Unreadable as error:
            raise Unreadable(f"{message.topic()}, partition {number}, offset {offset}: {error}") from None
        return Delivery(channel, envelope, number, offset)


def _passes(message: Message) -> bool:
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
