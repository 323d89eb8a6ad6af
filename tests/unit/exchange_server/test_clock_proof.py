"""Rest is proven only where nothing is under way, and it is proven in the end."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from roottrading.exchange_server.clock_proof import Exchange, Report, RestProof, listeners
from tests.unit.exchange_server.restless_processes import World

MOST_STEPS = 20_000


def play(world: World, believes: Callable[[World], bool] | None = None) -> int:
    """Play until nothing is left to do; return how often rest was proven, or believed where somebody believes."""
    proven = 0
    world.ask()
    for _ in range(MOST_STEPS):
        if not world.proof.complete:
            world.step()
            continue
        at_rest = world.proof.judge(world.exchange()) if believes is None else believes(world)
        if at_rest:
            assert world.under_way() == []
            proven += 1
            if not world.held:
                return proven
            world.execute()
        world.ask()
    raise AssertionError(f"not at rest after {MOST_STEPS} steps: {world.under_way()}")


@given(st.integers(0, 2**32), st.integers(0, 5))
def test_rest_is_proven_only_when_nothing_is_under_way(seed: int, work: int) -> None:
    assert play(World(seed, work)) >= 1


def idle_twice(world: World) -> bool:
    """Believe that nothing is under way where everybody said twice that he is idle, whatever the counters say."""
    idle = all(not process.inbox and not process.outbox for process in world.processes.values())
    world.idle_waves = world.idle_waves + 1 if idle else 0
    return world.idle_waves >= 2


def test_silence_is_no_proof() -> None:
    """The model bites: who believes in silence is wrong in some of two hundred worlds."""
    wrong = 0
    for seed in range(200):
        try:
            play(World(seed, 4), idle_twice)
        except AssertionError:
            wrong += 1
    assert wrong > 0


REST = Report(1, frames={"1.2.3.4:5": 3})
SERVER = Exchange({"1.2.3.4:5": 3, "9.9.9.9:9": 7}, frozenset())


def proof_of(*reports: Report, exchange: Exchange = SERVER) -> bool:
    proof = RestProof({"trader": 1}, {"events": frozenset({"portfolio"})})
    proof.join("one", "trader")
    verdict = False
    for report in reports:
        wave = proof.ask()
        proof.report("one", replace(report, wave=wave))
        verdict = proof.judge(exchange)
    return verdict


def test_two_equal_balanced_waves_prove_rest_and_one_does_not() -> None:
    assert not proof_of(REST)
    assert proof_of(REST, REST)


@pytest.mark.parametrize(
    "restless",
    [
        Report(1, frames={"1.2.3.4:5": 2}),
        Report(1, busy=True, frames={"1.2.3.4:5": 3}),
        Report(1, outbox=1, frames={"1.2.3.4:5": 3}),
        Report(1, awaiting=((0, "X", "order"),), frames={"1.2.3.4:5": 3}),
    ],
    ids=["unread frame", "busy", "outbox", "request on its way"],
)
def test_what_is_under_way_is_no_rest(restless: Report) -> None:
    assert not proof_of(restless, restless)


def test_counters_that_moved_between_two_waves_begin_the_proof_anew() -> None:
    assert not proof_of(REST, Report(1, sent={"market/A": 1}, frames={"1.2.3.4:5": 3}))


def test_a_held_request_is_rest_and_has_the_place_that_its_process_tells() -> None:
    proof = RestProof({"trader": 1})
    proof.join("one", "trader")
    for _ in range(2):
        proof.report("one", Report(proof.ask(), awaiting=((1, "X", "b"), (0, "X", "c"))))
        proven = proof.judge(Exchange({}, frozenset({"a", "b", "c"})))
    assert proven
    assert sorted("abc", key=lambda name: proof.rank("X", name)) == ["c", "b", "a"]


def test_nothing_is_proven_while_somebody_is_missing() -> None:
    proof = RestProof({"trader": 1, "gateway": 2}, {})
    proof.join("t", "trader")
    proof.join("g1", "gateway")
    wave = proof.ask()
    for member in ("t", "g1"):
        proof.report(member, Report(wave))
    assert not proof.gathered
    assert not proof.judge(Exchange({}, frozenset()))
    proof.join("g2", "gateway")
    with pytest.raises(ValueError, match="all 2 processes of 'gateway' are here"):
        proof.join("g3", "gateway")
    with pytest.raises(ValueError, match="nobody expects a process of 'analyzer': expected are gateway, trader"):
        proof.join("a", "analyzer")


def test_a_process_that_leaves_takes_the_proof_with_it() -> None:
    proof = RestProof({"trader": 1}, {})
    for member in ("first", "second"):
        proof.join(member, "trader")
        proof.report(member, Report(proof.ask()))
        assert not proof.judge(Exchange({}, frozenset()))
        if member == "first":
            proof.leave(member)


def test_reports_of_earlier_waves_are_dropped() -> None:
    proof = RestProof({"trader": 1}, {})
    proof.join("one", "trader")
    old = proof.ask()
    proof.ask()
    proof.report("one", Report(old))
    assert not proof.complete


def test_the_earliest_deadline_of_all_counts() -> None:
    proof = RestProof({"trader": 1, "coordinator": 1}, {})
    proof.join("t", "trader")
    proof.join("c", "coordinator")
    wave = proof.ask()
    proof.report("t", Report(wave, next_deadline=70))
    proof.report("c", Report(wave, next_deadline=50))
    assert proof.next_deadline() == 50


def test_who_hears_a_channel_is_what_the_pipeline_says() -> None:
    heard = listeners()
    assert heard["market"] == {"analyzer"}
    assert heard["signals:aggregated"] == {"dispatcher", "coordinator", "portfolio"}  # it times the books
    assert heard["trade.events"] == {"dispatcher", "coordinator", "portfolio"}
