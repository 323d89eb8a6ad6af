"""Places are of topics: others are noticed, and what nobody took of lost ones goes out again, once each."""

import asyncio

import pytest

from roottrading.adapters.store.port import Commit, Fenced, StoreError, UnitState
from roottrading.adapters.store.postgres.archive import PostgresArchive
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.identity import claim
from roottrading.adapters.store.postgres.topics import (
    Bridged,
    Replaced,
    TopicsLost,
    claim_topics,
    deployment_of,
    replace_topics,
)
from roottrading.adapters.store.postgres.unit import PostgresUnits
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED, Completed
from tests.integration.store.samples import SETTINGS

BODY = AlertRaised("info", "a", "b", "", 0)
OLD, NEW = {"d.trade.events": "one", "d.trade.commands": "two"}, {"d.trade.events": "three", "d.trade.commands": "two"}
EVENTS, COMMANDS = "trade.events", "trade.commands"
CONSUMERS = [(EVENTS, "coordinator"), (EVENTS, "portfolio"), (COMMANDS, "trader")]
BRIDGED = Bridged("dispatcher", ("signals:aggregated",), ("coordinator", "portfolio"), "completed_instants")


def said(source: str, channel: str, symbol: str, *sequences: int) -> list[tuple[str, Envelope]]:
    stream = f"{channel}/{symbol}"
    pairs = zip((0, *sequences), sequences, strict=False)
    return [(channel, Envelope(source, stream, each, before, each, "", BODY)) for before, each in pairs]


def test_other_topics_under_their_names_are_noticed(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            with pytest.raises(StoreError, match="nobody's yet"):
                await deployment_of(store_url, SETTINGS)
            mine = {"deployment": "d", "quote_asset": "USDT"}
            await claim(database, mine)
            assert await deployment_of(store_url, SETTINGS) == "d"
            await asyncio.gather(*(claim_topics(database, OLD) for _ in range(4)))
            await claim_topics(database, {"d.later": "nine"})
            with pytest.raises(TopicsLost, match=r"topic d\.trade\.events is not the one .*kafka rebuild"):
                await claim_topics(database, NEW)
            await claim_topics(database, OLD)
            await claim(database, mine)  # topics do not make it another's
            await replace_topics(store_url, SETTINGS, NEW, {}, CONSUMERS, BRIDGED)
            await claim_topics(database, NEW)
            with pytest.raises(TopicsLost):
                await claim_topics(database, OLD)

    asyncio.run(main())


def test_what_a_consumer_has_not_taken_goes_out_again_behind_what_is_there(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            units = PostgresUnits(database, (COMPLETED,))
            names = ("trader/1", "trader/2", "coordinator/0", "portfolio/0", "gateway/1")
            unit = {name: units.unit(name) for name in names}
            for each in unit.values():
                await each.load()
            await unit["trader/1"].commit(Commit(outbox=said("trader", EVENTS, "AAA", 1, 2, 3, 4)))
            await unit["trader/1"].commit(Commit(published=4))
            await unit["trader/2"].commit(Commit(outbox=said("trader", EVENTS, "BBB", 1, 2)))
            await unit["trader/2"].commit(Commit(published=2))
            own = said("coordinator", EVENTS, "AAA", 1)  # the coordinator's own are not for itself
            await unit["coordinator/0"].commit(Commit(outbox=[*own, *said("coordinator", COMMANDS, "AAA", 1, 2)]))
            await unit["coordinator/0"].commit(Commit(published=3))
            taken = {("trader", f"{EVENTS}/AAA"): 2, ("trader", f"{EVENTS}/BBB"): 2}
            state = {"coordinator/0": UnitState(taken | {("trader", f"{EVENTS}/AAA"): 4})}
            await unit["coordinator/0"].commit(Commit(units=state, offsets={(EVENTS, 7): 40, (EVENTS, 8): 1}))
            state = {"portfolio/0": UnitState(taken | {("coordinator", f"{EVENTS}/AAA"): 1})}
            await unit["portfolio/0"].commit(Commit(units=state, offsets={(EVENTS, 7): 39}))
            state = {"trader/1": UnitState({("coordinator", f"{COMMANDS}/AAA"): 1})}
            await unit["trader/1"].commit(Commit(units=state, offsets={(COMMANDS, 1): 5}))

            ends = {(EVENTS, 7): 9, (EVENTS, 8): 0, (COMMANDS, 1): 0}
            done = await replace_topics(store_url, SETTINGS, NEW, ends, CONSUMERS, BRIDGED)
            # of AAA the portfolio lacks 3 and 4; of commands the trader lacks 2
            assert done == Replaced({"coordinator/0": 1, "trader/1": 2}, 0)
            with pytest.raises(Fenced):
                await unit["trader/1"].commit(Commit(offsets={(COMMANDS, 1): 6}))
            await unit["gateway/1"].commit(Commit(published=0))  # it has nothing to do with Kafka
            loaded = {name: await units.unit(name).load() for name in names}
            assert [each.envelope.sequence for each in loaded["trader/1"].outbox] == [3, 4]
            assert loaded["trader/2"].outbox == ()
            assert [each.envelope for each in loaded["coordinator/0"].outbox] == [
                each for _, each in said("coordinator", COMMANDS, "AAA", 1, 2)[1:]
            ]
            assert loaded["coordinator/0"].offsets == {(EVENTS, 7): 9}
            assert loaded["portfolio/0"].offsets == {(EVENTS, 7): 9}
            assert loaded["trader/1"].offsets == {}
            again = await replace_topics(store_url, SETTINGS, NEW, ends, CONSUMERS, BRIDGED)
            assert again == done  # nobody took any of it meanwhile

    asyncio.run(main())


def test_verdicts_that_were_not_decided_upon_are_carried_again(store_url: str) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database:
            units = PostgresUnits(database, (COMPLETED,))
            author, bridge = units.unit("signal_aggregator/0"), units.unit("dispatcher/0")
            await author.load()
            await bridge.load()
            verdicts = "signals:aggregated"
            spoken = {"AAA": (60, 120, 180), "BBB": (60, 120), "CCC": (180,)}
            for symbol, sequences in spoken.items():
                await author.commit(Commit(outbox=said("signal_aggregator", verdicts, symbol, *sequences)))
            seen = {("signal_aggregator", f"{verdicts}/{symbol}"): max(each) for symbol, each in spoken.items()}
            await bridge.commit(Commit(units={"dispatcher/0": UnitState(seen)}))
            for service, at in (("coordinator", 180), ("portfolio", 120)):
                unit = units.unit(f"{service}/0")
                await unit.load()
                await unit.commit(Commit([Row(COMPLETED.name, (service,), Completed(service, at, {}))]))
            done = await replace_topics(store_url, SETTINGS, NEW, {}, CONSUMERS, BRIDGED)
            assert done == Replaced({}, 2)
            loaded = await units.unit("dispatcher/0").load()
            left = {stream: last for (_, stream), last in loaded.units["dispatcher/0"].seen.items()}
            assert left == {f"{verdicts}/AAA": 120, f"{verdicts}/BBB": 120, f"{verdicts}/CCC": 0}
            archive = PostgresArchive(database)
            again = await archive.said("signal_aggregator", f"{verdicts}/AAA", left[f"{verdicts}/AAA"], 2**62)
            assert [(each.follows, each.sequence) for each in again] == [(120, 180)]

    asyncio.run(main())
