"""The law: an aggregator restored from its rows equals the live one and goes on as it does (consistency-rules 3.7)."""

from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import DAY, HOUR, Time, duration
from roottrading.messages.service import DeadlineDue, Input, WeightsSet
from roottrading.messages.signals import SignalBatch
from roottrading.services.signal_aggregator import AggregatorSettings, VotingStrategy
from tests.unit.services.signal_aggregator.batches import NOON, Bench, D, absent, batch

PLAN = [
    VotingStrategy("a", "1h", "trend"),
    VotingStrategy("b", "1h", "reversion", D("0.5")),
    VotingStrategy("c", "4h", "breakout"),
    VotingStrategy("d", "1d", "momentum", symbols=("ETHUSDT",)),
]
MIDNIGHT = NOON - 12 * HOUR
CONVICTIONS = st.decimals(-1, 1, places=6)


@st.composite
def batches(draw: st.DrawFn) -> SignalBatch:
    """Any batch of the next days, in no order: what lossy carriers may bring."""
    symbol = draw(st.sampled_from(["BTCUSDT", "ETHUSDT"]))
    timeframe = draw(st.sampled_from(["1h", "1h", "4h", "1d"]))
    at: Time = MIDNIGHT + draw(st.integers(0, 60)) * HOUR
    at -= at % duration(timeframe)
    if draw(st.integers(0, 5)) == 0:
        return absent(at, timeframe, symbol)
    opinions = draw(st.dictionaries(st.sampled_from("abcd"), CONVICTIONS))
    regime = draw(st.sampled_from(["trend", "range", "wild", ""]))
    return batch(at, opinions, timeframe, symbol, regime=regime, late=draw(st.booleans()))


weights = st.builds(
    WeightsSet,
    st.integers(-1, 2).map(lambda day: MIDNIGHT + day * DAY),
    st.dictionaries(st.sampled_from("abcd"), st.decimals(0, 3, places=6)),
    st.sampled_from([(), (("a", "b"),), (("b", "c", "e"),)]),
)
deadlines = st.sampled_from(["BTCUSDT", "ETHUSDT"]).map(lambda symbol: DeadlineDue(f"verdict/{symbol}"))
inputs = st.lists(batches() | batches() | batches() | weights | deadlines, min_size=1, max_size=40)


def in_time(given: list[Input | SignalBatch]) -> list[Input | SignalBatch]:
    """Roughly in the order of time, so that most of it is taken and not dropped as said already."""
    return sorted(given, key=lambda each: each.at // (6 * HOUR) if isinstance(each, SignalBatch) else 0)


@given(inputs, st.booleans(), st.integers(0, 40))
def test_restored_equals_live_and_goes_on_alike(
    given_inputs: list[Input | SignalBatch], ordered: bool, cut: int
) -> None:
    given_inputs = in_time(given_inputs) if ordered else given_inputs
    live = Bench(PLAN, AggregatorSettings(), "1h")
    for each in given_inputs[:cut]:
        live.give(each)
    restored = live.reborn()
    assert restored.service.state() == live.service.state()
    for each in given_inputs[cut:]:
        assert restored.give(each) == live.give(each)
    assert restored.service.state() == live.service.state()
    assert restored.rows == live.rows


@given(inputs)
def test_every_instant_has_one_verdict_and_they_follow_each_other(given_inputs: list[Input | SignalBatch]) -> None:
    bench = Bench(PLAN, AggregatorSettings(), "1h")
    last = {"BTCUSDT": 0, "ETHUSDT": 0}
    for each in in_time(given_inputs):
        for out in bench.give(each).messages:
            assert out.sequence is not None
            follows, at = out.sequence
            assert follows == last[out.key] < at
            last[out.key] = at
    for symbol in last:
        bench.give(DeadlineDue(f"verdict/{symbol}"))
        heads = [s for s in bench.service.state()["standing"].values() if (s.symbol, s.timeframe) == (symbol, "1h")]
        assert all(head.judged == head.batch.at for head in heads)
