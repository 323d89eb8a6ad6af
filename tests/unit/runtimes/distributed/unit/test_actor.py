"""A unit in its process: batches, gaps, heads, what was not confirmed, deadlines, a person's commands, the fence."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, cast

import pytest
from msgspec import Struct

from roottrading.adapters.bus.port import Sent
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Commit, Fenced, UnitStore
from roottrading.domain.candle import Candle
from roottrading.domain.money import ONE
from roottrading.domain.time import MINUTE, Time
from roottrading.messages.channels import TRADE_EVENTS
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.exchange import QueryOrder, Request
from roottrading.messages.market import CandleClosed
from roottrading.messages.service import (
    NOTHING,
    ControlChanged,
    DeadlineDue,
    Decision,
    Input,
    Outgoing,
    Resumed,
    Row,
    Table,
)
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import DeadlinesDue, Given, HeadHeard
from roottrading.runtimes.distributed.unit.journaling import TABLES
from roottrading.runtimes.distributed.unit.ways import Prepare, Ways
from roottrading.runtimes.recording import TABLES as RECORDED
from roottrading.runtimes.step import Unit

NOW = 1_000 * MINUTE


class Count(Struct, frozen=True):
    """What the service below counts."""

    name: str
    value: int


COUNTS = Table("counts", ("name",), Count, "state")


class Counting:
    """Counts candles by symbol, says each count, asks about every third and for a deadline at every fifth."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.heard: list[str] = []

    def restore(self, rows: Iterable[Row]) -> None:
        self.counts = {row.values.name: row.values.value for row in rows}

    def decide(self, given: Input, now: Time) -> Decision:
        if not isinstance(given, Envelope):
            self.heard.append(type(given).__name__)
            return Decision(deadlines=(("later", now + MINUTE),)) if isinstance(given, ControlChanged) else NOTHING
        assert isinstance(given.body, CandleClosed)
        symbol = given.body.candle.symbol
        count = self.counts[symbol] = self.counts.get(symbol, 0) + 1
        said = AlertRaised("info", "counted", str(count), symbol, now)
        requests: tuple[Request, ...] = (QueryOrder(symbol, f"id-{count}", 1, now),) if count % 3 == 0 else ()
        return Decision(
            (Outgoing(TRADE_EVENTS, symbol, said),), requests, (), (Row("counts", (symbol,), Count(symbol, count)),)
        )


def candle(number: int, follows: int | None = None) -> Envelope:
    at = NOW + number * MINUTE
    body = CandleClosed(Candle("AAA", "1m", at - MINUTE, ONE, ONE, ONE, ONE, ONE))
    before = (0 if number == 1 else at - MINUTE) if follows is None else follows
    return Envelope("gateway", "market/AAA/1m", at, before, at, "cause", body)


class Bench:
    """A database, and actors one after the other."""

    def __init__(self) -> None:
        self.units = MemoryUnits((*TABLES, COUNTS))
        self.published: list[Sent] = []
        self.requests: list[Request] = []
        self.cut = False

    async def publish(self, sent: Sequence[Sent]) -> None:
        if self.cut:
            raise ConnectionError("cut")
        self.published += sent

    def send(self, requests: Sequence[Request]) -> None:
        self.requests += requests

    async def actor(self, prepare: Prepare = lambda sent, requests: None) -> tuple[Actor, Counting]:
        store = self.units.unit("trader/3")
        loaded = await store.load()
        service = Counting()
        service.restore(loaded.rows["counts"])
        place = loaded.units.get("trader/3")
        seen, sent = ({}, {}) if place is None else (dict(place.seen), dict(place.sent))
        unit = Unit("trader", 3, service, loaded.fence, seen, sent)
        ways = Ways(self.publish, self.units.said, lambda: NOW, self.send, lambda envelope: (), prepare=prepare)
        return Actor(unit, store, loaded, ways), service

    async def author(self, *envelopes: Envelope) -> None:
        """Have the gateway's outbox hold these."""
        store = self.units.unit("gateway/3")
        await store.load()
        await store.commit(Commit(outbox=[("market", envelope) for envelope in envelopes]))

    def texts(self) -> list[str]:
        return [e.body.text for _, e in self.published if isinstance(e.body, AlertRaised)]


async def worked(actor: Actor, *given: Given) -> None:
    """Let the actor work off what it is given."""
    actor.give(given)
    running = asyncio.create_task(actor.run())
    while not actor.is_idle and not running.done():
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()


def played(play: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        await play(Bench())

    asyncio.run(whole())


class SlowBench(Bench):
    """Confirms when it is told to, each batch on its own."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[asyncio.Future[None]] = []

    async def publish(self, sent: Sequence[Sent]) -> None:
        await super().publish(sent)
        self.held.append(asyncio.get_running_loop().create_future())
        await self.held[-1]


async def turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_slow_confirmation_keeps_no_decision_waiting_and_counts_only_when_it_came() -> None:
    async def play() -> None:
        bench = SlowBench()
        actor, _ = await bench.actor()
        running = asyncio.create_task(actor.run())
        for number in range(1, 6):
            actor.give([Given(candle(number))])
            await turns()
        assert bench.texts() == ["1", "2", "3", "4", "5"]
        assert not actor.is_idle
        for held in bench.held[:2]:
            held.set_result(None)
        await turns()
        actor.give([Given(candle(6))])
        await turns()
        running.cancel()
        await asyncio.wait([running])
        loaded = await bench.units.unit("trader/3").load()
        assert [entry.number for entry in loaded.outbox] == [3, 4, 5, 6]

    asyncio.run(play())


def test_too_much_that_is_not_confirmed_is_waited_for_and_rest_is_when_all_is() -> None:
    async def play() -> None:
        bench = SlowBench()
        actor, _ = await bench.actor()
        running = asyncio.create_task(actor.run())
        for number in range(1, 21):
            actor.give([Given(candle(number))])
            await turns()
        assert 1 < len(bench.held) < 15
        while len(bench.texts()) < 20 or not all(held.done() for held in bench.held):
            for held in bench.held:
                if not held.done():
                    assert not actor.is_idle
                    held.set_result(None)
            await turns()
        assert bench.texts() == [str(number) for number in range(1, 21)]
        assert actor.is_idle
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(play())


def test_what_a_carrier_refuses_ends_the_actor_also_when_nothing_more_comes() -> None:
    async def play() -> None:
        bench = SlowBench()
        actor, _ = await bench.actor()
        running = asyncio.create_task(actor.run())
        actor.give([Given(candle(1))])
        await turns()
        bench.held[0].set_exception(ConnectionError("refused"))
        await asyncio.wait([running], timeout=10)
        with pytest.raises(ConnectionError, match="refused"):
            running.result()

    asyncio.run(play())


def test_what_is_decided_is_kept_and_then_leaves_once() -> None:
    async def play(bench: Bench) -> None:
        actor, _ = await bench.actor()
        await worked(actor, *[Given(candle(n), {("market", 3): n + 1}) for n in (1, 2, 3)])
        assert bench.texts() == ["1", "2", "3"]
        assert [request.client_order_id for request in bench.requests] == ["id-3"]
        loaded = bench.units.store("trader/3").load()
        assert [row.values.value for row in loaded.rows["counts"]] == [3]
        assert loaded.offsets == {("market", 3): 4}
        assert loaded.outbox_number == 3
        again, service = await bench.actor()
        await worked(again, Given(candle(2)), Given(candle(3)), Given(candle(4)))
        assert service.counts == {"AAA": 4}
        assert bench.texts() == ["1", "2", "3", "4"] or bench.texts() == ["1", "2", "3", "1", "2", "3", "4"]

    played(play)


def test_a_request_is_written_before_anything_is_published_of_it() -> None:
    """A link writes it in a task of its own, carriers are on their way when they are called."""
    order: list[str] = []

    class LinkedBench(Bench):
        def publish(self, sent: Sequence[Sent]) -> Coroutine[Any, Any, None]:
            order.append("published")
            return super().publish(sent)

        def send(self, requests: Sequence[Request]) -> None:
            self.writing = asyncio.create_task(self.write())

        async def write(self) -> None:
            order.append("written")

    async def play() -> None:
        actor, _ = await LinkedBench().actor()
        await worked(actor, *[Given(candle(n)) for n in (1, 2, 3)])

    asyncio.run(play())
    assert order == ["written", "published"]


def test_what_can_be_is_prepared_while_the_commit_is_on_its_way_and_leaves_only_after_it() -> None:
    order: list[str] = []

    class SlowUnit:
        """A unit's store that takes a while for a commit."""

        def __init__(self, store: UnitStore) -> None:
            self.store = store

        async def commit(self, commit: Commit) -> None:
            order.append("commit asked for")
            await asyncio.sleep(0.01)
            await self.store.commit(commit)
            order.append("committed")

    class PreparingBench(Bench):
        async def publish(self, sent: Sequence[Sent]) -> None:
            order.append("published")
            assert [each for _, each in sent] == self.prepared[0]

        def send(self, requests: Sequence[Request]) -> None:
            order.append("sent")
            assert list(requests) == self.prepared[1]

        def prepare(self, sent: Sequence[Sent], requests: Sequence[Request]) -> None:
            order.append("prepared")
            self.prepared = [each for _, each in sent], list(requests)

    async def play() -> None:
        bench = PreparingBench()
        actor, _ = await bench.actor(prepare=bench.prepare)
        actor.store = cast("UnitStore", SlowUnit(actor.store))
        await worked(actor, *[Given(candle(n)) for n in (1, 2, 3)])

    asyncio.run(play())
    assert order == ["commit asked for", "prepared", "committed", "sent", "published"]


def test_what_was_prepared_does_not_leave_where_the_commit_failed() -> None:
    prepared: list[Sent] = []

    async def play(bench: Bench) -> None:
        actor, _ = await bench.actor(prepare=lambda sent, requests: prepared.extend(sent))
        await bench.actor()  # who takes the unit over
        with pytest.raises(Fenced):
            await worked(actor, *[Given(candle(n)) for n in (1, 2, 3)])
        assert not bench.published
        assert not bench.requests

    played(play)
    assert prepared


def test_what_was_not_confirmed_is_published_after_a_load() -> None:
    async def play(bench: Bench) -> None:
        actor, _ = await bench.actor()
        bench.cut = True
        with pytest.raises(ConnectionError):
            await worked(actor, Given(candle(1)), Given(candle(2)))
        assert bench.texts() == []
        bench.cut = False
        again, _ = await bench.actor()
        await worked(again, Given(candle(3)))
        assert bench.texts() == ["1", "2", "3"]

    played(play)


def test_a_gap_is_filled_from_the_authors_outbox() -> None:
    async def play(bench: Bench) -> None:
        await bench.author(candle(1), candle(2), candle(3), candle(4))
        actor, service = await bench.actor()
        await worked(actor, Given(candle(1)), Given(candle(4)))
        assert service.counts == {"AAA": 4}
        assert bench.texts() == ["1", "2", "3", "4"]

    played(play)


@pytest.mark.parametrize("last", [NOW + 2 * MINUTE, None])
def test_a_head_shows_what_was_lost_last(last: int | None) -> None:
    async def play(bench: Bench) -> None:
        await bench.author(candle(1), candle(2))
        actor, service = await bench.actor()
        await worked(actor, Given(HeadHeard("gateway", "market/AAA/1m", last)))
        assert service.counts == {"AAA": 2}

    played(play)


def test_who_was_taken_over_keeps_nothing() -> None:
    async def play(bench: Bench) -> None:
        old, _ = await bench.actor()
        await bench.actor()
        with pytest.raises(Fenced):
            await worked(old, Given(candle(1)), Given(candle(2)), Given(candle(3)))
        assert (bench.published, bench.requests) == ([], [])

    played(play)


def test_a_command_is_kept_as_taken_and_asks_for_a_deadline_that_comes_once() -> None:
    async def play(bench: Bench) -> None:
        actor, service = await bench.actor()
        halted = ControlChanged(7, "state", "halted", "", "", "me", "")
        await worked(actor, Given(halted, command=7), Given(DeadlinesDue(NOW + 2 * MINUTE)))
        assert service.heard == [Resumed.__name__, ControlChanged.__name__, DeadlineDue.__name__]
        assert actor.deadlines.next() is None
        loaded = bench.units.store("trader/3").load()
        assert (loaded.control, loaded.deadlines) == (7, ())

    played(play)


def test_facts_that_reports_want_are_kept_with_what_made_them() -> None:
    async def play(bench: Bench) -> None:
        actor, _ = await bench.actor()
        await worked(actor, Given(candle(1)))
        (alerts,) = [table for table in RECORDED if table.name == "alerts"]
        assert [alert.text for alert in bench.units.store("trader/3").journal(alerts)] == ["1"]  # type: ignore[attr-defined]

    played(play)
