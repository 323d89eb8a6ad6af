"""What every carrier keeps: run over memory, real Redis and real Kafka, with and without signatures."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, get_args

import pytest
from msgspec import Struct

from roottrading.adapters.bus.port import BusError, Delivery, Heads, Partition
from roottrading.messages.channels import MARKET, SIGNALS_RAW, TRADE_COMMANDS, TRADE_EVENTS
from roottrading.operations.local_servers.addresses import bootstrap_servers
from tests.contract.bus_carriers import PATIENCE, TOPICS, Ear, Kind, going, listener, log, pubsub, reader, said

pytestmark = pytest.mark.usefixtures("either_loop")

START: Final[Mapping[Partition, int]] = {
    (topic, number): 0 for topic, count in TOPICS.items() for number in range(count)
}
BTC, ETH = "BTCUSDT/1m", "ETHUSDT/1m"


class Live(Struct):
    """A carrier that forgets."""

    kind: Kind
    url: str


class Kept(Struct):
    """A carrier that keeps."""

    kind: Kind
    servers: str
    prefix: str


@pytest.fixture(params=get_args(Kind))
def live(request: pytest.FixtureRequest) -> Live:
    return Live(request.param, "" if request.param == "memory" else request.getfixturevalue("redis_url"))


@pytest.fixture(params=get_args(Kind))
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    if request.param == "memory":
        yield Kept("memory", "", "")
    else:
        servers = bootstrap_servers(request.getfixturevalue("kafka_url"))
        yield Kept(request.param, servers, request.getfixturevalue("topic_prefix"))


# ---- carriers that forget


def test_whoever_listens_hears_all_of_it_in_order(live: Live) -> None:
    sent = [said(MARKET, key, number) for number in range(1, 51) for key in (BTC, ETH)]

    async def main() -> None:
        async with pubsub(live.kind, live.url) as carrier, listener(carrier, [MARKET]) as ear:
            await carrier.publish(sent[:1])
            await carrier.publish(sent[1:60])
            await carrier.publish([])
            await carrier.publish(sent[60:])
            await ear.until(lambda: len(ear.heard) >= len(sent))
            assert ear.heard == [Delivery(channel, envelope) for channel, envelope in sent]

    asyncio.run(main())


def test_what_is_said_without_waiting_is_heard_in_its_order(live: Live) -> None:
    async def main() -> None:
        async with pubsub(live.kind, live.url) as carrier, listener(carrier, [TRADE_COMMANDS]) as ear:
            carrier.say([said(TRADE_COMMANDS, "AAA", 1), said(TRADE_COMMANDS, "AAA", 2)])
            await carrier.publish([said(TRADE_COMMANDS, "BBB", 3)])
            carrier.say([])
            carrier.say([said(TRADE_COMMANDS, "AAA", 4)])
            await ear.until(lambda: len(ear.heard) >= 4)
            assert ear.order == [1, 2, 3, 4]

    asyncio.run(main())


def test_nobody_hears_what_was_said_before(live: Live) -> None:
    async def main() -> None:
        async with pubsub(live.kind, live.url) as carrier:
            await carrier.publish([said(MARKET, BTC, 1)])
            async with listener(carrier, [MARKET]) as ear:
                await carrier.publish([said(MARKET, BTC, 2)])
                await ear.until(lambda: bool(ear.heard))
            assert ear.order == [2]

    asyncio.run(main())


def test_only_the_channels_and_keys_asked_for_are_heard(live: Live) -> None:
    async def main() -> None:
        async with pubsub(live.kind, live.url) as carrier, listener(carrier, [MARKET, SIGNALS_RAW], [BTC]) as ear:
            others = [said(MARKET, ETH, 1), said(MARKET, "BTCUSDT/5m", 2), said(SIGNALS_RAW, ETH, 3)]
            await carrier.publish([*others, said(MARKET, BTC, 4), *others, said(SIGNALS_RAW, BTC, 5)])
            await carrier.tell_heads(Heads("author", SIGNALS_RAW, {}))
            await ear.until(lambda: bool(ear.heads))
            assert ear.order == [4, 5, "heads"]

        async with pubsub(live.kind, live.url) as carrier, listener(carrier, [SIGNALS_RAW]) as ear:
            await carrier.tell_heads(Heads("author", MARKET, {"market/BTCUSDT/1m": 7}))
            await carrier.publish([said(MARKET, BTC, 1), said(SIGNALS_RAW, BTC, 2)])
            await ear.until(lambda: bool(ear.heard))
            assert ear.order == [2]

    asyncio.run(main())


def test_all_listeners_hear(live: Live) -> None:
    async def main() -> None:
        async with (
            pubsub(live.kind, live.url) as carrier,
            listener(carrier, [MARKET]) as one,
            listener(carrier, [MARKET], [ETH]) as other,
        ):
            await carrier.publish([said(MARKET, BTC, 1), said(MARKET, ETH, 2)])
            await one.until(lambda: len(one.heard) == 2)
            await other.until(lambda: len(other.heard) == 1)

    asyncio.run(main())


def test_heads_are_heard_after_what_was_said_before_them(live: Live) -> None:
    heads = Heads("author", MARKET, {"market/BTCUSDT/1m": 3})

    async def main() -> None:
        async with pubsub(live.kind, live.url) as carrier, listener(carrier, [MARKET]) as ear:
            for _ in range(10):
                await asyncio.gather(
                    carrier.publish([said(MARKET, BTC, number) for number in (1, 2, 3)]), carrier.tell_heads(heads)
                )
            await ear.until(lambda: len(ear.order) == 40)
            assert ear.heads == [heads] * 10
            assert ear.order == [1, 2, 3, "heads"] * 10

    asyncio.run(main())


def test_a_listener_without_room_gets_everything_in_order_when_it_has_some(live: Live) -> None:
    class Slow(Ear):
        looks = 0
        taken = 0

        def hear(self, batch: Sequence[Delivery]) -> None:
            self.taken += 1
            super().hear(batch)

        def has_room(self) -> bool:
            self.looks += 1
            if self.looks % 4:
                return False
            assert self.taken <= self.looks // 4, "nothing is delivered that was not asked for"
            return True

    async def main() -> None:
        async with pubsub(live.kind, live.url) as carrier, listener(carrier, [MARKET], ear=Slow()) as ear:
            for first in range(0, 3_000, 100):
                await carrier.publish([said(MARKET, BTC, number) for number in range(first, first + 100)])
            await ear.until(lambda: len(ear.heard) == 3_000)
            assert ear.order == list(range(3_000))

    asyncio.run(main())


def test_a_listener_that_fails_ends_its_listening(live: Live) -> None:
    class Failing(Ear):
        def hear(self, batch: Sequence[Delivery]) -> None:
            raise LookupError("of the listener's own")

    async def main() -> None:
        async with pubsub(live.kind, live.url) as carrier:
            ear = Failing()
            listening = asyncio.ensure_future(carrier.listen([MARKET], None, ear))
            await ear.until(lambda: ear.began > 0)
            await carrier.publish([said(MARKET, BTC, 1)])
            with pytest.raises(LookupError):
                await listening

    asyncio.run(main())


def test_that_something_was_said_is_noticed_unread(live: Live) -> None:
    async def main() -> None:
        count = 0

        def noticed() -> None:
            nonlocal count
            count += 1

        async with pubsub(live.kind, live.url) as carrier, going(carrier.notice([MARKET, SIGNALS_RAW], noticed)):
            for channel, key in ((MARKET, BTC), (SIGNALS_RAW, ETH)):
                before, number = count, 0
                async with asyncio.timeout(PATIENCE):
                    while count == before:
                        number += 1
                        await carrier.publish([said(channel, key, number)])
                        await asyncio.sleep(0.01)
            await carrier.tell_heads(Heads("author", MARKET, {}))
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 1)])
            await asyncio.sleep(0.05)
            before = count
            await carrier.tell_heads(Heads("author", MARKET, {}))
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 2)])
            await asyncio.sleep(0.05)
            assert count == before, "heads and other channels are nothing to notice"

    asyncio.run(main())


# ---- carriers that keep


def test_all_that_was_said_is_read_by_partition_and_offset(kept: Kept) -> None:
    keys = ["AAA", "BBB", "CCC"]
    sent = [said(TRADE_COMMANDS, key, number) for number in range(1, 21) for key in keys]

    async def main() -> None:
        async with log(kept.kind, kept.servers, kept.prefix) as carrier:
            await carrier.publish(sent[:30])
            await carrier.publish([])
            async with reader(carrier, START) as ear:
                await ear.until(lambda: len(ear.heard) == 30)
                await carrier.publish(sent[30:])
                await ear.until(lambda: len(ear.heard) == 60)
                while any(carrier.known_ends().get((TRADE_COMMANDS, each)) != 20 for each in range(3)):
                    await asyncio.sleep(0.01)
                assert carrier.known_ends()[TRADE_COMMANDS, 3] == 0
            for partition, key in enumerate(keys):
                heard = [each for each in ear.heard if each.partition == partition]
                own = [envelope for _, envelope in sent if envelope.stream.endswith(key)]
                assert heard == [Delivery(TRADE_COMMANDS, each, partition, at) for at, each in enumerate(own)]

    asyncio.run(main())


def test_reading_goes_on_at_the_places_given(kept: Kept) -> None:
    async def main() -> None:
        async with log(kept.kind, kept.servers, kept.prefix) as carrier:
            sent = [said(TRADE_COMMANDS, key, number) for number in range(10) for key in ("AAA", "BBB")]
            await carrier.publish([*sent, said(TRADE_EVENTS, "AAA", 99)])
            async with reader(carrier, {(TRADE_COMMANDS, 0): 7, (TRADE_COMMANDS, 1): 10, (TRADE_EVENTS, 0): 0}) as ear:
                await ear.until(lambda: len(ear.heard) == 4)
                await carrier.publish([said(TRADE_COMMANDS, "BBB", 10)])
                await ear.until(lambda: len(ear.heard) == 5)
            assert [each.sequence for each in ear.envelopes("trade.commands/AAA")] == [7, 8, 9]
            assert [each.sequence for each in ear.envelopes("trade.commands/BBB")] == [10]
            assert [each.sequence for each in ear.envelopes("trade.events/AAA")] == [99]

    asyncio.run(main())


def test_the_ends_are_where_the_next_message_goes(kept: Kept) -> None:
    async def main() -> None:
        async with log(kept.kind, kept.servers, kept.prefix) as carrier:
            await carrier.publish([said(TRADE_COMMANDS, key, number) for number in range(3) for key in ("AAA", "CCC")])
            ends = await carrier.ends([TRADE_COMMANDS])
            assert {place: end for place, end in ends.items() if end} == {
                (TRADE_COMMANDS, 0): 3,
                (TRADE_COMMANDS, 2): 3,
            }

    asyncio.run(main())


def test_a_place_that_was_never_written_is_an_error(kept: Kept) -> None:
    async def main() -> None:
        async with log(kept.kind, kept.servers, kept.prefix) as carrier:
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 1)])
            with pytest.raises(BusError, match=r"trade\.commands, partition 0"):
                async with asyncio.timeout(30):
                    await carrier.read({(TRADE_COMMANDS, 0): 5}, Ear().read)

    asyncio.run(main())


def test_who_reads_slowly_is_waited_for(kept: Kept) -> None:
    class Slow(Ear):
        together = 0

        async def read(self, batch: Sequence[Delivery]) -> None:
            self.together += 1
            assert self.together == 1, "more is delivered only when this was dealt with"
            await asyncio.sleep(0.005)
            self.together -= 1
            await super().read(batch)

    async def main() -> None:
        async with log(kept.kind, kept.servers, kept.prefix) as carrier, reader(carrier, START, Slow()) as ear:
            for first in range(0, 3_000, 100):
                await carrier.publish([said(TRADE_COMMANDS, "AAA", number) for number in range(first, first + 100)])
            await ear.until(lambda: len(ear.heard) == 3_000)
            assert ear.order == list(range(3_000))

    asyncio.run(main())


def test_a_reader_that_is_stopped_hears_nothing_more(kept: Kept) -> None:
    async def main() -> None:
        async with log(kept.kind, kept.servers, kept.prefix) as carrier:
            heard: list[int] = []

            async def stuck(batch: Sequence[Delivery]) -> None:
                heard.append(len(batch))
                await asyncio.Event().wait()

            async with going(carrier.read(START, stuck)):
                await carrier.publish([said(TRADE_COMMANDS, "AAA", 1)])
                while not heard:
                    await asyncio.sleep(0.01)
                await carrier.publish([said(TRADE_COMMANDS, "AAA", 2)])
            assert len(heard) == 1

    asyncio.run(main())


def test_a_reader_that_fails_ends_its_reading(kept: Kept) -> None:
    async def fail(batch: Sequence[Delivery]) -> None:
        raise LookupError("of the reader's own")

    async def main() -> None:
        async with log(kept.kind, kept.servers, kept.prefix) as carrier:
            await carrier.publish([said(TRADE_COMMANDS, "AAA", 1)])
            with pytest.raises(LookupError):
                await carrier.read(START, fail)

    asyncio.run(main())
