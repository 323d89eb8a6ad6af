"""The market streams against a server on a loopback port that stalls, drops, closes, repeats and shuts down."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
import pytest

from roottrading.adapters.exchange.binance.streams import StreamSettings, Subscription, candles
from roottrading.adapters.exchange.binance.streams.candle_sequence import CandlePatience
from roottrading.adapters.exchange.binance.streams.market_streams import MarketStreams
from roottrading.adapters.exchange.binance.streams.observations import (
    BookLost,
    BookSnapshot,
    DepthChange,
    MarketObservation,
    PublicTrade,
    TradesLost,
)
from roottrading.adapters.exchange.binance.streams.settings import LeastSilence, Reconnecting, SilenceBounds
from roottrading.domain.candle import Candle
from roottrading.domain.time import MILLISECOND, MINUTE, SECOND, Time
from roottrading.messages.exchange import LinkChanged
from roottrading.messages.service import CandleMissing, CandleObserved
from roottrading.services.gateway import Gateway

from .market_streams_server import START, MarketServer, until


def silent_for(bound: Time) -> LeastSilence:
    """Return the same bound for every kind of stream."""
    return LeastSilence(*[bound] * len(LeastSilence.__struct_fields__))


QUICK = StreamSettings(
    tick=5 * MILLISECOND,
    judging=20 * MILLISECOND,
    overlap=60 * MILLISECOND,
    grace=150 * MILLISECOND,
    opening=SECOND,
    ask_again=20 * MILLISECOND,
    patience=CandlePatience(again=20 * MILLISECOND),
    silence=SilenceBounds(connection=20 * SECOND, probe=10 * SECOND, first=20 * SECOND),
    reconnecting=Reconnecting(shortest=10 * MILLISECOND, longest=80 * MILLISECOND, proven=50 * MILLISECOND),
)
PATIENT = StreamSettings(tick=5 * MILLISECOND)
BTC_CANDLES, BTC_TRADES = candles("BTCUSDT", "1m"), Subscription("aggregate_trades", "BTCUSDT")
BTC_BOOK = Subscription("depth", "BTCUSDT")

Script = Callable[[MarketServer, MarketStreams, list[MarketObservation]], Awaitable[None]]


def play(
    script: Script, server: MarketServer, follow: Sequence[Subscription], settings: StreamSettings = QUICK
) -> None:
    """Run a client beside a script; the server must not have seen a broken rule."""

    async def run() -> None:
        said: list[MarketObservation] = []
        async with server, aiohttp.ClientSession() as session:
            streams = MarketStreams(
                session,
                server,
                said.append,
                exchange_time=lambda: server.now,
                settings=replaced(settings, url=server.url),
                chance=random.Random(1).random,
            )
            streams.follow(follow, {each: START for each in follow if each.kind == "candles"})
            running = asyncio.create_task(streams.run())
            try:
                async with until("the script's end", 30):
                    await script(server, streams, said)
                assert not running.done(), running.exception()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert server.broken_rules == []


def replaced(settings: StreamSettings, **changes: object) -> StreamSettings:
    return StreamSettings(**{name: getattr(settings, name) for name in settings.__struct_fields__} | changes)


async def wait(what: str, done: Callable[[], bool]) -> None:
    async with until(what):
        while not done():
            await asyncio.sleep(0.005)


async def minutes_pass(server: MarketServer, said: list[MarketObservation], count: int) -> None:
    """Let minutes pass, each when the candle of the one before has arrived."""
    for _ in range(count):
        before = len(closed(said)), len(said)
        await server.pass_minute()
        await wait("the minute's candles", lambda before=before: (len(closed(said)), len(said) - 1) > before)  # type: ignore[misc]


async def serving(streams: MarketStreams, count: int = 1) -> None:
    await wait(f"{count} serving connections", lambda: streams.status().serving >= count)


def trade_ids(said: Sequence[MarketObservation]) -> list[int]:
    assert not [each for each in said if isinstance(each, TradesLost)]
    return [each.trade_id for each in said if isinstance(each, PublicTrade)]


def trades_of(said: Sequence[MarketObservation], symbol: str) -> list[PublicTrade]:
    return [each for each in said if isinstance(each, PublicTrade) and each.symbol == symbol]


def follows_its_snapshots(said: Sequence[MarketObservation], symbol: str) -> bool:
    """Say whether every change that was delivered continues the snapshot or the change before it."""
    last = 0
    for each in said:
        if isinstance(each, BookSnapshot | DepthChange) and each.symbol == symbol:
            if isinstance(each, DepthChange) and not each.first_id <= last + 1 <= each.last_id:
                return False
            last = each.last_id
    return True


def closed(said: Sequence[MarketObservation], symbol: str = "BTCUSDT") -> list[Candle | CandleMissing]:
    return [
        each if isinstance(each, CandleMissing) else each.candle
        for each in said
        if (isinstance(each, CandleMissing) and each.symbol == symbol)
        or (isinstance(each, CandleObserved) and each.candle.closed and each.candle.symbol == symbol)
    ]


def truth(server: MarketServer, minutes: int, symbol: str = "BTCUSDT") -> list[Candle | CandleMissing]:
    return [
        CandleMissing(symbol, "1m", START + minute * MINUTE)
        if minute in server.absent
        else server.candle(symbol, minute)
        for minute in range(minutes)
    ]


def ends(said: Sequence[MarketObservation]) -> list[str]:
    return [each.reason for each in said if isinstance(each, LinkChanged) and each.state == "ended"]


def test_candles_in_progress_and_closed_arrive_in_order() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        await server.progress()
        await minutes_pass(server, said, 5)
        assert closed(said) == truth(server, 5)
        in_progress = [each for each in said if isinstance(each, CandleObserved) and not each.candle.closed]
        assert [(each.candle.open_time - START) // MINUTE for each in in_progress] == [0, 1, 2, 3, 4, 5]
        assert not server.questions

    play(script, MarketServer(), [BTC_CANDLES])


def test_two_thousand_and_fifty_streams_spread_over_three_connections_within_the_limits() -> None:
    symbols = [f"COIN{number}USDT" for number in range(2_050)]

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams, 3)
        assert sorted(len(peer.streams) for peer in server.peers) == [2, 1_024, 1_024]
        assert all(len(peer.address) < 4_000 for peer in server.peers)
        for symbol in symbols:
            await server.trade(symbol)
        await wait("a trade of each", lambda: len(trade_ids(said)) == 2_050)

    play(script, MarketServer(symbols), [Subscription("aggregate_trades", symbol) for symbol in symbols], PATIENT)


def test_connections_are_replaced_by_age_without_a_hole_or_a_twin() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        while len(server.peers) < 5:
            await server.trade("BTCUSDT")
            await server.move_book("BTCUSDT")
            await asyncio.sleep(0.001)
        await wait("the last trade", lambda: trade_ids(said)[-1:] == [len(server.trades["BTCUSDT"]) - 1])
        ids = trade_ids(said)
        assert ids == list(range(ids[0], len(server.trades["BTCUSDT"])))
        assert not server.questions["trades"]  # nothing had to be refetched
        assert not [each for each in said if isinstance(each, BookLost)]
        assert ends(said).count("replaced by age") >= 3
        assert len(server.open_peers()) <= 2

    play(script, MarketServer(), [BTC_TRADES, BTC_BOOK], replaced(QUICK, lifetime=300 * MILLISECOND))


def test_a_shutdown_that_is_announced_loses_nothing() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        await server.trade("BTCUSDT", 10)
        await server.announce_shutdown()
        await wait("the second connection", lambda: len(server.peers) == 2)
        await server.trade("BTCUSDT", 10)
        await wait("only the second is left", lambda: [peer.number for peer in server.open_peers()] == [1])
        await server.trade("BTCUSDT", 10)
        await wait("all trades", lambda: len(trade_ids(said)) == 30)
        assert trade_ids(said) == list(range(30))
        assert ends(said) == ["the server shuts down"]
        assert not server.questions

    play(script, MarketServer(), [BTC_TRADES])


@pytest.mark.parametrize("way", ["cut", "closed"])
def test_what_was_missed_without_a_connection_is_fetched_before_anything_newer(way: str) -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        await server.pass_minute()
        await server.trade("BTCUSDT", 3)
        await wait("the beginning", lambda: len(trade_ids(said)) == 3)
        server.refusals = [(503, {})] * 3
        if way == "cut":
            server.peers[0].cut()
        else:
            await server.peers[0].socket.close(code=1008, message=b"disconnected")
        await wait("the end is noticed", lambda: len(ends(said)) >= 1)
        server.absent = {2}
        for _ in range(4):
            await server.pass_minute()
        await server.trade("BTCUSDT", 1_500)
        await serving(streams)
        await server.pass_minute()
        await server.trade("BTCUSDT", 3)
        await wait("all", lambda: len(trade_ids(said)) == 1_506 and len(closed(said)) == 6)
        assert trade_ids(said) == list(range(1_506))
        assert closed(said) == truth(server, 6)
        assert ends(said)[0] == ("cut" if way == "cut" else "closed by the server (1008 disconnected)")
        assert ends(said)[1:] == ["refused with HTTP status 503"] * 3
        assert server.questions["trades"] == 2

    play(script, MarketServer(), [BTC_CANDLES, BTC_TRADES])


def test_nothing_newer_passes_while_the_history_is_down() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        server.history_down = True
        server.lost = {BTC_CANDLES.name}
        await server.pass_minute()
        server.lost = set()
        for _ in range(3):
            await server.pass_minute()
        while server.questions["klines"] < 3:
            server.now += SECOND  # the exchange's clock moves on, and with it the pauses between questions
            await asyncio.sleep(0.02)
        assert closed(said) == []
        server.history_down = False
        server.now += SECOND
        await wait("all", lambda: len(closed(said)) == 4)
        assert closed(said) == truth(server, 4)

    play(script, MarketServer(), [BTC_CANDLES])


def test_a_stream_that_falls_silent_beside_others_has_its_connection_replaced() -> None:
    silence = SilenceBounds(least=silent_for(150 * MILLISECOND), usual=8)

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        for _ in range(20):
            await server.trade("BTCUSDT")
            await server.trade("ETHUSDT")
            await asyncio.sleep(0.002)
        server.peers[0].silent_streams = {BTC_TRADES.name}
        while server.peers[0].open:
            await server.trade("BTCUSDT")
            await server.trade("ETHUSDT")
            await asyncio.sleep(0.002)
        for symbol in server.symbols:
            await server.trade(symbol)
            await wait("the last trade", lambda symbol=symbol: trades_of(said, symbol) == server.trades[symbol])  # type: ignore[misc]
        assert " is silent for " in ends(said)[0]

    both = [BTC_TRADES, Subscription("aggregate_trades", "ETHUSDT")]
    play(script, MarketServer(["BTCUSDT", "ETHUSDT"]), both, replaced(QUICK, silence=silence))


def test_a_stream_that_is_silent_from_the_start_of_a_new_connection_is_noticed_by_what_it_did_before() -> None:
    silence = SilenceBounds(least=silent_for(150 * MILLISECOND), usual=8)
    ether = Subscription("aggregate_trades", "ETHUSDT")

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        for _ in range(20):
            await server.trade("BTCUSDT")
            await asyncio.sleep(0.002)
        server.lost = {BTC_TRADES.name}
        server.peers[0].cut()
        async with until("a third connection"):
            while len(server.peers) < 3:
                await server.trade("ETHUSDT")
                await asyncio.sleep(0.002)
        assert streams.status().counts["replaced"] == 1

    both = [BTC_TRADES, ether]
    play(script, MarketServer(["BTCUSDT", "ETHUSDT"]), both, replaced(QUICK, silence=silence))


def test_candles_that_only_the_history_has_prove_a_stall() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        await server.pass_minute()
        server.peers[0].silent_streams = {BTC_CANDLES.name}
        for number in range(1, 4):
            await server.pass_minute()
            server.now += 3 * SECOND
            await wait("the history's candle", lambda number=number: len(closed(said)) == number + 1)  # type: ignore[misc]
        await wait("another connection alone", lambda: [peer.number for peer in server.open_peers()] == [1])
        await server.pass_minute()
        await wait("a candle of the stream", lambda: len(closed(said)) == 5)
        assert closed(said) == truth(server, 5)
        assert ends(said)[0].startswith("btcusdt@kline_1m left out")

    play(script, MarketServer(), [BTC_CANDLES])


def test_a_candle_left_out_now_and_then_is_no_stall() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        for number in range(4):
            server.lost = {BTC_CANDLES.name}
            await server.pass_minute()
            server.lost = set()
            server.now += 3 * SECOND
            await wait("the history's candle", lambda number=number: len(closed(said)) == 2 * number + 1)  # type: ignore[misc]
            await minutes_pass(server, said, 1)
        await asyncio.sleep(0.1)
        assert closed(said) == truth(server, 8)
        assert len(server.peers) == 1

    play(script, MarketServer(), [BTC_CANDLES])


@pytest.mark.parametrize("way", ["says nothing at all", "forgets pongs"])
def test_a_dead_connection_is_probed_and_given_up(way: str) -> None:
    silence = SilenceBounds(probe=100 * MILLISECOND, connection=1_000 * MILLISECOND)

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        await server.trade("BTCUSDT")
        await asyncio.sleep(1.5)
        assert len(server.peers) == 1  # it answers our pings, and so lives on in a silent market
        if way == "forgets pongs":
            server.answers_pings = False
        else:
            server.peers[0].silent = True
        await wait("another connection", lambda: len(server.peers) > 1)
        server.answers_pings = True
        assert "not even an answer to our ping" in ends(said)[0]

    play(script, MarketServer(), [BTC_TRADES], replaced(QUICK, silence=silence))


def test_a_connection_whose_streams_never_say_anything_is_given_up() -> None:
    silence = SilenceBounds(first=200 * MILLISECOND)

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await wait("a third connection", lambda: len(server.peers) == 3)
        assert ends(said) == ["none of its streams said anything"] * 2

    play(script, MarketServer(), [BTC_TRADES], replaced(QUICK, silence=silence))


def test_the_servers_ping_is_answered_with_its_payload() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        await server.peers[0].socket.ping(b"1672515782136")
        await wait("the pong", lambda: server.peers[0].pongs == [b"1672515782136"])

    play(script, MarketServer(), [BTC_TRADES])


def test_answers_to_pings_count_among_the_messages_of_a_second() -> None:
    more = [Subscription("aggregate_trades", f"COIN{number}USDT") for number in range(5)]

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        for number in range(4):
            await server.peers[0].socket.ping(b"%d" % number)
        await wait("the pongs", lambda: len(server.peers[0].pongs) == 4)
        streams.follow(more)
        await wait("the subscriptions", lambda: len(server.peers[0].streams) == 6)

    play(script, MarketServer(), [BTC_TRADES], replaced(PATIENT, streams_a_message=1))


def test_it_waits_as_long_as_the_exchange_says() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await wait("the refusal", lambda: bool(ends(said)))
        await asyncio.sleep(0.6)
        assert server.attempts == 1
        await serving(streams)
        assert server.attempts == 2

    server = MarketServer()
    server.refusals = [(429, {"Retry-After": "1"})]
    play(script, server, [BTC_TRADES])


def test_attempts_are_bounded_where_nothing_succeeds() -> None:
    reconnecting = Reconnecting(shortest=MILLISECOND, longest=2 * MILLISECOND, most=7, window=5 * MINUTE)

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await wait("the last attempt", lambda: len(ends(said)) == 7)
        await asyncio.sleep(0.3)
        assert server.attempts == streams.status().attempts == 7

    server = MarketServer()
    server.refusals = [(503, {})] * 1_000
    play(script, server, [BTC_TRADES], replaced(QUICK, reconnecting=reconnecting))


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("confirms", "its streams were not confirmed in time"),
        ("refuses_control", "the server refused a control message (2 Invalid request)"),
    ],
)
def test_a_subscription_that_is_not_confirmed_is_begun_again(fault: str, why: str) -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        setattr(server, fault, fault == "refuses_control")
        await wait("the end", lambda: why in ends(said))
        assert streams.status().serving == 0
        setattr(server, fault, fault != "refuses_control")
        await serving(streams)

    settings = replaced(QUICK, streams_in_address=0, opening=200 * MILLISECOND)
    play(script, MarketServer(), [BTC_TRADES], settings)


def test_a_later_subscription_that_is_not_confirmed_ends_the_connection() -> None:
    ether = Subscription("aggregate_trades", "ETHUSDT")

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        server.confirms = False
        streams.follow([ether])
        await wait("the end", lambda: ends(said) == ["its streams were not confirmed in time"])
        server.confirms = True
        await wait("both streams", lambda: server.peers[-1].streams == {BTC_TRADES.name, ether.name})

    play(script, MarketServer(["BTCUSDT", "ETHUSDT"]), [BTC_TRADES], replaced(QUICK, opening=200 * MILLISECOND))


def test_what_is_said_twice_and_what_is_nonsense_changes_nothing() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        server.twins = True
        await serving(streams)
        for _ in range(5):
            await server.trade("BTCUSDT", 2)
            await server.pass_minute()
            for nonsense in (
                "",
                "{",
                "[]",
                "null",
                '{"stream":"x","data":1}',
                '{"stream":"btcusdt@kline_1m","data":{}}',
            ):
                await server.peers[0].say(nonsense)
            await server.peers[0].socket.send_bytes(b"\xff\x00\xfe")
        await wait("all", lambda: len(trade_ids(said)) == 10 and len(closed(said)) == 5)
        assert trade_ids(said) == list(range(10))
        assert closed(said) == truth(server, 5)
        assert len(server.peers) == 1
        assert sum(streams.status().strangers.values()) == 35
        assert streams.status().dropped >= 15

    play(script, MarketServer(), [BTC_CANDLES, BTC_TRADES])


def test_streams_are_followed_and_left_while_it_runs() -> None:
    ether = Subscription("aggregate_trades", "ETHUSDT")

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        streams.follow([ether, BTC_TRADES])
        await wait("the subscription", lambda: server.peers[0].streams == {BTC_TRADES.name, ether.name})
        await server.trade("ETHUSDT")
        await wait("a trade of ETHUSDT", lambda: trade_ids(said) == [0])
        streams.unfollow([BTC_TRADES])
        await wait("the end of BTCUSDT", lambda: server.peers[0].streams == {ether.name})
        streams.unfollow([ether])
        await wait("no connection", lambda: not server.open_peers())
        streams.follow([BTC_TRADES])
        await serving(streams)
        assert len(server.peers) == 2

    play(script, MarketServer(["BTCUSDT", "ETHUSDT"]), [BTC_TRADES])


def test_what_the_listener_raises_ends_it() -> None:
    async def run() -> None:
        def refuse(said: MarketObservation) -> None:
            if isinstance(said, PublicTrade):
                raise RuntimeError("no more")

        async with MarketServer() as server, aiohttp.ClientSession() as session:
            streams = MarketStreams(
                session, server, refuse, exchange_time=lambda: server.now, settings=replaced(QUICK, url=server.url)
            )
            streams.follow([BTC_TRADES])
            running = asyncio.create_task(streams.run())
            await serving(streams)
            await server.trade("BTCUSDT")
            with pytest.raises(ExceptionGroup) as raised:
                await running
            assert raised.group_contains(RuntimeError, match="no more")

    asyncio.run(run())


def test_a_book_is_lost_with_its_updates_and_found_again() -> None:
    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams)
        await server.move_book("BTCUSDT", 50)
        await wait("a book", lambda: streams.book("BTCUSDT") is not None)
        server.lost = {BTC_BOOK.name}
        await server.move_book("BTCUSDT", 3)
        server.lost = set()
        await server.move_book("BTCUSDT", 50)
        await wait("the loss", lambda: any(isinstance(each, BookLost) for each in said))
        await wait("a book", lambda: streams.book("BTCUSDT") is not None)
        await server.move_book("BTCUSDT", 50)
        await wait("the last update", lambda: last_id(streams) == server.update_ids["BTCUSDT"])
        book = streams.book("BTCUSDT")
        assert book is not None
        assert book.snapshot() == server.snapshot("BTCUSDT")
        assert server.questions["depth"] >= 2

    def last_id(streams: MarketStreams) -> int:
        book = streams.book("BTCUSDT")
        return 0 if book is None else book.last_id

    play(script, MarketServer(), [BTC_BOOK])


async def misbehave(server: MarketServer, follow: Sequence[Subscription], chance: random.Random) -> None:
    peers = server.open_peers()
    server.lost = set()
    if not peers:
        return
    peer = chance.choice(peers)
    match chance.randrange(10):
        case 0:
            peer.cut()
        case 1:
            server.refusals = [(chance.choice([403, 429, 500, 503]), {})] * chance.randint(1, 3)
        case 2:
            await server.announce_shutdown()
        case 3:
            peer.silent = True
        case 4:
            server.lost = {chance.choice(follow).name}
        case 5:
            server.twins = not server.twins
        case 6:
            server.history_down = not server.history_down
        case 7:
            peer.silent_streams = {chance.choice(follow).name}
        case 8:
            server.absent.add((server.now - START) // MINUTE)


@pytest.mark.parametrize("seed", range(int(os.environ.get("STREAM_STORMS", "3"))))
def test_in_a_storm_of_faults_the_market_is_told_whole(seed: int) -> None:
    """Cuts, closes, refusals, stalls, shutdowns, lost and doubled messages and a failing history, all at once."""
    chance = random.Random(seed)
    symbols = ["BTCUSDT", "ETHUSDT", "XRPUSDT"]
    silence = SilenceBounds(
        least=silent_for(250 * MILLISECOND), usual=8, probe=150 * MILLISECOND, connection=400 * MILLISECOND
    )
    settings = replaced(
        QUICK, lifetime=400 * MILLISECOND, silence=silence, streams_a_connection=4, streams_in_address=2
    )
    follow = [each for symbol in symbols for each in (
        candles(symbol, "1m"), Subscription("aggregate_trades", symbol), Subscription("depth", symbol)
    )]  # fmt: skip

    async def script(server: MarketServer, streams: MarketStreams, said: list[MarketObservation]) -> None:
        await serving(streams, 3)
        for symbol in symbols:  # each stream begins with what it hears first
            await server.trade(symbol)
            await server.move_book(symbol)
        await wait("a first word of each", lambda: len(trade_ids(said)) == len(symbols))
        for _ in range(250):
            if chance.random() < 0.25:
                await misbehave(server, follow, chance)
            for symbol in symbols:
                await server.trade(symbol, chance.randint(0, 2))
                await server.move_book(symbol, chance.randint(0, 2))
            if chance.random() < 0.3:
                await server.pass_minute()
            await asyncio.sleep(0.008)
        server.history_down, server.lost, server.refusals = False, set(), []
        for peer in server.open_peers():
            peer.silent, peer.silent_streams = False, set()
        minutes = (server.now - START) // MINUTE
        server.now += 5 * SECOND

        def told() -> bool:
            return all(
                len(closed(said, symbol)) == minutes
                and trades_of(said, symbol) == server.trades[symbol]
                and (book := streams.book(symbol)) is not None
                and book.last_id == server.update_ids[symbol]
                for symbol in symbols
            )

        async with until("the whole truth"):
            while not told():  # only another print shows that the last one was lost
                for symbol in symbols:
                    await server.trade(symbol)
                    await server.move_book(symbol)
                await asyncio.sleep(0.1)
        gateway = Gateway(symbols, "1m", ["5m"])
        for symbol in symbols:
            assert closed(said, symbol) == truth(server, minutes, symbol)
            book = streams.book(symbol)
            assert book is not None
            assert book.snapshot() == server.snapshot(symbol)
            assert follows_its_snapshots(said, symbol)
            for each in said:
                if isinstance(each, CandleObserved | CandleMissing):
                    gateway.decide(each, server.now)  # raises MarketGap where a candle is left out

    play(script, MarketServer(symbols), follow, settings)
