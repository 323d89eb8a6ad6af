"""Readiness: every need named, with why and what to do, and logged when it changes."""

import asyncio
import logging

import pytest

from roottrading.operations.health import readiness
from roottrading.operations.health.dependency import Dependency
from roottrading.operations.health.readiness import UNITS, Health
from roottrading.runtimes.distributed.observing import Observed, Stage


class Server:
    """Answers as it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answer = Dependency(True, "answers")
        self.asked = 0

    async def look(self) -> Dependency:
        self.asked += 1
        return self.answer

    async def close(self) -> None:
        pass


def test_ready_means_that_everything_answers_and_the_units_are_loaded() -> None:
    observed, redis = Observed(), Server("redis")
    health = Health("trader", observed, [redis])

    async def look() -> None:
        found = await health.readiness()
        assert (found.ready, found.dependencies[UNITS].ok) == (False, False)
        observed.serve(4)
        found = await health.readiness()
        assert found.ready
        assert found.dependencies[UNITS].why == "4 loaded"
        observed.reach("stopped", "Redis is gone")
        found = await health.readiness()
        assert not found.ready
        assert "Redis is gone" in found.dependencies[UNITS].why
        assert found.dependencies[UNITS].what_to_do

    asyncio.run(look())
    assert redis.asked == 1  # an answer counts for a moment


@pytest.mark.parametrize(
    ("stage", "said"),
    [("waiting to lead", "until no other instance leads"), ("standing by", "other instances serve all")],
)
def test_a_standby_is_ready_and_says_so(stage: Stage, said: str) -> None:
    observed = Observed()
    observed.serve(3)
    observed.reach(stage)
    found = asyncio.run(Health("trader", observed, []).readiness())
    assert (found.ready, found.leading, observed.units) == (True, False, 0)
    assert found.dependencies[UNITS].why.startswith("standby: ")
    assert said in found.dependencies[UNITS].why


def test_what_changes_is_logged_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_FRESH", 0.0)
    caplog.set_level(logging.INFO)
    redis, kafka = Server("redis"), Server("kafka")
    health = Health("trader", Observed(), [redis, kafka])

    async def look() -> None:
        await health.readiness()
        redis.answer = Dependency(False, "Redis at 127.0.0.1:1 does not answer", "start it")
        await health.readiness()
        found = (await health.readiness()).dependencies
        assert (found["redis"].ok, found["kafka"].ok) == (False, True)
        redis.answer = Dependency(True, "answers")
        await health.readiness()

    asyncio.run(look())
    assert caplog.messages == [
        "redis is missing: Redis at 127.0.0.1:1 does not answer; start it",
        "redis is there again: answers",
    ]


def test_what_cannot_be_read_on_is_named_with_what_to_do() -> None:
    observed = Observed()
    unread: dict[tuple[str, int], str] = {}
    observed.serve(2, unread)

    async def units() -> Dependency:
        return (await Health("trader", observed, []).readiness()).dependencies["units"]

    assert asyncio.run(units()).ok
    unread["trade.commands", 7] = "trade.commands, partition 7, offset 5: a newer version"
    found = asyncio.run(units())
    assert (found.ok, found.why) == (False, "trade.commands, partition 7, offset 5: a newer version")
    assert "upgrade this service" in found.what_to_do
    observed.reach("stopped", "cut")
    assert "newer" not in asyncio.run(units()).why
