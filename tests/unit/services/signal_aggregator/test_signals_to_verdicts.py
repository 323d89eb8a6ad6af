"""Verdicts worked out by hand, and when they are given, complete, incomplete or late (trading-rules 3.2 to 3.5)."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from roottrading.domain.time import HOUR, MINUTE, SECOND, Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.market import CandleAbsent
from roottrading.messages.service import NOTHING, DeadlineDue, InstantComplete, Resumed, WeightsSet
from roottrading.messages.signals import SignalBatch
from roottrading.services.signal_aggregator import AggregatorSettings, SignalAggregator, VotingStrategy
from roottrading.services.signal_aggregator.state import VerdictVote
from tests.unit.services.signal_aggregator.batches import NOON, PLAIN, Bench, D, absent, batch, opinion

T = NOON
NEXT = T + 5 * MINUTE
ONE = [VotingStrategy("ema", "5m", "trend")]
FAST_AND_SLOW = [VotingStrategy("ema", "5m", "trend"), VotingStrategy("adx", "1h", "trend")]


def test_the_worked_example_of_the_documentation() -> None:
    plan = [
        VotingStrategy("ema_cross", "5m", "trend"),
        VotingStrategy("bollinger_reversion", "5m", "reversion"),
        VotingStrategy("rsi_reversion", "5m", "reversion"),
        VotingStrategy("adx_trend", "1h", "trend"),
    ]
    bench = Bench(plan, AggregatorSettings())
    verdict = bench.verdict(
        batch(T, {"adx_trend": 1}, "1h", regime="trend"),
        batch(T, {"ema_cross": "0.8", "bollinger_reversion": "-0.2", "rsi_reversion": 0}, regime="trend"),
    )
    assert verdict.value == D("0.537900")
    assert verdict.votes[verdict.entry].opinion.strategy == "adx_trend"
    text = (Path(__file__).parents[4] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    assert f"= {verdict.value}." in text
    assert {vote.opinion.strategy: vote.weight for vote in verdict.votes} == {
        "adx_trend": D("0.3125"),
        "bollinger_reversion": D("0.25"),
        "ema_cross": D("0.3125"),
        "rsi_reversion": D("0.25"),
    }


def test_a_verdict_carries_the_candle_the_votes_and_the_entry() -> None:
    bench = Bench([VotingStrategy("ema", "5m", "trend"), VotingStrategy("rsi", "5m", "reversion")])
    said = batch(T, [opinion("rsi", "0.5", 7), opinion("ema", 1, 9)], regime="wild")
    decision = bench.give(said)
    (out,) = decision.messages
    assert (out.channel, out.key, out.sequence) == ("signals:aggregated", "BTCUSDT", (0, T))
    verdict = bench.reborn().verdict(replace(said, at=NEXT))
    assert verdict.value == D("0.75")
    assert (verdict.symbol, verdict.timeframe, verdict.at, verdict.valid_until) == (
        "BTCUSDT",
        "5m",
        NEXT,
        NEXT + 5 * MINUTE,
    )
    assert (verdict.close, verdict.high, verdict.low) == (D(100), D(100), D(100))
    assert (verdict.quote_volume, verdict.day_quote_volume, verdict.regime) == (D(10), D(20), "wild")
    assert [vote.opinion for vote in verdict.votes] == [opinion("ema", 1, 9), opinion("rsi", "0.5", 7)]
    assert [vote.atr for vote in verdict.votes] == [D(2), D(2)]
    assert (verdict.entry, verdict.complete, verdict.late) == (0, True, False)


def test_verdicts_follow_each_other() -> None:
    bench = Bench(ONE)
    first = bench.give(batch(T, {"ema": 1}))
    second = bench.give(batch(NEXT, {"ema": 1}))
    assert [first.messages[0].sequence, second.messages[0].sequence] == [(0, T), (T, NEXT)]


@pytest.mark.parametrize(
    ("ids", "convictions", "entry"),
    [
        ((20, 3), ("1", "1"), 0),  # ids are compared as text: "20" is before "3"
        ((30, 3), ("1", "1"), 1),
        ((1, 2), ("0.9", "1"), 1),
        ((1, 2), ("-1", "0.9"), 0),  # a slight SELL: the strongest vote is a SELL
        ((1, 2), ("-1", "1"), -1),
    ],
)
def test_the_entry_is_the_strongest_vote_in_the_verdicts_direction(
    ids: tuple[int, int], convictions: tuple[str, str], entry: int
) -> None:
    bench = Bench([VotingStrategy("a", "5m", "trend"), VotingStrategy("b", "5m", "trend")])
    opinions = [opinion("a", convictions[0], ids[0]), opinion("b", convictions[1], ids[1])]
    assert bench.verdict(batch(T, opinions)).entry == entry


@pytest.mark.parametrize(("weak", "entry"), [("0.5", "b"), ("0.79", "b"), ("0.81", "a")])
def test_the_strongest_vote_is_weight_times_conviction(weak: str, entry: str) -> None:
    bench = Bench([VotingStrategy("a", "5m", "trend", D(weak)), VotingStrategy("b", "5m", "trend")])
    verdict = bench.verdict(batch(T, {"a": 1, "b": "0.8"}))
    assert verdict.votes[verdict.entry].opinion.strategy == entry


def test_a_users_weight_counts() -> None:
    bench = Bench([VotingStrategy("a", "5m", "trend", D("0.5")), VotingStrategy("b", "5m", "trend", D("1.5"))])
    verdict = bench.verdict(batch(T, {"a": 1, "b": -1}))
    assert verdict.value == D("-0.5")  # (0.25 - 0.75) / 1
    assert verdict.votes[verdict.entry].opinion.strategy == "b"


def test_only_verdicts_at_the_threshold_are_written() -> None:
    bench = Bench(ONE)
    bench.verdicts(
        batch(T, {"ema": "0.499999"}),
        batch(NEXT, [opinion("ema", "0.5", 5)]),
        batch(NEXT + 5 * MINUTE, {"ema": "-0.5"}),
    )
    buy, sell = bench.journal
    assert (buy.id, buy.signal_type, buy.strength, buy.timestamp) == (f"BTCUSDT/{NEXT}", "BUY", D("0.5"), NEXT)
    assert buy.votes == (VerdictVote("ema", "5m", D("0.5"), D(1), 5),)
    assert (sell.signal_type, sell.strength, sell.value) == ("SELL", D("0.5"), D("-0.5"))


def test_what_it_does_not_care_about_changes_nothing() -> None:
    bench = Bench(ONE)
    bench.give(batch(T, {"ema": 1}))
    state = {name: dict(table) for name, table in bench.service.state().items()}
    for given in (
        Resumed(),
        InstantComplete(T, {}),
        DeadlineDue("verdict/BTCUSDT"),
        DeadlineDue("verdict/ETHUSDT"),
        DeadlineDue("midnight"),
        Envelope("gateway", "market/BTCUSDT/5m", T, 0, T, "", CandleAbsent("BTCUSDT", "5m", T)),
        batch(T, {"ema": -1}),  # said already
        batch(T - 5 * MINUTE, {"ema": -1}),
        batch(T, {"ema": 1}, "15m"),  # nobody votes there
    ):
        assert bench.give(given) is NOTHING
    assert bench.service.state() == state


# ---- complete, incomplete


def test_the_last_batch_due_makes_the_verdict_in_whatever_order_they_come() -> None:
    slow, fast = batch(T, {"adx": "0.4"}, "1h"), batch(T, {"ema": 1})
    for order in ((slow, fast), (fast, slow)):
        bench = Bench(FAST_AND_SLOW)
        assert bench.verdicts(order[0]) == []
        verdict = bench.verdict(order[1])
        assert (verdict.value, verdict.complete) == (D("0.7"), True)
        assert bench.deadlines == {}


def test_an_opinion_stands_until_its_next_candle() -> None:
    bench = Bench(FAST_AND_SLOW)
    bench.verdict(batch(T, {"adx": 1}, "1h"), batch(T, {"ema": 1}))
    for step in range(1, 12):
        verdict = bench.verdict(batch(T + step * 5 * MINUTE, {"ema": 0}))
        assert (verdict.value, verdict.complete) == (D(1), True)
        assert {vote.timeframe for vote in verdict.votes} == {"5m", "1h"}


def test_before_the_first_batch_of_a_slower_timeframe_verdicts_are_incomplete() -> None:
    bench = Bench(FAST_AND_SLOW)
    early = bench.verdict(batch(T - 5 * MINUTE, {"ema": 1}))
    assert (early.value, early.complete) == (D(1), False)
    assert bench.verdict(batch(T, {"adx": 1}, "1h"), batch(T, {"ema": 1})).complete


def test_a_batch_that_stays_away_makes_its_verdict_incomplete_when_the_next_comes() -> None:
    bench = Bench(FAST_AND_SLOW)
    assert bench.verdicts(batch(T, {"ema": 1})) == []
    older, newer = bench.verdicts(batch(NEXT, {"ema": "-1"}))
    assert (older.at, older.value, older.complete) == (T, D(1), False)
    assert (newer.at, newer.value, newer.complete) == (NEXT, D(-1), False)  # what was due at T is not in
    late = bench.give(batch(T, {"adx": 1}, "1h"))
    assert late.messages == ()  # T has its verdict; from the next one on it counts
    assert bench.verdict(batch(NEXT + 5 * MINUTE, {"ema": 1})).complete


def test_after_some_patience_a_verdict_is_given_without_the_batch() -> None:
    bench = Bench(FAST_AND_SLOW)
    bench.give(batch(T, {"ema": -1}))
    assert bench.deadlines == {"verdict/BTCUSDT": T + 4 * SECOND}
    verdict = bench.verdict(DeadlineDue("verdict/BTCUSDT"))
    assert (verdict.at, verdict.value, verdict.complete) == (T, D(-1), False)
    assert bench.verdicts(DeadlineDue("verdict/BTCUSDT")) == []
    assert bench.verdicts(batch(T, {"adx": 1}, "1h")) == []  # T has its verdict


def test_the_deadline_is_withdrawn_with_the_verdict() -> None:
    bench = Bench(FAST_AND_SLOW)
    bench.give(batch(T, {"ema": -1}))
    bench.verdict(batch(T, {"adx": 1}, "1h"))
    assert bench.deadlines == {}


def test_a_verdict_uses_nothing_that_was_said_after_its_instant() -> None:
    bench = Bench(FAST_AND_SLOW)
    bench.verdict(batch(T, {"adx": -1}, "1h"), batch(T, {"ema": 1}))
    hour = T + HOUR
    assert bench.verdicts(batch(hour, {"adx": 1}, "1h")) == []  # overtook the 5m batches before it
    overtaken = bench.verdict(batch(hour - 5 * MINUTE, {"ema": 0}))
    assert (overtaken.value, overtaken.complete) == (D(-1), True)
    assert bench.verdict(batch(hour, {"ema": 0})).value == 1


def test_a_pending_verdict_is_given_before_a_later_slow_batch_is_heard() -> None:
    plan = [*FAST_AND_SLOW, VotingStrategy("hull", "15m", "trend")]
    bench = Bench(plan)
    bench.verdict(batch(T, {"adx": -1}, "1h"), batch(T, {"hull": -1}, "15m"), batch(T, {"ema": -1}))
    quarter = T + 45 * MINUTE
    bench.verdicts(batch(T + 15 * MINUTE, {"hull": -1}, "15m"), batch(T + 30 * MINUTE, {"hull": -1}, "15m"))
    assert bench.verdicts(batch(quarter, {"ema": 1})) == []
    pending = bench.verdict(batch(T + HOUR, {"adx": 1}, "1h"))
    assert (pending.at, pending.complete, pending.value) == (quarter, False, D("-0.333333"))


@pytest.mark.parametrize("state", ["warming_up", "failed"])
def test_warming_up_and_failing_count_as_reported(state: str) -> None:
    bench = Bench(ONE)
    said = replace(opinion("ema", 0), state=state)
    verdict = bench.verdict(batch(T, [said]))
    assert (verdict.value, verdict.complete, verdict.entry) == (D(0), True, -1)


def test_an_empty_batch_counts_as_reported() -> None:
    verdict = Bench(FAST_AND_SLOW).verdict(batch(T, {}, "1h"), batch(T, {"ema": 1}))
    assert (verdict.value, verdict.complete, len(verdict.votes)) == (D(1), True, 1)


def test_a_verdict_at_an_absent_candle_is_incomplete_and_opinions_go_on_standing() -> None:
    bench = Bench(FAST_AND_SLOW)
    bench.verdict(batch(T, {"adx": 1}, "1h"), batch(T, {"ema": -1}, regime="range"))
    verdict = bench.verdict(absent(NEXT))
    assert (verdict.value, verdict.complete) == (D(0), False)
    assert verdict.close is None
    assert [vote.opinion.conviction for vote in verdict.votes] == [1, -1]
    assert [vote.atr for vote in verdict.votes] == [D(2), D(2)]
    assert verdict.regime == "range"
    after = bench.verdict(batch(NEXT + 5 * MINUTE, {"ema": 1}))
    assert (after.value, after.complete) == (D(1), True)


def test_opinions_over_an_absent_slow_candle_count_as_reported() -> None:
    bench = Bench(FAST_AND_SLOW)
    bench.verdict(batch(T, {"adx": 1}, "1h"), batch(T, {"ema": 1}))
    hour = T + HOUR
    verdict = bench.verdict(absent(hour, "1h"), batch(hour, {"ema": "0.5"}))
    assert (verdict.value, verdict.complete) == (D("0.75"), True)


def test_late_batches_make_a_late_verdict() -> None:
    bench = Bench(FAST_AND_SLOW)
    assert bench.verdict(batch(T, {"adx": 1}, "1h", late=True), batch(T, {"ema": 1})).late
    assert not bench.verdict(batch(NEXT, {"ema": 1})).late  # the slow opinion has been in force since
    assert bench.verdict(batch(NEXT + 5 * MINUTE, {"ema": 1}, late=True)).late


def test_symbols_do_not_mix() -> None:
    bench = Bench(FAST_AND_SLOW)
    bench.verdicts(batch(T, {"adx": 1}, "1h", "BTCUSDT"), batch(T, {"adx": -1}, "1h", "ETHUSDT"))
    assert bench.verdict(batch(T, {"ema": 1}, symbol="ETHUSDT")).value == 0
    assert bench.verdict(batch(T, {"ema": 1}, symbol="BTCUSDT")).value == 1


def test_a_strategy_votes_on_its_own_symbols_only() -> None:
    plan = [VotingStrategy("ema", "5m", "trend"), VotingStrategy("adx", "1h", "trend", symbols=("ETHUSDT",))]
    bench = Bench(plan)
    assert bench.verdict(batch(T, {"ema": 1})).complete
    assert bench.verdicts(batch(T, {"ema": 1}, symbol="ETHUSDT")) == []


# ---- regime, conflict, quorum as the service feeds them


def test_a_regime_raises_the_families_that_suit_it() -> None:
    plan = [VotingStrategy("a", "5m", "trend"), VotingStrategy("b", "5m", "reversion")]
    settings = replace(PLAIN, regime_factor=D("1.5"))
    for regime, expected in (("trend", "0.2"), ("range", "-0.2"), ("wild", "0"), ("", "0")):
        assert Bench(plan, settings).verdict(batch(T, {"a": 1, "b": -1}, regime=regime)).value == D(expected)


def test_a_regime_counts_on_its_own_timeframe() -> None:
    settings = replace(PLAIN, regime_factor=D(2))
    verdict = Bench(FAST_AND_SLOW, settings).verdict(
        batch(T, {"adx": 1}, "1h", regime="trend"), batch(T, {"ema": -1}, regime="range")
    )
    assert verdict.value == D("0.333333")
    assert verdict.regime == "range"


def test_a_strategy_that_stays_away_still_belongs_to_the_quorum() -> None:
    settings = replace(PLAIN, quorum=D(1))
    assert Bench(FAST_AND_SLOW, settings).verdict(batch(T - 5 * MINUTE, {"ema": 1})).value == D("0.5")


def test_a_slower_timeframe_damps_what_it_opposes() -> None:
    plan = [VotingStrategy("ema", "5m", "trend", D(3)), VotingStrategy("adx", "1h", "trend")]
    for factor, expected in ((1, "0.5"), ("0.5", "0.25"), (0, "0")):
        bench = Bench(plan, replace(PLAIN, conflict_factor=D(factor)))
        assert bench.verdict(batch(T, {"adx": -1}, "1h"), batch(T, {"ema": 1})).value == D(expected)


# ---- weights


def weights(day: Time, found: dict[str, str], groups: tuple[tuple[str, ...], ...] = ()) -> WeightsSet:
    return WeightsSet(day, {name: D(weight) for name, weight in found.items()}, groups)


DAY = T - 12 * HOUR
TWO = [VotingStrategy("a", "5m", "trend"), VotingStrategy("b", "5m", "trend")]
OPPOSED = {"a": 1, "b": -1}


def test_weights_of_a_day_rule_from_after_one_o_clock_on() -> None:
    bench = Bench(TWO)
    bench.give(weights(DAY, {"a": "0.75", "b": "0.25"}))
    bench.give(weights(DAY + 24 * HOUR, {"a": "0.25", "b": "0.75"}))
    one = DAY + 25 * HOUR
    found = bench.verdicts(*(batch(one + step * 5 * MINUTE, OPPOSED) for step in (-13, -12, 0, 1)))
    assert [(verdict.value, verdict.complete) for verdict in found] == [
        (D("0.5"), True),
        (D("0.5"), True),
        (D("0.5"), True),
        (D("-0.5"), True),
    ]


def test_before_the_first_weights_all_weigh_the_same() -> None:
    bench = Bench(TWO)
    assert bench.verdict(batch(DAY + 5 * MINUTE, OPPOSED)).complete
    bench.give(weights(DAY, {"a": "0.75", "b": "0.25"}))
    at_one, after = bench.verdicts(batch(DAY + HOUR, OPPOSED), batch(DAY + HOUR + 5 * MINUTE, OPPOSED))
    assert (at_one.value, at_one.complete) == (D(0), True)
    assert (after.value, after.complete) == (D("0.5"), True)


def test_without_its_days_weights_a_verdict_is_incomplete() -> None:
    bench = Bench(TWO)
    bench.give(weights(DAY, {"a": "0.75", "b": "0.25"}))
    one = DAY + 25 * HOUR
    at_one, after = bench.verdicts(batch(one, OPPOSED), batch(one + 5 * MINUTE, OPPOSED))
    assert at_one.complete
    assert (after.value, after.complete) == (D("0.5"), False)
    bench.give(weights(DAY + 24 * HOUR, {"a": "0.25", "b": "0.75"}))
    cured = bench.verdict(batch(one + 10 * MINUTE, OPPOSED))
    assert (cured.value, cured.complete) == (D("-0.5"), True)


def test_only_the_last_two_days_are_kept() -> None:
    bench = Bench(TWO)
    for number in range(4):
        bench.give(weights(DAY + number * 24 * HOUR, {"a": "0.5", "b": "0.5"}))
    assert [key for table, key in bench.rows if table == "weights"] == [(DAY + 48 * HOUR,), (DAY + 72 * HOUR,)]
    # far behind the kept days: not before the first ones, so the weights are missing, not equal
    assert not bench.verdict(batch(DAY + 12 * HOUR, OPPOSED)).complete


def test_weights_said_again_or_out_of_order_are_dropped() -> None:
    bench = Bench(TWO)
    bench.give(weights(DAY, {"a": "0.75", "b": "0.25"}))
    assert bench.give(weights(DAY, {"a": "0.1", "b": "0.9"})) is NOTHING
    assert bench.give(weights(DAY - 24 * HOUR, {"a": "0.1", "b": "0.9"})) is NOTHING


def test_equal_weights_ignore_learned_ones() -> None:
    bench = Bench(TWO, replace(PLAIN, weighting="equal"))
    assert bench.give(weights(DAY, {"a": "0.75", "b": "0.25"})) is NOTHING
    assert bench.verdict(batch(T, OPPOSED)).value == 0


def test_clones_share_one_vote() -> None:
    plan = [VotingStrategy(name, "5m", "trend") for name in ("a", "b", "c", "d")]
    bench = Bench(plan)
    opinions = {"a": 1, "b": 1, "c": 1, "d": -1}
    assert bench.verdict(batch(DAY, opinions)).value == D("0.5")
    bench.give(weights(DAY, dict.fromkeys("abcd", "0.25"), (("a", "b", "c", "gone"),)))
    verdict = bench.verdict(batch(T, opinions))
    assert [vote.weight for vote in verdict.votes] == [D("0.083333")] * 3 + [D("0.25")]
    assert verdict.value == D("-0.000002")  # three thirds of a vote are one, but for their last digit


def test_a_new_strategy_weighs_what_equals_do() -> None:
    bench = Bench(TWO)
    bench.give(weights(DAY, {"a": "0.25"}))
    assert [vote.weight for vote in bench.verdict(batch(T, OPPOSED)).votes] == [D("0.25"), D("0.5")]


def test_when_nobody_has_earned_a_vote_there_is_no_verdict() -> None:
    bench = Bench(TWO)
    bench.give(weights(DAY, {"a": "0", "b": "0"}))
    verdict = bench.verdict(batch(T, {"a": 1, "b": 1}))
    assert (verdict.value, verdict.entry, verdict.complete) == (D(0), -1, True)


# ---- refused


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ([], "no strategy is enabled"),
        ([*ONE, *ONE], "'ema' is enabled twice"),
        ([VotingStrategy("ema", "1m", "trend")], "'ema' runs on 1m, no multiple of the fastest, 5m"),
        ([VotingStrategy("ema", "5m", "trend", D(-1))], "'ema' has weight -1"),
    ],
)
def test_a_plan_that_cannot_vote_is_refused(plan: list[VotingStrategy], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SignalAggregator("test", PLAIN, plan, "5m")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (batch(T, {"ema": "1.000001"}), "BTCUSDT ema: conviction 1.000001"),
        (batch(T, {"ema": "0.1234567"}), "at most 6 decimals"),
        (batch(T + 1, {"ema": 1}), "no close of a 5m candle"),
    ],
)
def test_nonsense_is_refused_with_its_name(given: SignalBatch, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Bench(ONE).give(given)
