"""A message that cannot be processed stops its symbol and no other; a person's answer lets it go on in order."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Literal

import pytest
from msgspec.structs import replace

from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.domain.time import MINUTE
from roottrading.messages.codec import encode
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import ControlChanged, DeadlineDue, Input, Resumed, Row
from roottrading.runtimes.distributed.unit.quarantine import MOST_DEAD_LETTERS, Quarantine, SetAside
from roottrading.runtimes.distributed.unit.quarantined import QUARANTINE, Poisoned, Quarantined
from roottrading.runtimes.distributed.unit.quarantining import POSTPONED, keep_aside
from roottrading.runtimes.distributed.verdict_barrier import VerdictBarrier
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.step import Gap, Unit
from tests.integration.quarantine_bench import TABLES, UNIT, Bench, Listener, PostedHere
from tests.unit.runtimes.distributed.test_verdict_barrier import T, verdict

Action = Literal["retry", "resolve"]
A, B = "LTCUSDT", "XRPUSDT"


class Case:
    """A bench in memory."""

    def __init__(self, barrier: Callable[[], VerdictBarrier] | None = None) -> None:
        self.units = MemoryUnits(TABLES)
        self.commands = PostedHere()
        self.bench = Bench(self.units.unit, self.commands, barrier)

    def kept(self) -> list[Quarantined]:
        return [row.values for row in self.units.store(UNIT).load().rows[QUARANTINE.name]]

    def counted(self) -> tuple[int, int]:
        assert self.bench.actor is not None
        return self.bench.actor.quarantine.stopped, self.bench.actor.quarantine.dead_letters

    def held(self) -> list[tuple[str, int, bool]]:
        return [(row.symbol, row.sequence, bool(row.error)) for row in self.kept()]


def played(scene: Callable[[Case], Awaitable[None]], barrier: Callable[[], VerdictBarrier] | None = None) -> Case:
    async def play() -> Case:
        case = Case(barrier)
        async with case.bench.living():
            await scene(case)
        return case

    return asyncio.run(play())


async def poisoned(case: Case) -> None:
    """Have A's second message raise, between others that were read with it."""
    case.bench.unbearable.add("a2")
    await case.bench.say(A, "a1", "a2")
    await case.bench.say(B, "b1")
    await case.bench.say(A, "a3")
    await case.bench.say(B, "b2")
    await case.bench.rest()


def test_the_symbol_waits_and_the_others_go_on() -> None:
    async def scene(case: Case) -> None:
        await poisoned(case)
        assert case.bench.told(A) == ("a1",)
        assert case.bench.told(B) == ("b1", "b2")
        assert case.bench.told("person") == (f"pause {A}",)
        assert case.held() == [(A, 2, True), (A, 3, False)]
        assert case.counted() == (1, 0)
        loads = case.bench.loads
        await case.bench.say(A, "a4")
        await case.bench.say(B, "b3")
        await case.bench.rest()
        assert case.bench.loads == loads, "what waits does not disturb"
        assert case.held() == [(A, 2, True), (A, 3, False), (A, 4, False)]
        assert case.bench.told(B) == ("b1", "b2", "b3")

    case = played(scene)
    (pause,) = [command for command in case.commands.posted if isinstance(command, ControlChanged)]
    assert (pause.action, pause.symbol) == ("pause", A)
    (alert,) = case.units.journal(ALERTS)
    assert isinstance(alert, AlertRaised)
    assert (alert.severity, alert.symbol) == ("critical", A)
    assert "trade.events/LTCUSDT 2 of trader: ValueError: a2 makes no sense (quarantine_bench.py:" in alert.text


def test_while_messages_wait_the_exchange_is_heard() -> None:
    async def scene(case: Case) -> None:
        await poisoned(case)
        case.bench.hear(A, "TRADING")
        await case.bench.rest()
        assert case.bench.told(A) == ("a1", "exchange: TRADING")

    played(scene)


def test_after_a_retry_all_that_waited_follows_in_order() -> None:
    async def scene(case: Case) -> None:
        await poisoned(case)
        case.bench.unbearable.clear()
        await case.bench.answer(case.kept()[0], "retry")
        assert case.held() == []
        await case.bench.say(A, "a4")
        await case.bench.rest()
        assert case.bench.told(A) == ("a1", "a2", "a3", "a4")

    played(scene)


def test_a_retry_that_fails_again_leaves_all_as_it_was() -> None:
    async def scene(case: Case) -> None:
        await poisoned(case)
        await case.bench.answer(case.kept()[0], "retry")
        assert case.held() == [(A, 2, True), (A, 3, False)]
        assert case.bench.told(A) == ("a1",)

    played(scene)


def test_a_resolved_message_is_never_decided() -> None:
    async def scene(case: Case) -> None:
        await poisoned(case)
        await case.bench.answer(case.kept()[0], "resolve")
        assert case.held() == []
        assert case.bench.told(A) == ("a1", "a3")

    played(scene)


def test_where_a_later_one_fails_what_was_decided_before_it_stands() -> None:
    async def scene(case: Case) -> None:
        await poisoned(case)
        await case.bench.say(A, "a4", "a5")
        await case.bench.rest()
        case.bench.unbearable.clear()
        case.bench.unbearable.add("a4")
        await case.bench.answer(case.kept()[0], "retry")
        assert case.held() == [(A, 4, True), (A, 5, False)]
        assert case.bench.told(A) == ("a1", "a2", "a3")

    played(scene)


def test_an_answer_for_what_only_waits_changes_nothing() -> None:
    async def scene(case: Case) -> None:
        await poisoned(case)
        await case.bench.answer(case.kept()[1], "resolve")
        assert case.held() == [(A, 2, True), (A, 3, False)]

    played(scene)


def test_a_fact_that_the_next_one_replaces_is_a_dead_letter() -> None:
    async def scene(case: Case) -> None:
        case.bench.unbearable.add("p2")
        await case.bench.say("account", "p1", "p2", "p3")
        await case.bench.say(A, "a1")
        await case.bench.rest()
        assert case.bench.told("account") == ("p1", "p3")
        assert case.bench.told(A) == ("a1",)
        assert case.held() == [("account", 2, True)]
        assert case.counted() == (0, 1)
        assert case.commands.posted == []
        case.bench.unbearable.clear()
        await case.bench.answer(case.kept()[0], "retry")
        await case.bench.say("account", "p4")
        await case.bench.rest()
        assert case.bench.told("account") == ("p1", "p3", "p2", "p4")
        assert case.held() == []

    played(scene)


def test_of_dead_letters_the_newest_are_kept() -> None:
    async def scene(case: Case) -> None:
        texts = [f"p{number}" for number in range(MOST_DEAD_LETTERS + 3)]
        case.bench.unbearable.update(texts)
        for text in texts:
            await case.bench.say("account", text)
            await case.bench.say(A, text.upper())
            await case.bench.rest()
        assert [row.sequence for row in case.kept()] == list(range(4, MOST_DEAD_LETTERS + 4))

    played(scene)


@pytest.mark.parametrize("action", ["retry", "resolve"])
def test_what_the_exchange_says_stops_its_symbol_until_it_is_asked_anew(action: Action) -> None:
    async def scene(case: Case) -> None:
        case.bench.unbearable.add("exchange: HALT")
        case.bench.hear(A, "HALT")
        case.bench.hear(B, "BREAK")  # both are lost with the memory: the exchange is asked
        await case.bench.rest()
        while case.bench.loads < 2 or case.bench.actor is None:
            await asyncio.sleep(0.001)
        await case.bench.say(A, "a1")
        case.bench.hear(A, "TRADING")
        case.bench.hear(B, "TRADING")
        await case.bench.rest()
        assert case.bench.told(A) == ()
        assert case.bench.told(B) == ("exchange: TRADING",)
        assert case.held() == [(A, 0, True), (A, 1, False)]
        before = case.bench.loads
        await case.bench.answer(case.kept()[0], action)
        assert case.bench.loads == before + 1, "loaded anew, so that it asks"
        case.bench.hear(A, "TRADING")
        await case.bench.rest()
        assert case.bench.told(A) == ("a1", "exchange: TRADING")

    played(scene)


def test_where_a_message_before_it_was_lost_that_one_is_fetched_and_decided() -> None:
    def said(number: int) -> Envelope:
        body = AlertRaised("info", "said", f"a{number}", A, number)
        return Envelope("trader", f"trade.events/{A}", number, number - 1, number, "cause", body)

    position = ("trader", f"trade.events/{A}")
    unit = Unit("coordinator", 0, Listener(set()), seen={position: 1})
    kept = Quarantined(A, "message", *position, 3, encode(said(3)).decode(), "ValueError", 3)
    quarantine = Quarantine(unit, [Row(QUARANTINE.name, (*position, 3), kept)])
    rows: list[Row] = []
    with pytest.raises(Gap):
        quarantine.pass_on(said(4), 4, rows)
    assert quarantine.last(position) == 1, "the second is to be fetched"
    assert quarantine.pass_on(said(2), 4, rows) == said(2)
    unit.seen[position] = 2
    assert quarantine.last(position) == 3
    assert quarantine.pass_on(said(3), 4, rows) is None
    assert rows == []
    assert quarantine.pass_on(said(4), 4, rows) is None
    assert [row.key for row in rows] == [(*position, 4)]
    assert quarantine.last(position) == 4


@pytest.mark.parametrize("action", ["retry", "resolve"])
def test_a_deadline_that_is_raised_on_stays_away_until_a_person_answers(action: Action) -> None:
    async def scene(case: Case) -> None:
        bench = case.bench
        bench.unbearable.add("due: one")
        await bench.say(A, "remind me of one at 5", "remind me of two at 5")
        bench.clock = 10
        await bench.rest()
        assert bench.told("time") == ("due: two",)
        assert case.held() == [("account", 0, True)]
        assert bench.told("person") == ("pause ",), "it may be about any symbol"
        loads = bench.loads
        for _ in range(3):
            bench.clock += POSTPONED
            await bench.say(A, "a")
            await bench.rest()
        assert bench.loads == loads, "it does not disturb"
        await bench.die()
        await bench.rest()
        bench.clock += POSTPONED
        await bench.rest()
        assert bench.told("time") == ("due: two",)
        bench.unbearable.clear()
        await bench.answer(case.kept()[0], action)
        assert case.held() == []
        bench.clock += POSTPONED
        await bench.rest()
        assert bench.told("time") == ("due: two", "due: one")[: 2 if action == "retry" else 1]
        await bench.say(A, f"remind me of one at {bench.clock + 1}")
        bench.clock += 1
        await bench.rest()
        assert bench.told("time")[-1] == "due: one", "the next one comes"
        assert bench.told(A)[2:5] == ("a", "a", "a")

    case = played(scene)
    (alert,) = case.units.journal(ALERTS)
    assert isinstance(alert, AlertRaised)
    assert (alert.severity, alert.symbol) == ("critical", "")
    assert "the deadline one: ValueError: due: one makes no sense" in alert.text
    assert "everything is paused" in alert.text


def test_where_an_instant_is_raised_on_messages_go_on_and_instants_wait_for_a_person() -> None:
    async def scene(case: Case) -> None:
        bench = case.bench
        bench.unbearable.add(f"end of {T}")

        async def verdicts(at: int) -> None:
            for number, symbol in enumerate((A, B)):
                envelope, ((channel, _), _) = verdict(symbol, at, "1", number)
                said = replace(envelope, follows=0 if at == T else at - MINUTE)
                await bench.log.publish([(channel, said)])
            await bench.until(lambda: bench.told(B)[-1:] == (f"verdict {at}",))

        await verdicts(T)
        await bench.until(lambda: bench.loads == 2)
        await verdicts(T + MINUTE)
        await bench.die()
        await verdicts(T + 2 * MINUTE)
        await bench.rest()
        assert bench.loads == 3, "one for what was raised on, one for its death"
        assert bench.told("time") == ()
        assert bench.told("person") == ("pause ",)
        assert bench.told(A) == tuple(f"verdict {T + each * MINUTE}" for each in range(3))
        assert case.held() == [("account", 0, True)]
        await bench.answer(case.kept()[0], "retry")
        await verdicts(T + 3 * MINUTE)
        await bench.rest()
        assert bench.told("time") == (f"end of {T + 3 * MINUTE}",)
        assert case.held() == []

    played(scene, lambda: VerdictBarrier("coordinator", (A, B), MINUTE, True))


def test_where_a_service_is_spread_all_symbols_of_the_shard_are_paused() -> None:
    async def play() -> tuple[PostedHere, MemoryUnits]:
        units, commands = MemoryUnits(TABLES), PostedHere()
        store = units.unit("trader/7")
        await store.load()
        seen = {("coordinator", f"trade.commands/{symbol}"): 3 for symbol in (B, A)}
        unit = Unit("trader", 7, Listener(set()), seen=seen)
        poisoned = Poisoned(DeadlineDue("doubt/c1"), ValueError("no"))
        with pytest.raises(SetAside, match="trader/7 cannot process the deadline doubt/c1"):
            await keep_aside(unit, Quarantine(unit, ()), poisoned, store, commands.post, 5)
        return commands, units

    commands, units = asyncio.run(play())
    assert [(each.action, each.symbol) for each in commands.posted if isinstance(each, ControlChanged)] == [
        ("pause", A),
        ("pause", B),
    ]
    assert [row.key for row in units.store("trader/7").load().rows[QUARANTINE.name]] == [
        ("clock", "deadlines/doubt/c1", 0)
    ]


@pytest.mark.parametrize("given", [ControlChanged(1, "state", "halted", "", "", "me", ""), Resumed()])
def test_without_what_nobody_can_go_on_without_nobody_does(given: Input) -> None:
    async def play() -> None:
        units, commands = MemoryUnits(TABLES), PostedHere()
        unit = Unit("coordinator", 0, Listener(set()))
        with pytest.raises(ValueError, match="no"):
            await keep_aside(
                unit, Quarantine(unit, ()), Poisoned(given, ValueError("no")), units.unit(UNIT), commands.post, 5
            )
        assert commands.posted == []

    asyncio.run(play())


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_each_message_is_decided_once_in_order_or_resolved(seed: int) -> None:
    dice = Random(seed)

    async def scene(case: Case) -> None:
        numbers = {A: 0, B: 0, "account": 0}
        resolved: set[str] = set()
        for _ in range(40):
            symbol = dice.choice(list(numbers))
            texts = [f"{symbol} {numbers[symbol] + place}" for place in range(1, dice.randint(2, 5))]
            numbers[symbol] += len(texts)
            case.bench.unbearable.update(text for text in texts if dice.random() < 0.15)
            await case.bench.say(symbol, *texts)
            if dice.random() < 0.5:
                await case.bench.rest()
            if dice.random() < 0.1:
                await case.bench.die()
            if dice.random() < 0.3:
                await case.bench.rest()
                if first := next((row for row in case.kept() if row.error), None):
                    text = first.error.removeprefix("ValueError: ").partition(" makes")[0]
                    action: Action = dice.choice(["retry", "resolve"])
                    if action == "resolve":
                        resolved.add(text)
                    elif dice.random() < 0.7:
                        case.bench.unbearable.discard(text)
                    await case.bench.answer(first, action)
        await case.bench.rest()
        case.bench.unbearable.clear()
        while raised := [row for row in case.kept() if row.error]:
            await case.bench.answer(raised[0], "retry")
        for symbol, last in numbers.items():
            told = list(case.bench.told(symbol))
            wanted = [f"{symbol} {number}" for number in range(1, last + 1)]
            wanted = [text for text in wanted if text not in resolved]
            assert (sorted(told) if symbol == "account" else told) == (
                sorted(wanted) if symbol == "account" else wanted
            )
        assert case.kept() == []

    played(scene)
