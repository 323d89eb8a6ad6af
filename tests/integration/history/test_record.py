"""Recording our own exchange while it plays a recorded feed; the recording, replayed, tells the same market."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web

from roottrading.domain.time import HOUR, MILLISECOND, MINUTE, SECOND
from roottrading.exchange_server.faults.fault import Fault
from roottrading.exchange_server.market.feed_file import is_feed, read_feeds
from roottrading.history.errors import HistoryError
from roottrading.history.fetching import Patience
from roottrading.history.recording.listening import Listening
from roottrading.history.recording.recorder import Keeping, Recorder
from roottrading.history.recording.recording_file import RecordingFile
from tests.integration.exchange_server.market_place import FEED, Place, market_place
from tests.integration.exchange_server.test_market_feed import Recording, best, change, folded, levels

QUICK = Patience(tries=3, first_pause=20 * MILLISECOND, longest_pause=20 * MILLISECOND)
TICK = 250 * MILLISECOND
END = 1_723_161_361_000_000  # 23:56:01 UTC: a whole minute and a bit of the feed lies before it


@asynccontextmanager
async def recording(place: Place, path: Path, *symbols: str, keeping: Keeping | None = None) -> AsyncIterator[Recorder]:
    """Record the place meanwhile."""
    file = RecordingFile(path)
    doors = f"http://{place.host}", f"ws://{place.host}"
    recorder = Recorder(*doors, symbols or ("BTCUSDT",), file, QUICK, keeping)
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        file.close()


async def play(place: Place, recorder: Recorder, until: int, step: int = SECOND) -> None:
    """Let time go by, and everything that is said be heard, until an instant."""
    while place.exchange.clock.now() < until:
        place.pass_time(step)
        await heard(recorder)


async def heard(recorder: Recorder) -> None:
    """Wait until nothing more comes."""
    before = -1
    while (now := recorder.counts.total()) != before:
        before = now
        await asyncio.sleep(0.004)


async def passing(place: Place, said: Callable[[], bool], step: int) -> None:
    """Let time go by until something holds."""
    async with asyncio.timeout(10):
        while not said():
            place.pass_time(step)
            await asyncio.sleep(0.005)


def renewed(recorder: Recorder) -> Callable[[], bool]:
    """Return whether there is another renewal than until now."""
    before = recorder.renewals
    return lambda: recorder.renewals > before


async def until(said: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not said():
            await asyncio.sleep(0.005)


def messages_of(path: Path, stream: str) -> list[Any]:
    """Return what a stream said, by hand."""
    found = [msgspec.json.decode(line.partition(b" ")[2]) for line in gzip.decompress(path.read_bytes()).splitlines()]
    return [each["data"] for each in found if each.get("stream") == stream]


def books_of(path: Path) -> dict[int, tuple[Any, ...]]:
    """Return the best of both sides after each change beyond a snapshot, by update id, by hand."""
    found: dict[int, tuple[Any, ...]] = {}
    book: Any = None
    update = 0
    for line in gzip.decompress(path.read_bytes()).splitlines():
        message = msgspec.json.decode(line.partition(b" ")[2])
        data = message.get("data", message)
        if "lastUpdateId" in data:
            book, update = (levels(data["bids"]), levels(data["asks"])), data["lastUpdateId"]
        elif data.get("e") == "depthUpdate" and book is not None and data["u"] > update:
            assert data["U"] <= update + 1
            change(book, data)
            update = data["u"]
            found[update] = best(book)
    return found


def test_a_recording_of_a_feed_holds_its_very_frames_and_replays_its_market(tmp_path: Path) -> None:
    path = tmp_path / "btc.gz"

    async def record() -> None:
        async with market_place([FEED], start=None) as place, recording(place, path) as recorder:
            await passing(place, lambda: "kline_1m" in recorder.counts, TICK)
            await passing(place, recorder.recording.is_set, TICK)
            await play(place, recorder, END)
            assert recorder.missed.total() == 0

    asyncio.run(record())
    assert is_feed(path)
    source = Recording(FEED)
    trades = {trade["t"]: trade for trade in source.trades}
    made_trades = messages_of(path, "btcusdt@trade")
    assert len(made_trades) > 300
    first = made_trades[0]["t"]
    assert [trade["t"] for trade in made_trades] == list(range(first, first + len(made_trades)))
    for trade in made_trades:
        assert {key: trade[key] for key in "tpqTm"} == {key: trades[trade["t"]][key] for key in "tpqTm"}
    quotes = messages_of(path, "btcusdt@bookTicker")
    assert len(quotes) > 300
    assert all(quote == source.bests[quote["u"]] for quote in quotes)
    assert messages_of(path, "btcusdt@aggTrade")
    assert messages_of(path, "btcusdt@kline_1m")
    expected, made = {update: best(book) for update, book in Recording(FEED).books().items()}, books_of(path)
    assert len(made) > 300
    assert {update: expected[update] for update in made} == made

    async def replay() -> list[Any]:
        async with market_place([path], start=None) as place:
            place.pass_time(END - place.exchange.clock.now())
            rows = await place.get("klines", symbol="BTCUSDT", interval="1m", limit=1000)
            book = await place.get("depth", symbol="BTCUSDT", limit=5000)
            assert made[book["lastUpdateId"]] == (
                *map(Decimal, book["bids"][0]),
                *map(Decimal, book["asks"][0]),
            )
            return [row for row in rows if row[6] < END // 1000]

    async def original() -> list[Any]:
        async with market_place([FEED], start=None) as place:
            place.pass_time(END - place.exchange.clock.now())
            rows = await place.get("klines", symbol="BTCUSDT", interval="1m", limit=1000)
            return [row for row in rows if row[6] < END // 1000]

    replayed, played = asyncio.run(replay()), asyncio.run(original())
    assert replayed[-1] == played[-1]
    assert (*(Decimal(text) for text in replayed[-1][1:6]), replayed[-1][8]) == folded(source)[replayed[-1][0]]


def test_it_goes_on_after_a_cut_with_a_book_that_can_be_trusted(tmp_path: Path) -> None:
    path = tmp_path / "btc.gz"

    async def record() -> Recorder:
        async with market_place([FEED], start=None) as place, recording(place, path) as recorder:
            await passing(place, recorder.recording.is_set, TICK)
            await play(place, recorder, place.exchange.clock.now() + 10 * SECOND)
            place.exchange.agenda.add(Fault(kind="drop", where="stream *"))
            place.pass_time(TICK)
            await until(lambda: recorder.cuts == 1)
            place.pass_time(5 * SECOND)  # nobody listens
            before = recorder.counts["kline_1m"]
            await passing(place, lambda: recorder.counts["kline_1m"] > before, TICK)
            await play(place, recorder, place.exchange.clock.now() + 10 * SECOND)
            return recorder

    recorder = asyncio.run(record())
    assert recorder.missed["trade"] > 0
    assert recorder.missed["depth@100ms"] > 0
    lines = gzip.decompress(path.read_bytes()).splitlines()
    assert sum(b"@depth.snapshot" in line for line in lines) == 2
    expected, made = {update: best(book) for update, book in Recording(FEED).books().items()}, books_of(path)
    assert {update: expected[update] for update in made} == made

    async def replay() -> None:
        """At every update id the replayed book is the recorded one, through the gap, too."""
        async with market_place([path], start=None) as place:
            seen = set()
            while place.exchange.clock.now() < place.exchange.market.end:
                place.pass_time(TICK)
                book = await place.get("depth", symbol="BTCUSDT", limit=5)
                if (update := book["lastUpdateId"]) in made:
                    seen.add(update)
                    assert made[update] == (*map(Decimal, book["bids"][0]), *map(Decimal, book["asks"][0]))
            assert len(seen) > 50

    asyncio.run(replay())


@pytest.mark.parametrize(
    ("keeping", "shutdown"), [(Keeping(lifetime=0.4, overlap=0.1), False), (Keeping(overlap=0.1), True)]
)
def test_connections_are_renewed_without_a_hole_and_without_a_word_said_twice(
    tmp_path: Path, keeping: Keeping, shutdown: bool
) -> None:
    """By age, and when the server says that it shuts down."""
    path = tmp_path / "btc.gz"

    async def record() -> Recorder:
        async with market_place([FEED], start=None) as place, recording(place, path, keeping=keeping) as recorder:
            await passing(place, recorder.recording.is_set, TICK)
            while recorder.renewals < 2:
                if shutdown:
                    place.exchange.agenda.add(Fault(kind="shutdown", where="stream *", milliseconds=5_000))
                    await passing(place, renewed(recorder), TICK // 10)
                    await asyncio.sleep(0.6)
                await play(place, recorder, place.exchange.clock.now() + SECOND, TICK)
                await asyncio.sleep(0.02)
            await play(place, recorder, place.exchange.clock.now() + 5 * SECOND)
            return recorder

    recorder = asyncio.run(record())
    assert recorder.missed.total() == 0
    assert recorder.cuts == 0
    trades = [trade["t"] for trade in messages_of(path, "btcusdt@trade")]
    assert trades == list(range(trades[0], trades[0] + len(trades)))
    updates = [(each["U"], each["u"]) for each in messages_of(path, "btcusdt@depth@100ms")]
    assert all(first == last + 1 for (_, last), (first, _) in pairwise(updates))
    assert len(messages_of(path, "btcusdt@depth.snapshot")) == 1


def test_a_listener_that_is_canceled_again_while_it_ends_keeps_no_connection() -> None:
    """As one that was renewed is, where the recorder itself ends at that moment."""

    async def record() -> None:
        async with market_place([FEED], start=None) as place, ClientSession() as session:
            names = ["btcusdt@trade"]
            listening = Listening(session, f"ws://{place.host}", names, lambda *_: None)
            task = asyncio.create_task(listening.run())
            await until(listening.serving.is_set)
            for _ in range(5):
                task.cancel()
                await asyncio.sleep(0)
            with suppress(asyncio.CancelledError):
                await task
            assert session.connector is not None
            assert not session.connector._acquired  # what the session counts as lent

    asyncio.run(record())


def test_two_symbols_in_one_file_are_told_apart(tmp_path: Path) -> None:
    """On a tape of candles: every point is a print and a book of one level."""
    path = tmp_path / "two.gz"

    async def record() -> dict[str, list[Any]]:
        async with market_place() as place, recording(place, path, "LTCUSDT", "BNBUSDT") as recorder:
            await passing(place, recorder.recording.is_set, 5 * SECOND)
            await play(place, recorder, place.exchange.clock.now() + 4 * MINUTE, 5 * SECOND)
            now = place.exchange.clock.now() // MILLISECOND
            assert recorder.missed.total() == 0
            return {
                symbol: [
                    row for row in await place.get("klines", symbol=symbol, interval="1m", limit=3) if row[6] < now
                ]
                for symbol in ("LTCUSDT", "BNBUSDT")
            }

    told = asyncio.run(record())

    async def replay() -> None:
        async with market_place([path], start=None) as place:
            place.pass_time(HOUR)
            for symbol, rows in told.items():
                for row in rows:
                    (again,) = await place.get("klines", symbol=symbol, interval="1m", startTime=row[0], limit=1)
                    assert again == row

    assert all(len(rows) >= 2 for rows in told.values())
    asyncio.run(replay())
    assert {symbol: feed.symbol for symbol, feed in read_feeds([path]).items()} == {
        "BNBUSDT": "BNBUSDT",
        "LTCUSDT": "LTCUSDT",
    }


def test_an_unknown_symbol_is_named(tmp_path: Path) -> None:
    async def record() -> None:
        async with market_place() as place:
            file = RecordingFile(tmp_path / "x.gz")
            with pytest.raises(HistoryError, match="NOSUCHCOIN"):
                await Recorder(f"http://{place.host}", f"ws://{place.host}", ("NOSUCHCOIN",), file, QUICK).run()
            file.close()

    asyncio.run(record())


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"code": 2, "msg": "Invalid request: too many parameters"}, "a subscription was refused"),
        ({"error": {"code": 1, "msg": "no"}, "id": 1}, "a subscription was refused"),
        (None, "its streams were not confirmed in time"),
    ],
)
def test_a_server_that_does_not_subscribe_is_given_up_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reply: Any, said: str
) -> None:
    """An own server of WebSockets, since ours subscribes to everything."""
    opened = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal opened
        opened += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            if reply is not None:
                await socket.send_json(reply)
        return socket

    async def record() -> None:
        app = web.Application()
        app.router.add_get("/stream", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with market_place() as place:
            file = RecordingFile(tmp_path / "x.gz")
            streams = f"ws://{host}:{port}"
            recorder = Recorder(f"http://{place.host}", streams, ("LTCUSDT",), file, QUICK, Keeping(opening=0.1))
            task = asyncio.create_task(recorder.run())
            await until(lambda: recorder.cuts == 2)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            file.close()
        await runner.cleanup()

    asyncio.run(record())
    assert opened >= 2
    assert said in caplog.text
