"""Kafka killed in the middle of publishing: nothing lost, nothing twice, nothing out of order."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import KafkaError, Producer

from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.port import BusError, BusUnavailable, Partition, Unreadable
from roottrading.messages.channels import TRADE_COMMANDS
from roottrading.operations.local_servers import KafkaServer
from roottrading.operations.local_servers.addresses import bootstrap_servers
from roottrading.operations.local_servers.ports import LOOPBACK, free_port
from tests.contract.bus_carriers import TOPICS, Ear, going, partition_of, reader, said, seal

KEYS = ("AAA", "BBB", "CCC")
START = {(TRADE_COMMANDS, number): 0 for number in range(TOPICS[TRADE_COMMANDS])}


@asynccontextmanager
async def opened(servers: str, prefix: str, signed: bool = False) -> AsyncIterator[KafkaLog]:
    carrier = KafkaLog(servers, TOPICS, partition_of, prefix, seal() if signed else None, patience=15)
    await carrier.open()
    try:
        yield carrier
    finally:
        await carrier.close()


def test_a_kill_in_the_middle_loses_doubles_and_reorders_nothing(own_kafka: KafkaServer) -> None:
    async def main() -> None:
        async with (
            opened(bootstrap_servers(own_kafka.url), "main.") as carrier,
            reader(carrier, START) as ear,
        ):
            confirmed = dict.fromkeys(KEYS, 0)

            async def publish(key: str) -> None:
                while True:
                    first = confirmed[key] + 1
                    await carrier.publish([said(TRADE_COMMANDS, key, first + number) for number in range(20)])
                    confirmed[key] += 20

            async with going(publish("AAA")), going(publish("BBB")), going(publish("CCC")):
                await ear.until(lambda: len(ear.heard) > 2_000)
                await asyncio.to_thread(own_kafka.kill)
                before = dict(confirmed)
                await asyncio.to_thread(own_kafka.start)
                await ear.until(lambda: all(confirmed[key] > before[key] + 500 for key in KEYS))
            await ear.until(lambda: all(len(ear.envelopes(f"trade.commands/{key}")) >= confirmed[key] for key in KEYS))
            for key in KEYS:
                heard = [each.sequence for each in ear.envelopes(f"trade.commands/{key}")]
                assert heard == list(range(1, len(heard) + 1))

    asyncio.run(main())


def test_a_kafka_that_is_not_there_is_named() -> None:
    async def main() -> None:
        servers = f"{LOOPBACK}:{free_port()}"
        with pytest.raises(BusUnavailable, match=f"Kafka at {servers} does not answer"):
            await KafkaLog(servers, TOPICS, partition_of, patience=0.5).open()

    asyncio.run(main())


def test_topics_are_made_once_and_not_shared_with_others(kafka_url: str, topic_prefix: str) -> None:
    servers = bootstrap_servers(kafka_url)

    async def main() -> None:
        async with opened(servers, topic_prefix), opened(servers, topic_prefix):
            pass
        other = KafkaLog(servers, {TRADE_COMMANDS: 7}, partition_of, topic_prefix)
        with pytest.raises(BusError, match="has 4 partitions, not 7"):
            await other.open()

    asyncio.run(main())


def test_what_stands_before_an_unreadable_message_is_heard_and_nothing_behind_it(
    kafka_url: str, topic_prefix: str
) -> None:
    servers = bootstrap_servers(kafka_url)

    async def main() -> None:
        async with opened(servers, topic_prefix, signed=True) as carrier:
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 1), said(TRADE_COMMANDS, "AAA", 2)])
            stranger = Producer({"bootstrap.servers": servers})
            stranger.produce(topic_prefix + TRADE_COMMANDS, b'{"v":2}', partition=0)
            assert stranger.flush(30) == 0
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 3)])
            ear = Ear()
            with pytest.raises(Unreadable, match=r"trade\.commands, partition 0, offset 2: .*is not signed"):
                await carrier.read(START, ear.read)
            assert ear.order == [1, 2]

    asyncio.run(main())


def test_what_cannot_be_read_stops_its_partition_and_no_other(kafka_url: str, topic_prefix: str) -> None:
    servers = bootstrap_servers(kafka_url)

    async def main() -> None:
        stopped: list[tuple[Partition, str]] = []
        async with opened(servers, topic_prefix) as carrier:
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 1), said(TRADE_COMMANDS, "BBB", 1)])
            stranger = Producer({"bootstrap.servers": servers})
            stranger.produce(topic_prefix + TRADE_COMMANDS, b'{"v":2}', partition=0)
            assert stranger.flush(30) == 0
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 2), said(TRADE_COMMANDS, "BBB", 2)])
            ear = Ear()

            def stop(place: Partition, why: Unreadable) -> None:
                assert ear.envelopes("trade.commands/AAA"), "what stands before it was heard first"
                stopped.append((place, str(why)))

            reading = asyncio.create_task(carrier.read(START, ear.read, stop))
            await ear.until(lambda: len(ear.heard) == 3)
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 3), said(TRADE_COMMANDS, "BBB", 3)])
            await ear.until(lambda: len(ear.heard) == 4)
            reading.cancel()
            await asyncio.wait([reading])
            heard = [(each.partition, each.envelope.sequence) for each in ear.heard]
            assert sorted(heard) == [(0, 1), (1, 1), (1, 2), (1, 3)]
        ((place, why),) = stopped
        assert place == (TRADE_COMMANDS, 0)
        assert f"{TRADE_COMMANDS}, partition 0, offset 1: " in why

    asyncio.run(main())


def test_what_is_not_opened_or_too_large_is_refused(kafka_url: str, topic_prefix: str) -> None:
    servers = bootstrap_servers(kafka_url)

    async def main() -> None:
        with pytest.raises(BusUnavailable, match="open it first"):
            await KafkaLog(servers, TOPICS, partition_of, topic_prefix).publish([said(TRADE_COMMANDS, "AAA", 1)])
        async with opened(servers, topic_prefix) as carrier:
            with pytest.raises(BusError, match=r"refuses a message on trade\.commands"):
                await carrier.publish([said(TRADE_COMMANDS, "A" * 1_100_000, 1)])

    asyncio.run(main())


def test_a_producer_that_is_given_up_keeps_nobody_waiting(own_kafka: KafkaServer) -> None:
    async def main() -> None:
        servers = bootstrap_servers(own_kafka.url)
        async with opened(servers, "main.") as carrier:
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 1)])
            await asyncio.to_thread(own_kafka.kill)
            waiting = asyncio.create_task(carrier.publish([said(TRADE_COMMANDS, "AAA", 2)]))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            carrier.give_up(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "out of order", fatal=True))
            async with asyncio.timeout(10):
                with pytest.raises(BusUnavailable, match="out of order"):
                    await waiting
                with pytest.raises(BusUnavailable, match="out of order"):
                    await carrier.publish([said(TRADE_COMMANDS, "AAA", 3)])
            await asyncio.to_thread(own_kafka.start)
            await carrier.close()
            await carrier.open()
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 4)])

    asyncio.run(main())


def test_a_broker_that_lost_its_disk_keeps_nobody_waiting(own_kafka: KafkaServer) -> None:
    """It gives its first producers' numbers to others: what the first ones say is out of order for ever."""

    async def main() -> None:
        servers = bootstrap_servers(own_kafka.url)
        async with opened(servers, "main.") as carrier:
            for number in range(1, 21):
                await carrier.publish([said(TRADE_COMMANDS, "AAA", number)])
            await asyncio.to_thread(own_kafka.kill)
            shutil.rmtree(own_kafka.folder / "data")
            await asyncio.to_thread(own_kafka.start)
            async with opened(servers, "main.") as other:  # makes the topics
                await other.publish([said(TRADE_COMMANDS, "AAA", number) for number in range(1, 4)])
                with pytest.raises(BusError):
                    await asyncio.wait_for(speak(carrier), 60)

    async def speak(carrier: KafkaLog) -> None:
        for number in range(21, 41):
            await carrier.publish([said(TRADE_COMMANDS, "AAA", number)])

    asyncio.run(main())
