import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.settings import SilenceBounds
from roottrading.adapters.exchange.binance.streams.silence import SilenceWatch
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription, candles
from roottrading.domain.time import MILLISECOND, MINUTE, SECOND

BOUNDS = SilenceBounds()
TRADES = Subscription("trades", "BTCUSDT")
QUOTES = Subscription("best_quote", "BTCUSDT")
CANDLES = candles("BTCUSDT", "1m")


def watching(*subscriptions: Subscription) -> SilenceWatch:
    watch = SilenceWatch(BOUNDS)
    for subscription in subscriptions:
        watch.begin(subscription, 0)
    return watch


def talk(watch: SilenceWatch, subscription: Subscription, every: int, count: int, begin: int = 0) -> int:
    now = begin
    for _ in range(count):
        now += every
        watch.heard(subscription.name, now)
    return now


def test_a_busy_stream_that_falls_silent_is_stalled_after_the_least_of_its_kind() -> None:
    watch = watching(TRADES)
    now = talk(watch, TRADES, 50 * MILLISECOND, 100)
    assert watch.stalled(now + 15 * SECOND) == ""
    assert watch.stalled(now + 15 * SECOND + 1).startswith("btcusdt@trade is silent for 15 s")


def test_a_slow_stream_may_be_silent_in_proportion_to_its_usual_pause() -> None:
    watch = watching(TRADES)
    now = talk(watch, TRADES, 10 * SECOND, 100)
    assert watch.stalled(now + 300 * SECOND) == ""
    assert watch.stalled(now + 300 * SECOND + 1) != ""


def test_a_stream_that_has_no_usual_pause_yet_is_not_judged() -> None:
    watch = watching(TRADES)
    now = talk(watch, TRADES, SECOND, BOUNDS.usual - 1)
    assert watch.stalled(now + 24 * 60 * MINUTE) == ""


def test_one_silent_stream_among_busy_ones_is_found() -> None:
    watch = watching(TRADES, QUOTES)
    talk(watch, QUOTES, 100 * MILLISECOND, 50)
    talk(watch, TRADES, 100 * MILLISECOND, 500)
    assert watch.stalled(50 * SECOND).startswith("btcusdt@bookTicker is silent for 45 s")


def test_candles_that_the_history_has_and_the_stream_did_not_bring_are_a_stall() -> None:
    watch = watching(CANDLES)
    watch.missed(CANDLES.name, 1)
    assert watch.stalled(0) == ""
    watch.missed(CANDLES.name, 0)  # it brought one
    watch.missed(CANDLES.name, 1)
    assert watch.stalled(0) == ""
    watch.missed(CANDLES.name, 1)
    assert watch.stalled(0) == "btcusdt@kline_1m left out 2 candles"


def test_what_is_not_followed_any_more_is_not_judged() -> None:
    watch = watching(TRADES)
    now = talk(watch, TRADES, SECOND, 100)
    watch.end(TRADES.name)
    watch.heard(TRADES.name, now)
    watch.missed(TRADES.name, 5)
    assert watch.stalled(now + MINUTE) == ""


def test_the_time_of_being_asked_for_is_no_silence() -> None:
    old = watching(TRADES)
    now = talk(old, TRADES, 100 * MILLISECOND, 100)
    new = SilenceWatch(BOUNDS)
    new.begin(TRADES, now, old)
    new.judge_from(now + 14 * SECOND)
    assert new.stalled(now + 29 * SECOND) == ""
    assert new.stalled(now + 29 * SECOND + 1) != ""


def test_what_a_stream_usually_does_outlives_its_connection_and_the_time_without_one() -> None:
    old = watching(TRADES)
    now = talk(old, TRADES, 100 * MILLISECOND, 100)
    old.ended_at = now + SECOND
    new = SilenceWatch(BOUNDS)
    new.begin(TRADES, now + 10 * MINUTE, old)
    assert new.stalled(now + 10 * MINUTE + 15 * SECOND) == ""
    assert new.stalled(now + 10 * MINUTE + 15 * SECOND + 1) != ""


def test_where_the_market_itself_is_silent_connections_are_replaced_less_and_less_often() -> None:
    watch, now, pauses = watching(TRADES), 0, list[int]()
    now = talk(watch, TRADES, 100 * MILLISECOND, 100)
    for _ in range(8):
        begin = now
        while not watch.stalled(now):
            now += SECOND
        pauses.append(now - begin)
        following = SilenceWatch(BOUNDS)
        following.begin(TRADES, now, watch)
        watch = following
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(pauses))


@given(st.integers(100_000, 20_000_000), st.lists(st.floats(0.5, 1.5), min_size=100, max_size=150))
def test_a_stream_that_keeps_its_rhythm_is_never_stalled(pause: int, spread: list[float]) -> None:
    watch, now = watching(TRADES), 0
    for each in spread:
        gap = int(pause * each)
        assert watch.stalled(now + gap) == ""
        now += gap
        watch.heard(TRADES.name, now)


@pytest.mark.parametrize("subscription", [TRADES, QUOTES, CANDLES, Subscription("depth", "BTCUSDT")])
def test_every_kind_has_its_least_silence(subscription: Subscription) -> None:
    watch = watching(subscription)
    now = talk(watch, subscription, MILLISECOND, 100)
    least = BOUNDS.least.of(subscription.kind)
    assert watch.stalled(now + least) == ""
    assert watch.stalled(now + least + 1) != ""
