"""Reading Kafka: a thread that waits for messages, and a loop in which they are heard."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message
from msgspec import Struct

from roottrading.adapters.bus.kafka_opening import KafkaOpening, passes
from roottrading.adapters.bus.port import (
    BusError,
    Delivery,
    Forged,
    HearMany,
    HearPassedOver,
    HearStopped,
    Partition,
    PassedOver,
    Unreadable,
)

_MOST: Final = 500
_WAIT: Final = 0.2  # seconds that the thread waits for news before it looks whether it is still wanted
_LOOK: Final = 1.0  # seconds between two looks at how much there is
_AHEAD: Final = 2  # batches: one is dealt with, the next is ready


class _Found(Struct):
    deliveries: list[Delivery] = []
    passed_over: dict[Partition, PassedOver] = {}
    stopped: dict[Partition, Unreadable] = {}


class KafkaReader:
    """One reading of partitions from given offsets on; whoever hears slowly is waited for."""

    def __init__(
        self,
        consumer: Consumer,
        opening: KafkaOpening,
        hear: HearMany,
        stopped: HearStopped | None = None,
        passed_over: HearPassedOver | None = None,
    ) -> None:
        """Take a consumer of nobody else's; it is closed in the end."""
        self._hear_stopped = stopped
        self._hear_passed_over = passed_over
        self._unread: set[Partition] = set()  # what is read no further
        self._consumer = consumer
        self._opening = opening
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._found: asyncio.Queue[_Found | Exception] = asyncio.Queue()
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
                await self._hand_on(found)
                self._room.release()
        finally:
            self._stopped.set()
            self._room.release()
            await asyncio.shield(asyncio.to_thread(thread.join))

    def known_ends(self) -> dict[Partition, int]:
        """Return where the next message of each partition would go, as far as the broker told it with its answers."""
        return {place: end for place, end in self._ends.items() if end >= 0}

    async def _hand_on(self, found: _Found) -> None:
        """Have it heard: what was passed over first, what is read no further when all before it was heard."""
        if self._hear_passed_over is not None:
            for passed_over in found.passed_over.values():
                self._hear_passed_over(passed_over)
        if found.deliveries:
            await self._hear(found.deliveries)
        if self._hear_stopped is not None:
            for place, why in found.stopped.items():
                self._hear_stopped(place, why)

    # ---- in the thread

    def _work(self, starts: Mapping[Partition, int]) -> None:
        try:
            self._consumer.assign(
                [self._opening.name(place, offset or OFFSET_BEGINNING) for place, offset in starts.items()]
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
        for place in self._ends:
            _, self._ends[place] = self._consumer.get_watermark_offsets(self._opening.name(place), cached=True)

    def _take(self, messages: Sequence[Message]) -> bool:
        """Hand messages on up to the first that stops the reading; say whether it goes on."""
        found, failure = _Found(), None
        for message in messages:
            if self._unread and self._opening.place(message) in self._unread:
                continue
            try:
                if not passes(message):
                    found.deliveries.append(self._opening.delivery(message))
            except BusError as error:
                if not self._goes_on(message, error, found):
                    failure = error
                    break
        if found.deliveries or found.passed_over or found.stopped:
            while not self._room.acquire(timeout=_LOOK):
                self._look()
            if self._stopped.is_set():
                return False
            self._tell(found)
        if failure is not None:
            self._tell(failure)
        return failure is None

    def _goes_on(self, message: Message, error: BusError, found: _Found) -> bool:
        """Say whether the reading goes on beyond a message that is not delivered, or beyond its partition."""
        if isinstance(error, Forged) and self._hear_passed_over is not None:
            place, offset = self._opening.place(message), message.offset()
            assert offset is not None
            before = found.passed_over[place].count if place in found.passed_over else 0
            found.passed_over[place] = PassedOver(place, before + 1, offset + 1, str(error))
            return True
        if isinstance(error, Forged) or not isinstance(error, Unreadable) or self._hear_stopped is None:
            return False
        place = self._opening.place(message)
        self._unread.add(place)
        self._consumer.pause([self._opening.name(place)])
        found.stopped[place] = error
        return True

    def _tell(self, found: _Found | Exception) -> None:
        if not self._stopped.is_set():
            self._loop.call_soon_threadsafe(self._found.put_nowait, found)
