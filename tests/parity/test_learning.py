"""Learned weights are one truth: the same in a backtest, in one process, through kills, and from what was stored."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.domain.time import DAY, HOUR, Time
from roottrading.messages.service import WeightsSet
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.backtest import run_backtest
from roottrading.runtimes.embedded import Progress, run_embedded
from roottrading.runtimes.evidence import Past, Reach, Said, Witness
from roottrading.runtimes.learning import weights_for
from roottrading.runtimes.result import journal
from roottrading.runtimes.session import Position
from roottrading.runtimes.stored_opinions import OpinionChange, change_of
from tests.parity.learning_runs import USES, Left, learning_run, left_by

SETTINGS, CAST, MARKET = learning_run()
DAYS = [day for day in range(MARKET.start // DAY * DAY, MARKET.end, DAY) if MARKET.start < day + HOUR <= MARKET.end]
NAMES = sorted(use.name for use in USES)


@pytest.fixture(scope="module")
def undisturbed() -> Left:
    """Return what a backtest leaves."""
    return left_by(run_backtest(SETTINGS, CAST, MARKET))


@pytest.fixture(scope="module")
def weights() -> dict[Time, WeightsSet]:
    """Return the weights of all days of the run."""
    make = weights_for(SETTINGS, CAST, MARKET)
    assert make is not None
    return {day: make(day) for day in DAYS}


def test_there_is_something_to_learn(undisturbed: Left, weights: dict[Time, WeightsSet]) -> None:
    first, *later = weights.values()
    assert set(first.weights.values()) == {Decimal("0.25")}
    assert len({tuple(each.weights.values()) for each in weights.values()}) == len(weights) == 4
    assert any(0 < weight < Decimal("0.25") for each in later for weight in each.weights.values())
    assert all(each.groups == (("copy", "dip"),) for each in later)
    assert len(undisturbed["trade_cycles"]) > 20


Given = list[tuple[Position, WeightsSet]]


@pytest.fixture(scope="module")
def alone() -> tuple[MemoryStore, Given]:
    """Return what a run in one process leaves, and the weights that were kept, with when they were."""
    given: Given = []

    def observe(progress: Progress) -> bool:
        kept = [row.values for row in progress.rows if row.table == "weights" and row.values is not None]
        given.extend((progress.position, WeightsSet(each.day, each.weights, each.groups)) for each in kept)
        return True

    store = MemoryStore(ALL_TABLES)
    assert run_embedded(SETTINGS, CAST, MARKET, store, observe)
    return store, given


def test_one_process_decides_as_the_backtest(undisturbed: Left, alone: tuple[MemoryStore, Given]) -> None:
    assert left_by(alone[0]) == undisturbed


def test_the_whole_tape_is_one_truth() -> None:
    whole = learning_run("2021-04-10", "2021-04-27")
    store = MemoryStore(ALL_TABLES)
    assert run_embedded(*whole, store)
    left = left_by(store)
    assert left == left_by(run_backtest(*whole))
    assert len(left["trade_cycles"]) > 50


def test_weights_come_at_one_before_its_candles(
    alone: tuple[MemoryStore, Given], weights: dict[Time, WeightsSet]
) -> None:
    assert alone[1] == [(Position(day + HOUR, "deadlines"), each) for day, each in weights.items()]


def test_verdicts_after_one_go_by_the_day_and_the_one_at_one_by_the_day_before(
    alone: tuple[MemoryStore, Given], weights: dict[Time, WeightsSet]
) -> None:
    used = set()
    for verdict in journal(alone[0], "verdicts"):
        day = (verdict.timestamp - HOUR - 1) // DAY * DAY
        ruling = weights.get(day)
        for vote in verdict.votes:
            weight, members = Decimal("0.25"), 1
            if ruling is not None:
                weight = ruling.weights[vote.strategy]
                members = max([len(group) for group in ruling.groups if vote.strategy in group], default=1)
            plain = float(weight) / members
            assert min(abs(float(vote.weight) - plain * factor) for factor in (1, 1.25)) < 2e-6
            used.add((day, vote.strategy))
    assert {day for day, _ in used} >= set(DAYS)


class Killed(Exception):
    """The process ends here: what was not committed is lost."""


def played_through(folder: Path, kill: Callable[[Position], bool]) -> tuple[Left, int]:
    """Run in a state folder, again and again, until no kill prevents the end; returns what was left and the kills."""

    def observe(progress: Progress) -> bool:
        if kill(progress.position):
            raise Killed
        return True

    kills = 0
    while True:
        store = SqliteStore.open(folder, ALL_TABLES, {})
        try:
            assert run_embedded(SETTINGS, CAST, MARKET, store, observe)
            return left_by(store), kills
        except Killed:
            kills += 1
        finally:
            store.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_rests_it_ends_the_same(undisturbed: Left, tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    coming = sorted(chance.randrange(MARKET.start, MARKET.end) for _ in range(5))

    def kill(position: Position) -> bool:
        if coming and position.at >= coming[0]:
            del coming[0]
            return True
        return False

    left, kills = played_through(tmp_path, kill)
    assert kills == 5
    assert left == undisturbed


@pytest.mark.parametrize("phase", ["fills", "deadlines", "candles"])
def test_killed_around_one_o_clock_it_ends_the_same(undisturbed: Left, tmp_path: Path, phase: str) -> None:
    killed: set[Time] = set()

    def kill(position: Position) -> bool:
        if position.at % DAY == HOUR and position.phase == phase and position.at not in killed:
            killed.add(position.at)
            return True
        return False

    left, kills = played_through(tmp_path, kill)
    assert kills == len(DAYS)
    assert left == undisturbed


def test_after_a_kill_the_weights_come_from_the_state(tmp_path: Path, weights: dict[Time, WeightsSet]) -> None:
    until = DAYS[2] + HOUR

    def observe(progress: Progress) -> bool:
        if progress.position == Position(until, "deadlines"):
            raise Killed
        return True

    store = SqliteStore.open(tmp_path, ALL_TABLES, {})
    with pytest.raises(Killed):
        run_embedded(SETTINGS, CAST, MARKET, store, observe)
    kept = {row.values.day: row.values for row in store.load().rows["weights"]}
    deadlines = store.load().deadlines
    store.close()
    assert [(day, each.weights) for day, each in sorted(kept.items())] == [
        (day, weights[day].weights) for day in DAYS[1:3]
    ]
    assert ("session", "weights", until + DAY) in deadlines


# ---- the same weights from what is stored: rows of `signals`, and candles closed before the day


@pytest.mark.parametrize("days_at_once", [1, 2, 5])
def test_weights_are_a_function_of_stored_signals_and_candles(
    undisturbed: Left, weights: dict[Time, WeightsSet], days_at_once: int
) -> None:
    witness = Witness(SETTINGS, CAST, MARKET.start)
    for day, expected in weights.items():
        told = []
        since = witness.first_day(day)
        while since < day:
            until = min(day, since + days_at_once * DAY)
            told.append(witness.tell(since, until, past(undisturbed, witness.reach(since), until)))
            since = until
        assert witness.weights(day, told) == expected


def past(left: Left, reach: Reach, until: Time) -> Past:
    """Return no more than what is asked for, as it was stored until then."""
    changes: dict[Said, list[OpinionChange]] = defaultdict(list)
    for row in sorted(left["signals"], key=lambda row: row.timestamp):
        if row.timestamp <= until:
            if row.timestamp <= reach.changes:
                changes[row.strategy, row.symbol].clear()
            changes[row.strategy, row.symbol].append(change_of(row))
    whole = {stream: MARKET.candles(*stream) for stream in CAST.plan.streams}
    candles = {
        stream: each.slice(int((each.open_time < reach.candles[stream]).sum()), int((each.at <= until).sum()))
        for stream, each in whole.items()
    }
    return Past(changes, candles, {stream: int(each.open_time[0]) for stream, each in whole.items()})
