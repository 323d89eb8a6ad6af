"""`roottrading quarantine` beside a unit on a real PostgreSQL: seen, answered, and gone on with in order."""

import asyncio
import json

import pytest

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.runtimes.distributed.installation import PostedCommands
from tests.e2e.conftest import Printed, Runner
from tests.integration.quarantine_bench import TABLES, Bench

A, B = "LTCUSDT", "XRPUSDT"


def test_what_cannot_be_processed_is_listed_shown_tried_again_and_given_up(
    roottrading: Runner, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOTTRADING_POSTGRES_URL", postgres_url)
    assert roottrading("db", "upgrade").code == 0

    async def typed(*arguments: str) -> Printed:
        return await asyncio.to_thread(roottrading, "quarantine", *arguments)

    async def scene(bench: Bench) -> None:
        assert (await typed("list")).out == "nothing is in the quarantine\n"
        bench.unbearable.update(("a2", "a4", "p1"))
        await bench.say("account", "p1")
        await bench.say(A, "a1", "a2", "a3")
        await bench.say(B, "b1")
        await bench.rest()
        await bench.say(A, "a4", "a5")
        await bench.say(B, "b2")
        await bench.rest()
        assert (bench.told(A), bench.told(B)) == (("a1",), ("b1", "b2"))
        assert bench.told("person") == (f"pause {A}",)

        listed = (await typed("list")).out.splitlines()
        assert [line.partition(" since ")[0] for line in listed] == [
            f"coordinator/0  {A}  message trade.events/{A} 2 of trader",
            f"coordinator/0  {A}  3 messages wait behind it",
            "coordinator/0  account  dead letter portfolio.updates/account 1 of trader",
        ]
        assert "ValueError: a2 makes no sense (quarantine_bench.py:" in listed[0]
        shown = (await typed("show", "ltcusdt", "--unit", "coordinator/0")).out.splitlines()
        assert [json.loads(line)["body"]["text"] for line in shown[1::2]] == ["a2", "a3", "a4", "a5"]
        assert shown[2].endswith(": waits")
        refused = await typed("retry", B)
        assert refused.code == 2
        assert f"nothing of {B} is in the quarantine" in refused.err

        bench.unbearable.discard("a2")  # an upgrade, say
        retried = await typed("retry", A, "--why", "upgraded")
        assert retried.out.splitlines() == [
            f"retry message trade.events/{A} 2 of trader: coordinator/0 takes it",
            f"{A} stays paused: `roottrading control resume {A}` lets it buy again",
        ]
        await bench.rest()
        assert bench.told(A) == ("a1", "a2", "a3")
        assert f"{A}  message trade.events/{A} 4 of trader" in (await typed("list")).out
        assert (await typed("resolve", A)).code == 0
        await bench.rest()
        assert bench.told(A) == ("a1", "a2", "a3", "a5")
        assert (await typed("resolve", "account")).out.count("\n") == 1
        await bench.rest()
        assert (await typed("list")).out == "nothing is in the quarantine\n"

    async def play() -> None:
        async with await Database.open(postgres_url, PostgresSettings()) as database:
            bench = Bench(PostgresUnits(database, TABLES).unit, PostedCommands(database))
            async with bench.living():
                await scene(bench)

    asyncio.run(play())


def test_a_deadline_that_cannot_be_processed_is_answered_under_the_account(
    roottrading: Runner, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOTTRADING_POSTGRES_URL", postgres_url)
    assert roottrading("db", "upgrade").code == 0

    async def typed(*arguments: str) -> Printed:
        return await asyncio.to_thread(roottrading, "quarantine", *arguments)

    async def scene(bench: Bench) -> None:
        bench.unbearable.add("due: one")
        await bench.say(B, "remind me of one at 5")
        bench.clock = 5
        await bench.rest()
        listed = (await typed("list")).out.splitlines()
        assert [line.partition(" since ")[0] for line in listed] == ["coordinator/0  account  the deadline one"]
        answered = (await typed("resolve", "account")).out.splitlines()
        assert answered[0] == "resolve the deadline one: coordinator/0 takes it"
        assert "`control resume` lets it buy" in answered[1]
        await bench.rest()
        assert (await typed("list")).out == "nothing is in the quarantine\n"

    async def play() -> None:
        async with await Database.open(postgres_url, PostgresSettings()) as database:
            bench = Bench(PostgresUnits(database, TABLES).unit, PostedCommands(database))
            async with bench.living():
                await scene(bench)

    asyncio.run(play())


def test_without_an_address_it_says_where_to_name_one(roottrading: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROOTTRADING_POSTGRES_URL", raising=False)
    refused = roottrading("quarantine", "list")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("error: no address of a database: set ROOTTRADING_POSTGRES_URL")
