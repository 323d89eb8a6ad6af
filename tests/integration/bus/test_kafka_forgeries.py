"""What strangers write on our topics over a real Kafka: passed over; what one of us wrote and we cannot read stops."""

import asyncio
import hmac
import json
from collections.abc import Callable, Iterable
from typing import Final

import pytest
from confluent_kafka import Producer

from roottrading.adapters.bus.kafka_log import KafkaLog
from roottrading.adapters.bus.port import Forged, Partition, PassedOver, Unreadable
from roottrading.adapters.bus.signing import Grant, Signed, Unsigned, derive
from roottrading.messages.channels import TRADE_COMMANDS, TRADE_EVENTS
from roottrading.operations.local_servers.addresses import bootstrap_servers
from tests.contract.bus_carriers import TOPICS, Ear, going, partition_of, said

PLACE: Final = (TRADE_COMMANDS, 0)
SECRET: Final = "a secret of these very tests"
RETIRED: Final = "a secret that was retired"
AUTHOR: Final = Grant("author", TRADE_COMMANDS, frozenset({"author"}))
_, MESSAGE = said(TRADE_COMMANDS, "AAA", 2)


def sealed(
    frame: bytes, secret: str = SECRET, deployment: str = "test", channel: str = TRADE_COMMANDS, sender: str = "author"
) -> bytes:
    """Sign as docs/messages.md says, with our key for `sender` on that channel."""
    (found,) = derive([secret], deployment, [Grant(sender, channel, frozenset())])
    (key,) = found.keys
    parts = (deployment.encode(), channel.encode(), sender.encode(), frame)
    mac = hmac.new(key, b"".join(len(part).to_bytes(8, "big") + part for part in parts), "sha256").hexdigest()
    name = hmac.new(key, b"name", "sha256").hexdigest()[:8]
    return b'{"sender":"%s","key":"%s","mac":"%s","frame":%s}' % (sender.encode(), name.encode(), mac.encode(), frame)


def frame(**changes: object) -> bytes:
    return json.dumps(json.loads(Unsigned().pack(TRADE_COMMANDS, MESSAGE)) | changes).encode()


FORGED: Final = {
    "not signed": (frame(), "is not signed: does every service have the secret"),
    "no JSON": (b"\x00\xff", "is not signed"),
    "nothing": (b"", "is not signed"),
    "nested without end": (b'{"sender":' + b"[" * 100_000, "is not signed"),
    "signed with a wrong key": (sealed(frame(), "a secret of a stranger"), "is not signed by author"),
    "signed with a retired key": (sealed(frame(), RETIRED), "is not signed by author"),
    "of another deployment": (sealed(frame(), deployment="other"), "same secret and deployment"),
    "of another channel": (sealed(frame(), channel=TRADE_EVENTS), "is not signed by author"),
    "damaged": (sealed(frame()).replace(b"because", b"becauSe"), "is not signed by author"),
    "with a mac that is none": (sealed(frame()).replace(b'"mac":"', b'"mac":"\xc3\xa9'), "is not signed by author"),
    "of a sender who has no say": (sealed(frame(), sender="stranger"), "'stranger', who has no say there"),
    "for an author whose sender it is not": (sealed(frame(source="other")), "'other' made it"),
    "a genuine one of another partition": (sealed(frame(stream="trade.commands/BBB")), "belongs into partition 1"),
}
UNREADABLE: Final = {
    "of a newer version": (sealed(frame(v=2)), "version 2, this release reads up to 1: upgrade it"),
    "of an unknown type": (sealed(frame(body={"message": "Later"})), "'Later', which this release does not know"),
    "broken within a good signature": (sealed(b'{"v":1}'), "no message"),
}


def opened(servers: str, prefix: str) -> KafkaLog:
    return KafkaLog(servers, TOPICS, partition_of, prefix, Signed("test", "author", derive([SECRET], "test", [AUTHOR])))


def write(servers: str, topic: str, placed: Iterable[tuple[int, bytes]]) -> None:
    stranger = Producer({"bootstrap.servers": servers, "log_level": 0})
    for partition, data in placed:
        stranger.produce(topic, data, partition=partition)
    assert stranger.flush(30) == 0


def test_what_nobody_of_ours_said_is_passed_over_and_told(kafka_url: str, topic_prefix: str) -> None:
    servers = bootstrap_servers(kafka_url)
    passed: list[PassedOver] = []

    async def main() -> None:
        carrier = opened(servers, topic_prefix)
        await carrier.open()
        try:
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 1)])
            for number, (data, _) in enumerate(FORGED.values(), 2):
                await asyncio.to_thread(write, servers, topic_prefix + TRADE_COMMANDS, [(0, data)])
                await carrier.publish([said(TRADE_COMMANDS, "AAA", number)])
            ear = Ear()
            async with going(carrier.read({PLACE: 0}, ear.read, never, passed.append)):
                await ear.until(lambda: len(ear.heard) == len(FORGED) + 1)
                for data, _ in FORGED.values():  # and now each by itself
                    before = len(passed)
                    await asyncio.to_thread(write, servers, topic_prefix + TRADE_COMMANDS, [(0, data)])
                    await until(lambda: len(passed) > before)  # noqa: B023
            assert ear.order == list(range(1, len(FORGED) + 2))
        finally:
            await carrier.close()

    asyncio.run(main())
    assert sum(each.count for each in passed) == 2 * len(FORGED)
    assert {each.place for each in passed} == {PLACE}
    alone = passed[-len(FORGED) :]
    first = 2 * len(FORGED) + 1
    assert [(each.count, each.after) for each in alone] == [(1, first + 1 + at) for at in range(len(FORGED))]
    for each, (name, (_, why)) in zip(alone, FORGED.items(), strict=True):
        assert why in each.why, name
        assert f"{TRADE_COMMANDS}, partition 0, offset {each.after - 1}: " in each.why


def test_what_one_of_us_said_and_cannot_be_read_stops_its_partition(kafka_url: str, topic_prefix: str) -> None:
    servers = bootstrap_servers(kafka_url)
    stopped: dict[Partition, Unreadable] = {}
    places = [(TRADE_COMMANDS, partition) for partition in range(4)]

    async def main() -> None:
        carrier = opened(servers, topic_prefix)
        await carrier.open()
        try:
            keys = ("AAA", "BBB", "CCC", "DDD")
            await carrier.publish([said(TRADE_COMMANDS, key, 1) for key in keys])
            written = [(partition, data) for partition, (data, _) in enumerate(UNREADABLE.values())]
            await asyncio.to_thread(write, servers, topic_prefix + TRADE_COMMANDS, written)
            await carrier.publish([said(TRADE_COMMANDS, key, 2) for key in keys])
            ear = Ear()
            async with going(carrier.read(dict.fromkeys(places, 0), ear.read, stopped.__setitem__, never)):
                await ear.until(lambda: len(ear.heard) == len(keys) + 1)
                await until(lambda: len(stopped) == len(UNREADABLE))
            assert [each.sequence for each in ear.envelopes("trade.commands/DDD")] == [1, 2]
        finally:
            await carrier.close()

    asyncio.run(main())
    for partition, (name, (_, why)) in enumerate(UNREADABLE.items()):
        assert why in str(stopped[TRADE_COMMANDS, partition]), name
        assert not isinstance(stopped[TRADE_COMMANDS, partition], Forged)


def test_a_message_that_is_signed_stops_who_has_no_secret(kafka_url: str, topic_prefix: str) -> None:
    servers = bootstrap_servers(kafka_url)

    async def main() -> None:
        carrier = KafkaLog(servers, TOPICS, partition_of, topic_prefix)
        await carrier.open()
        try:
            await asyncio.to_thread(write, servers, topic_prefix + TRADE_COMMANDS, [(0, sealed(frame()))])
            with pytest.raises(Unreadable, match="has no secret to check it with"):
                await carrier.read({PLACE: 0}, Ear().read, passed_over=never)
        finally:
            await carrier.close()

    asyncio.run(main())


def never(*told: object) -> None:
    raise AssertionError(told)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.01)
