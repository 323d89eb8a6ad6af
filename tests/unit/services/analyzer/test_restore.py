"""The law of every service: restored from its rows, the analyzer equals the live one and goes on alike."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.candle import Candle
from roottrading.domain.time import HOUR
from roottrading.messages.envelope import Envelope
from roottrading.messages.service import Resumed, Row
from roottrading.messages.signals import SignalBatch
from roottrading.services.analyzer import TABLES, Analyzer, NewestWindows
from tests.unit.services.analyzer.samples import (
    candle_envelopes,
    hourly_plan,
    market_rows,
    random_candles,
    stream_of,
    timeframes_of,
)

STATE = {table.name for table in TABLES if table.kept == "state"}


class Kept:
    """A store in miniature: the current rows of the state tables."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, tuple[str | int, ...]], Row] = {}

    def take(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.values is None:
                del self.rows[row.table, row.key]
            elif row.table in STATE:
                self.rows[row.table, row.key] = row


def restored(
    live: NewestWindows, kept: Kept, candles: Sequence[Row], needed_only: bool, in_parts: bool = False
) -> Analyzer:
    rows = [*kept.rows.values(), *candles]
    if needed_only:
        rows = [row for row in rows if not isinstance(c := row.values, Candle) or still_needed(live, c)]
    fresh = Analyzer(hourly_plan(), NewestWindows(hourly_plan()))
    if in_parts:
        fresh.restore([row for row in rows if not isinstance(row.values, Candle)])
        for stream in {row.key[:2] for row in rows if isinstance(row.values, Candle)}:
            fresh.restore([row for row in rows if isinstance(row.values, Candle) and row.key[:2] == stream])
    else:
        fresh.restore(reversed(rows))
    assert fresh.decide(Resumed(), 0).messages == ()
    return fresh


def still_needed(live: NewestWindows, candle: Candle) -> bool:
    return candle.open_time >= live.needed_since((candle.symbol, candle.timeframe))


def delayed(envelopes: list[Envelope], by: int) -> list[Envelope]:
    """The same messages, those of ETHUSDT so many later than the others: streams keep their own order only."""
    order = [(place + by * (stream_of(e)[0] == "ETHUSDT"), place) for place, e in enumerate(envelopes)]
    return [envelopes[place] for _, place in sorted(order)]


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    stops=st.lists(st.integers(0, 1_000), min_size=1, max_size=5),
    delay=st.sampled_from([0, 0, 1, 17, 150]),
    needed_only=st.booleans(),
    in_parts=st.booleans(),
)
def test_a_restored_analyzer_equals_the_live_one_and_goes_on_alike(
    seed: int, stops: list[int], delay: int, needed_only: bool, in_parts: bool
) -> None:
    plan = hourly_plan()
    tape = {s: random_candles(s, "1h", 330, seed + ord(s[0]), 0.1) for s in ("BTCUSDT", "ETHUSDT")}
    envelopes = delayed(list(candle_envelopes(tape, timeframes_of(plan))), delay)
    windows = NewestWindows(plan, room=16)
    live = Analyzer(plan, windows)
    others: list[Analyzer] = []
    kept = Kept()
    for place, envelope in enumerate(envelopes):
        if place in stops:
            other = restored(windows, kept, market_rows(envelopes[:place]), needed_only, in_parts)
            assert other.state() == live.state()
            others.append(other)
        decision = live.decide(envelope, envelope.at)
        kept.take(decision.rows)
        for other in others:
            assert other.decide(envelope, envelope.at) == decision
    for other in others:
        assert other.state() == live.state()


@pytest.mark.parametrize("delay", [1, 40, 200])
def test_streams_that_come_late_change_no_opinion(delay: int) -> None:
    plan = hourly_plan()
    tape = {s: random_candles(s, "1h", 330, ord(s[0]), 0.03) for s in ("BTCUSDT", "ETHUSDT")}
    envelopes = list(candle_envelopes(tape, timeframes_of(plan)))

    def batches(given: list[Envelope]) -> list[SignalBatch]:
        analyzer = Analyzer(plan, NewestWindows(plan, room=16))
        said = [out for e in given for out in analyzer.decide(e, e.at).messages]
        for key in {out.key for out in said}:
            sequences = [out.sequence for out in said if out.key == key and out.sequence]
            assert [s[0] for s in sequences] == [0, *[s[1] for s in sequences[:-1]]]
        bodies = [out.body for out in said if isinstance(out.body, SignalBatch)]
        return sorted(bodies, key=lambda b: (b.at, b.symbol, b.timeframe))

    in_time, late = batches(envelopes), batches(delayed(envelopes, delay))
    # An analyzer that has never heard of a stream does not wait for its past: there is no opinion then anyway.
    first_heard = next(e.at for e in delayed(envelopes, delay) if stream_of(e)[0] == "ETHUSDT")
    assert first_heard < in_time[-1].at - 200 * HOUR
    assert [b.at for b in late] == [b.at for b in in_time]
    assert [b.opinions for b in late] == [b.opinions for b in in_time]
    assert [b.quote_volume for b in late] == [b.quote_volume for b in in_time]


def test_old_candles_are_dropped_and_room_stays_bounded() -> None:
    plan = hourly_plan()
    tape = {s: random_candles(s, "1h", 1_600, ord(s[0])) for s in ("BTCUSDT", "ETHUSDT")}
    windows = NewestWindows(plan, room=16)
    analyzer = Analyzer(plan, windows)
    for envelope in candle_envelopes(tape, timeframes_of(plan)):
        analyzer.decide(envelope, envelope.at)
    for stream in plan.windows:
        # the longest window: a lookback of 256 before a block of 256 (the market's own measures), and one more
        assert windows.held(stream) <= 3 * (2 * 256 + 1)
