"""Verdict columns of a whole tape: to the digit what the service says one by one."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.time import DAY, HOUR, Time, duration
from roottrading.messages.service import WeightsSet
from roottrading.messages.signals import SignalBatch
from roottrading.services.signal_aggregator import AggregatorSettings, VotingStrategy, columns
from roottrading.services.signal_aggregator.columns import TimeframeOpinions, VerdictColumns, verdict_columns
from roottrading.services.signal_aggregator.formula import MICRO, decimal_of, micro
from tests.unit.services.signal_aggregator.batches import NOON, Bench, D, absent, batch

NAMES = ("range", "trend", "wild")
PLAN = [
    VotingStrategy("a", "1h", "trend"),
    VotingStrategy("b", "1h", "reversion", D("0.7")),
    VotingStrategy("c", "4h", "breakout"),
    VotingStrategy("d", "4h", "momentum", D("1.3")),
    VotingStrategy("e", "1d", "reversion"),
    VotingStrategy("f", "1d", "trend", symbols=("ETHUSDT",)),
]
SPANS = {"1d": DAY, "4h": 4 * HOUR, "1h": HOUR}


class Tape(Struct):
    """What the analyzer would say of one symbol, as batches in the order of time and as columns."""

    at: list[Time]
    batches: list[SignalBatch]
    opinions: dict[str, TimeframeOpinions]


def conviction_of(random: np.random.Generator) -> int:
    anything = int(random.integers(-MICRO, MICRO))
    return (0, -MICRO, MICRO, anything)[random.integers(0, 4)]


def tape_of(seed: int, start: Time, hours: int) -> Tape:
    random = np.random.default_rng(seed)
    instants = [start + step * HOUR for step in range(1, hours + 1)]
    found = Tape(instants, [], {})
    said: dict[str, list[tuple[Time, list[int], int]]] = {timeframe: [] for timeframe in SPANS}
    firsts: dict[str, Time] = {}
    for at in instants:
        for timeframe, span in SPANS.items():
            if at % span:
                continue
            firsts.setdefault(timeframe, at)
            names = [strategy.name for strategy in PLAN if strategy.timeframe == timeframe]
            if random.random() < 0.15:
                found.batches.append(absent(at, timeframe))
                continue
            values = [
                int(random.choice(np.array([0, -MICRO, MICRO, int(random.integers(-MICRO, MICRO))]))) for _ in names
            ]
            regime = int(random.integers(-1, 3))
            said[timeframe].append((at, values, regime))
            opinions = {name: decimal_of(value) for name, value in zip(names, values, strict=True)}
            name = NAMES[regime] if regime >= 0 else ""
            found.batches.append(batch(at, opinions, timeframe, regime=name))
    for timeframe, rows in said.items():
        names = [strategy.name for strategy in PLAN if strategy.timeframe == timeframe]
        found.opinions[timeframe] = TimeframeOpinions(
            timeframe,
            firsts.get(timeframe, start + 10 * DAY),
            np.array([at for at, _, _ in rows], dtype=np.int64),
            {
                name: np.array([values[place] for _, values, _ in rows], dtype=np.int64)
                for place, name in enumerate(names)
            },
            np.array([regime for _, _, regime in rows], dtype=np.int64),
            NAMES,
        )
    return found


def one_by_one(
    tape: Tape, weights: list[WeightsSet], chosen: AggregatorSettings
) -> tuple[list[tuple[Time, Decimal, bool]], Bench]:
    bench = Bench(PLAN, chosen, "1h")
    found: list[tuple[Time, Decimal, bool]] = []
    coming = list(weights)
    for each in tape.batches:
        while coming and coming[0].day < each.at:
            bench.give(coming.pop(0))
        found += [(verdict.at, verdict.value, verdict.complete) for verdict in bench.verdicts(each)]
    return found, bench


def at_once(tape: Tape, weights: list[WeightsSet], chosen: AggregatorSettings) -> VerdictColumns:
    at = np.array(tape.at, dtype=np.int64)
    return verdict_columns("BTCUSDT", PLAN, "1h", tape.opinions, at, weights, chosen)


shares = st.decimals(0, 1, places=6)
any_settings = st.builds(
    AggregatorSettings,
    weighting=st.sampled_from(["learned", "equal"]),
    disagreement=shares,
    quorum=shares,
    regime_factor=st.decimals(1, 4, places=6),
    conflict_strength=st.decimals("0.000001", 1, places=6),
    conflict_factor=shares,
)
weights_of_a_day = st.tuples(
    st.dictionaries(st.sampled_from("abcdef"), st.decimals(0, 3, places=6)),
    st.sampled_from([(), (("a", "c"),), (("a", "b"), ("c", "d", "e"))]),
)
days_of_weights = st.dictionaries(st.integers(-1, 3), weights_of_a_day)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 23), st.integers(1, 80), days_of_weights, any_settings)
def test_columns_equal_the_service(
    seed: int,
    first_hour: int,
    hours: int,
    days: dict[int, tuple[dict[str, Decimal], tuple[tuple[str, ...], ...]]],
    chosen: AggregatorSettings,
) -> None:
    midnight = NOON - 12 * HOUR
    tape = tape_of(seed, midnight + first_hour * HOUR, hours)
    weights = [WeightsSet(midnight + day * DAY, *days[day]) for day in sorted(days)]
    expected, bench = one_by_one(tape, weights, chosen)
    found = at_once(tape, weights, chosen)
    values = [decimal_of(value) for value in found.value.tolist()]
    assert list(zip(found.at.tolist(), values, found.complete.tolist(), strict=True)) == expected
    strong = abs(found.value) >= micro(chosen.threshold)
    assert [row.timestamp for row in bench.journal] == found.at[strong].tolist()
    assert [row.value for row in bench.journal] == [decimal_of(value) for value in found.value[strong].tolist()]


def test_a_long_tape_is_worked_off_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = tape_of(1, NOON, 200)
    whole = at_once(tape, [], AggregatorSettings())
    monkeypatch.setattr(columns, "_CHUNK", 7)
    parts = at_once(tape, [], AggregatorSettings())
    assert parts.value.tolist() == whole.value.tolist()
    assert parts.complete.tolist() == whole.complete.tolist()
    assert {-1, 1} <= set(np.sign(whole.value).tolist())


def test_a_symbol_without_candles_has_neutral_incomplete_verdicts() -> None:
    tape = tape_of(3, NOON, 5)
    empty = {
        name: replace(
            each,
            at=each.at[:0],
            regimes=each.regimes[:0],
            convictions={strategy: column[:0] for strategy, column in each.convictions.items()},
        )
        for name, each in tape.opinions.items()
    }
    found = verdict_columns("BTCUSDT", PLAN, "1h", empty, np.array(tape.at, dtype=np.int64), [], AggregatorSettings())
    assert found.value.tolist() == [0] * 5
    assert not found.complete.any()


def test_the_spans_are_the_timeframes() -> None:
    assert {name: duration(name) for name in SPANS} == SPANS
