"""The law of anchored windows: candle by candle and block by block give the same bits (trading-rules 4.3)."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.columns import Candles
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleClosed
from roottrading.messages.service import Row
from roottrading.messages.signals import SignalBatch
from roottrading.services.analyzer import Analyzer, NewestWindows, Plan, StrategyUse, WholeBlocks
from roottrading.strategies.ema_cross import EmaCross
from tests.unit.services.analyzer.samples import (
    Channel,
    DayVolume,
    Fragile,
    Leader,
    candle_envelopes,
    end_of,
    hourly_plan,
    random_candles,
    recorded,
    timeframes_of,
    whole_fold,
)


def run(analyzer: Analyzer, envelopes: Sequence[Envelope]) -> tuple[dict[tuple[str, str, int], SignalBatch], list[Row]]:
    batches: dict[tuple[str, str, int], SignalBatch] = {}
    rows: list[Row] = []
    for envelope in envelopes:
        decision = analyzer.decide(envelope, envelope.at)
        rows.extend(decision.rows)
        for out in decision.messages:
            body = out.body
            assert isinstance(body, SignalBatch)
            assert (body.symbol, body.timeframe, body.at) not in batches
            batches[body.symbol, body.timeframe, body.at] = body
    return batches, rows


def signals(rows: Sequence[Row]) -> list[str]:
    return sorted(str(row) for row in rows if row.table == "signals")


def both(plan: Plan, tape: Mapping[str, Candles]) -> tuple[list[SignalBatch], list[Row], WholeBlocks]:
    envelopes = list(candle_envelopes(tape, timeframes_of(plan)))
    live, live_rows = run(Analyzer(plan, NewestWindows(plan)), envelopes)
    blocks = WholeBlocks(plan, tape, whole_fold(end_of(tape)))
    whole, whole_rows = run(Analyzer(plan, blocks), envelopes)
    assert live.keys() == whole.keys()
    for key, batch in live.items():
        assert batch == whole[key]
        assert str(batch) == str(whole[key])  # the same digits, too
    assert signals(live_rows) == signals(whole_rows)
    return list(live.values()), live_rows, blocks


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([0.0, 0.01, 0.15]), late=st.integers(0, 90))
def test_random_candles_with_gaps(seed: int, missing: float, late: int) -> None:
    btc = random_candles("BTCUSDT", "1h", 420, seed, missing)
    eth = random_candles("ETHUSDT", "1h", 420, seed + 1, missing)
    both(hourly_plan(), {"BTCUSDT": btc, "ETHUSDT": eth.slice(late, len(eth))})


def test_the_random_candles_try_every_state_and_failure() -> None:
    states: Counter[tuple[str, str]] = Counter()
    kinds: set[str] = set()
    for seed, missing in ((1, 0.15), (2, 0.0)):
        tape = {s: random_candles(s, "1h", 420, seed + len(s) + ord(s[0]), missing) for s in ("BTCUSDT", "ETHUSDT")}
        batches, rows, blocks = both(hourly_plan(), tape)
        states.update((opinion.strategy, opinion.state) for batch in batches for opinion in batch.opinions)
        kinds |= {str(row.key[1]) for row in rows if row.table == "analyzer_counters"}
        columns = [c for stream in (("BTCUSDT", "1h"), ("ETHUSDT", "1h")) for c in blocks.opinions(stream)]
        counted = {kind: sum(c.failures[kind][0] for c in columns if kind in c.failures) for kind in kinds}
        last = {row.key[1]: row.values.count for row in rows if row.table == "analyzer_counters"}
        assert counted == last
    assert kinds == {"raised", "wrong length", "not a number", "out of range"}
    for name in ("cross", "channel", "leader", "fragile", "needs_all", "day_volume"):
        assert states[name, "ok"] > 100
        assert states[name, "warming_up"] > 10
    assert {name for name, state in states if state == "failed"} == {"fragile"}


def test_real_minutes_across_a_halt() -> None:
    tape = {symbol: recorded(symbol).slice(3_000, 7_120) for symbol in ("BTCUSDT", "ETHUSDT")}
    uses = (
        StrategyUse("ema_cross", EmaCross(), "5m"),
        StrategyUse("channel", Channel(), "5m"),
        StrategyUse("leader", Leader(), "15m", ("BTCUSDT",)),
        StrategyUse("day_volume", DayVolume(), "15m"),
        StrategyUse("fragile", Fragile(), "15m"),
    )
    batches, rows, _ = both(Plan("sim", uses, tape, "1m"), tape)
    assert sum(row.table == "signals" for row in rows) > 100
    assert {b.regime for b in batches} >= {"", "trend", "range"}
    assert any(b.close is None for b in batches)  # the halt
    assert any(b.atr is not None for b in batches)


def test_signals_that_columns_tell_need_not_be_told_again() -> None:
    plan = hourly_plan()
    tape = {symbol: random_candles(symbol, "1h", 420, ord(symbol[0]), 0.02) for symbol in ("BTCUSDT", "ETHUSDT")}
    envelopes = list(candle_envelopes(tape, timeframes_of(plan)))
    blocks = WholeBlocks(plan, tape, whole_fold(end_of(tape)))
    batches, rows = run(Analyzer(plan, blocks), envelopes)
    same, fewer = run(Analyzer(plan, blocks, keeps_signals=False), envelopes)
    assert same == batches
    assert [row for row in rows if row.table != "signals"] == fewer
    assert len(rows) - len(fewer) > 300


@pytest.mark.parametrize("every", [1, 3, 50])
def test_candles_may_be_left_out_where_the_tape_is_known(every: int) -> None:
    plan = hourly_plan()
    tape = {symbol: random_candles(symbol, "1h", 420, ord(symbol[0]), 0.02) for symbol in ("BTCUSDT", "ETHUSDT")}
    envelopes = list(candle_envelopes(tape, timeframes_of(plan)))
    everything, _ = run(Analyzer(plan, NewestWindows(plan)), envelopes)
    closed = [e for e in envelopes if isinstance(e.body, CandleClosed)][::every]
    some, _ = run(Analyzer(plan, WholeBlocks(plan, tape, whole_fold(end_of(tape)))), closed)
    assert len(some) > 10
    for key, batch in some.items():
        assert batch == everything[key]


def test_the_tape_tells_all_signals_at_once() -> None:
    plan = hourly_plan()
    tape = {symbol: random_candles(symbol, "1h", 420, ord(symbol[0]), 0.02) for symbol in ("BTCUSDT", "ETHUSDT")}
    _, rows, blocks = both(plan, tape)
    said = {row.values.id: row.values for row in rows if row.table == "signals"}
    streams = [(symbol, timeframe) for symbol in plan.symbols for timeframe in plan.timeframes]
    told = {signal.id: signal for stream in streams for signal in blocks.signals(stream)}
    assert len(said) > 300
    assert told == said


def test_directions_count_from_the_beginning_of_the_run() -> None:
    plan = hourly_plan()
    tape = {symbol: random_candles(symbol, "1h", 420, ord(symbol[0])) for symbol in ("BTCUSDT", "ETHUSDT")}
    begin = int(tape["BTCUSDT"].at[200])
    envelopes = [e for e in candle_envelopes(tape, timeframes_of(plan)) if e.at >= begin]
    live = NewestWindows(plan)
    fold = whole_fold(begin - 1)
    for symbol, timeframe in plan.streams:
        before = tape[symbol].slice(0, 200)
        live.fill(fold(before, timeframe) if timeframe != "1h" else before)
    blocks = WholeBlocks(plan, tape, whole_fold(end_of(tape)), begin)
    first, first_rows = run(Analyzer(plan, live), envelopes)
    second, second_rows = run(Analyzer(plan, blocks), envelopes)
    assert first == second
    assert next(r for r in first_rows if r.table == "signals").values.timestamp == begin
    assert signals(first_rows) == signals(second_rows)
