"""What waits for a unit: in order, put back in front, and only once where it is said again anyway."""

import asyncio

from roottrading.messages.service import DeadlineDue, Resumed
from roottrading.runtimes.distributed.unit.inbox import DeadlinesDue, Given, HeadHeard, Inbox


def keys(given: list[Given]) -> list[str]:
    return [each.given.key for each in given if isinstance(each.given, DeadlineDue)]


def some(*names: str) -> list[Given]:
    return [Given(DeadlineDue(name)) for name in names]


def test_what_came_first_is_taken_first_and_what_is_put_back_before_all() -> None:
    inbox = Inbox(Given(Resumed()))
    inbox.give(some("a", "b", "c"))
    first, *batch = inbox.take(3)
    assert isinstance(first.given, Resumed)
    assert keys(batch) == ["a", "b"]
    inbox.give(some("d"))
    inbox.put_back(batch[1:])
    assert len(inbox) == 3
    assert keys(inbox.take(9)) == ["b", "c", "d"]


def test_of_heads_and_times_one_waits_and_the_next_may_come_when_it_is_taken() -> None:
    inbox = Inbox(Given(Resumed()))
    inbox.take(1)
    for last in (1, 2):
        inbox.give_once(HeadHeard("gateway", "market/A/1m", last))
        inbox.give_once(HeadHeard("gateway", "market/A/1m"))
        inbox.give_once(HeadHeard("gateway", "market/B/1m", last))
        inbox.give_once(DeadlinesDue(last))
    assert [each.given for each in inbox.take(2)] == [
        HeadHeard("gateway", "market/A/1m", 1),
        HeadHeard("gateway", "market/A/1m"),
    ]
    inbox.give_once(HeadHeard("gateway", "market/A/1m", 3))
    inbox.give_once(DeadlinesDue(3))
    assert [each.given for each in inbox.take(9)] == [
        HeadHeard("gateway", "market/B/1m", 1),
        DeadlinesDue(1),
        HeadHeard("gateway", "market/A/1m", 3),
    ]


def test_who_waits_is_woken_or_told_that_nothing_came() -> None:
    async def play() -> None:
        inbox = Inbox(Given(Resumed()))
        assert await inbox.wait(None), "something is there already"
        inbox.take(1)
        assert not await inbox.wait(0.001)
        waiting = asyncio.create_task(inbox.wait(None))
        await asyncio.sleep(0)
        inbox.give(some("a"))
        assert await waiting

    asyncio.run(play())
