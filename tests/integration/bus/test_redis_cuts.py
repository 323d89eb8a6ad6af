"""Redis killed, silent and lying: what was lost is told, everything goes on, and nobody waits for ever."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from roottrading.adapters.bus.port import BusError, BusUnavailable
from roottrading.adapters.bus.redis_pubsub import RedisPubSub
from roottrading.adapters.bus.redis_wire import place_of
from roottrading.messages.channels import MARKET
from roottrading.operations.local_servers import RedisServer
from tests.contract.bus_carriers import Ear, going, listener, said, seal

BTC = "BTCUSDT/1m"


@asynccontextmanager
async def opened(url: str, patience: float = 5.0, signed: bool = False) -> AsyncIterator[RedisPubSub]:
    carrier = RedisPubSub(url, seal() if signed else None, patience)
    await carrier.open()
    try:
        yield carrier
    finally:
        await carrier.close()


def test_who_only_says_things_needs_no_redis_and_is_heard_once_it_is_there(own_redis: RedisServer) -> None:
    async def main() -> None:
        own_redis.kill()
        carrier = RedisPubSub(own_redis.url)
        number = 0

        async def speak() -> None:
            nonlocal number
            while True:
                number += 1
                carrier.say([said(MARKET, BTC, number)])
                await asyncio.sleep(0.01)

        async with going(speak()):
            while number < 20:
                await asyncio.sleep(0.01)
            own_redis.start()
            async with opened(own_redis.url) as other, listener(other, [MARKET]) as ear:
                await ear.until(lambda: len(ear.heard) > 3)
                own_redis.kill()
                before = number
                while number < before + 20:
                    await asyncio.sleep(0.01)
                own_redis.start()
                again = len(ear.heard)
                await ear.until(lambda: len(ear.heard) > again + 3)
        await carrier.close()

    asyncio.run(main())


def test_a_kill_is_told_and_everything_goes_on(own_redis: RedisServer) -> None:
    async def main() -> None:
        async with opened(own_redis.url) as carrier, listener(carrier, [MARKET]) as ear:
            told: list[int] = []  # what Redis took
            refused = 0

            async def publish() -> None:
                nonlocal refused
                for number in range(1, 100_000):
                    try:
                        await carrier.publish([said(MARKET, BTC, number)])
                        told.append(number)
                    except BusUnavailable:
                        refused += 1
                    await asyncio.sleep(0.001)

            async with going(publish()):
                await ear.until(lambda: len(ear.heard) > 50)
                own_redis.kill()
                assert ear.began == 1
                own_redis.start()
                await ear.until(lambda: ear.began == 2)
                again = len(ear.heard)
                await ear.until(lambda: len(ear.heard) > again + 50)

            heard = [each.sequence for each in ear.envelopes()]
            assert heard == sorted(set(heard)), "in order, and none twice"
            after = heard[again]
            assert heard[again:] == [number for number in told if number >= after][: len(heard) - again], (
                "from the new subscription on nothing is missing"
            )
            assert carrier.reconnects

    asyncio.run(main())


def test_who_publishes_is_told_while_redis_is_gone_and_nobody_has_to_open_it_again(own_redis: RedisServer) -> None:
    async def main() -> None:
        async with opened(own_redis.url) as carrier:
            own_redis.kill()
            for _ in range(2):  # the first goes into a connection whose end was not yet heard
                with pytest.raises(BusUnavailable, match=f"127.0.0.1:{own_redis.port}"):
                    await carrier.publish([said(MARKET, BTC, 1)])
            own_redis.start()
            async with listener(carrier, [MARKET]) as ear:
                await carrier.publish([said(MARKET, BTC, 2)])
                await ear.until(lambda: bool(ear.heard))

    asyncio.run(main())


def test_a_redis_that_hangs_is_given_up(own_redis: RedisServer) -> None:
    """Its kernel still takes what is sent: only its silence tells."""

    async def main() -> None:
        async with opened(own_redis.url, patience=0.3) as carrier, listener(carrier, [MARKET]) as ear:
            os.kill(own_redis.process_id, signal.SIGSTOP)
            try:
                with pytest.raises(BusUnavailable, match=r"no answer for 0\.3 s"):
                    await carrier.publish([said(MARKET, BTC, 1)])
                while not carrier.reconnects:
                    await asyncio.sleep(0.05)
            finally:
                os.kill(own_redis.process_id, signal.SIGCONT)
            await ear.until(lambda: ear.began == 2)

    asyncio.run(main())


def test_a_quiet_redis_is_not_given_up(redis_url: str) -> None:
    async def main() -> None:
        async with opened(redis_url, patience=0.1) as carrier, listener(carrier, [MARKET]) as ear:
            await asyncio.sleep(0.5)
            assert (ear.began, carrier.reconnects) == (1, 0)

    asyncio.run(main())


def test_what_is_no_message_is_passed_over_and_counted(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with (
            opened(redis_url, signed=True) as carrier,
            opened(redis_url) as stranger,
            listener(carrier, [MARKET]) as ear,
        ):
            await stranger.publish([said(MARKET, BTC, 1)])  # it has no key
            await carrier.publish([said(MARKET, BTC, 2)])
            await ear.until(lambda: bool(ear.heard))
            assert ear.order == [2]
            assert carrier.unreadable == 1
            for number in range(3, 30):
                await stranger.publish([said(MARKET, BTC, number)])
            await carrier.publish([said(MARKET, BTC, 30)])
            await ear.until(lambda: len(ear.heard) == 2)
            assert carrier.unreadable == 28
            (told,) = [message for message in caplog.messages if "passed over on Redis" in message]
            assert "is not signed" in told
        async with opened(redis_url) as carrier:
            ear = Ear()
            async with listener(carrier, [MARKET], ear=ear):
                async with opened(redis_url, signed=True) as other:
                    await other.publish([said(MARKET, BTC, 3)])
                await carrier.publish([said(MARKET, BTC, 4)])
                await ear.until(lambda: bool(ear.heard))
            assert ear.order == [4]
            assert carrier.unreadable == 1

    asyncio.run(main())


def test_a_login_that_is_refused_says_so_and_shows_no_password(redis_url: str) -> None:
    url = redis_url.replace("redis://", "redis://somebody:hidden-word@")

    async def main() -> None:
        with pytest.raises(BusError, match=r"WRONGPASS|without any password") as raised:
            await RedisPubSub(url).open()
        assert "hidden-word" not in str(raised.value)

    asyncio.run(main())


def test_a_socket_serves_as_well(own_redis: RedisServer) -> None:
    async def main() -> None:
        url = own_redis.socket_url
        if url is None:
            pytest.skip("the folder's path is too long for a socket")
        async with opened(url) as carrier, listener(carrier, [MARKET]) as ear:
            await carrier.publish([said(MARKET, BTC, 1)])
            await ear.until(lambda: bool(ear.heard))

    asyncio.run(main())


def test_what_is_not_opened_cannot_publish(redis_url: str) -> None:
    async def main() -> None:
        with pytest.raises(BusUnavailable, match="open it first"):
            await RedisPubSub(redis_url).publish([said(MARKET, BTC, 1)])

    asyncio.run(main())


def test_a_stream_of_lies_ends_the_connection(redis_url: str) -> None:
    """Something else answers at Redis's port."""

    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(lie, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BusUnavailable, match=f"127.0.0.1:{port}"):
            await RedisPubSub(f"redis://127.0.0.1:{port}", patience=2.0).open()
        server.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost", "localhost:6379"),
        ("redis://:word@10.0.0.1:7000/3", "10.0.0.1:7000"),
        ("rediss://user:w%40rd@host/", "host:6379"),
        ("unix:///run/redis.sock?db=2", "/run/redis.sock"),
    ],
)
def test_addresses_are_read(url: str, shown: str) -> None:
    place = place_of(url)
    assert (str(place), repr(place)) == (shown, f"Place({shown})")


@pytest.mark.parametrize("url", ["", "http://host", "redis://host:port", "redis://host/one", "unix://", "host:6379"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BusError, match="the address of Redis reads"):
        place_of(url)
