"""Shadow outcomes, worked out by hand: entry, legs, costs and what ends them (trading-rules 3.7, 5.2 to 5.4)."""

from decimal import Decimal

import numpy as np
import pytest

from roottrading.domain.time import HOUR, duration
from roottrading.services.signal_aggregator.buy_opinions import NEVER, BuyOpinions, buy_opinions
from roottrading.services.signal_aggregator.shadow_market import shadow_market
from roottrading.services.signal_aggregator.shadow_outcomes import HORIZON, Costs, shadow_outcomes
from tests.unit.services.signal_aggregator.markets import NAN, START, candles_of, one_opinion, without

FREE = Costs(0.0, 0.0)
FLAT = (100.0, 101.0, 99.0, 100.0)


def outcome(
    rows: list[tuple[float, float, float, float]],
    opinions: BuyOpinions,
    costs: Costs = FREE,
    volumes: list[int] | None = None,
    timeframe: str = "1h",
) -> Decimal | None:
    """Return the only outcome in R; the first candle is the one at whose close the opinion began."""
    before = [FLAT] * (duration(timeframe) // HOUR)
    found = shadow_outcomes(shadow_market(candles_of([*before, *rows], volumes), timeframe), opinions, costs)
    if not len(found.net):
        return None
    (known_at,) = found.known_at.tolist()
    assert known_at == opinions.at[0] + HORIZON * duration(timeframe)
    return Decimal(int(found.net[0])).scaleb(-6)


def test_a_stop_costs_one_r() -> None:
    assert outcome([FLAT, (100, 100, 90, 95)], one_opinion()) == -1


def test_a_stop_that_is_gapped_over_fills_at_the_open() -> None:
    assert outcome([FLAT, (85, 88, 84, 86)], one_opinion()) == Decimal("-1.5")


def test_a_target_earns_its_distance() -> None:
    assert outcome([FLAT, (100, 120.5, 99, 110)], one_opinion(target=20)) == 2


def test_a_target_is_filled_only_where_it_is_traded_through() -> None:
    assert outcome([FLAT, (100, 120, 99, 110)], one_opinion(target=20)) == 1  # at the close of the last candle


def test_the_stop_comes_before_the_target_in_one_candle() -> None:
    assert outcome([FLAT, (100, 125, 89, 120)], one_opinion(target=20)) == -1


def test_in_the_entry_candle_the_stop_is_live_and_the_target_is_not() -> None:
    assert outcome([(100, 125, 99, 110), (110, 111, 109, 110)], one_opinion(target=20)) == 1
    assert outcome([(100, 125, 90, 110), (110, 111, 109, 110)], one_opinion(target=20)) == -1


def test_costs_are_taken_on_both_sides() -> None:
    # entry 100 x 1.001 = 100.1, R 10.1; stopped at 90 x 0.999 = 89.91; fees 1 % of each
    # (89.91 x 0.99 - 100.1 x 1.01) / 10.1 = -12.0901 / 10.1
    assert outcome([FLAT, (100, 100, 90, 95)], one_opinion(), Costs(0.01, 0.001)) == Decimal("-1.197040")


def test_a_target_has_no_slippage() -> None:
    # (120 - 100.1) / 10.1
    assert outcome([FLAT, (100, 121, 99, 110)], one_opinion(target=20), Costs(0, 0.001)) == Decimal("1.970297")


def test_a_time_limit_leaves_at_the_open_when_it_ends() -> None:
    rows = [FLAT, FLAT, (105, 106, 104, 104), (50, 50, 50, 50)]
    assert outcome(rows, one_opinion(limit=2)) == Decimal("0.5")


def test_an_opinion_turned_sell_leaves_at_the_open_after_it() -> None:
    rows = [FLAT, FLAT, (97, 98, 96, 97), (50, 50, 50, 50)]
    assert outcome(rows, one_opinion(sell_at=START + 3 * HOUR)) == Decimal("-0.3")


def test_after_a_hundred_candles_it_ends_at_the_close() -> None:
    rows = [FLAT] * 99 + [(100, 107, 99, 106), (200, 200, 200, 200)]
    assert outcome(rows, one_opinion()) == Decimal("0.6")
    assert outcome(rows, one_opinion(limit=100)) == Decimal("0.6")
    late_stop = [FLAT] * 99 + [(100, 100, 90, 90)]
    assert outcome(late_stop, one_opinion()) == -1
    too_late = [FLAT] * 100 + [(100, 100, 90, 90)]
    assert outcome(too_late, one_opinion()) == 0


UP, DOWN = (100.0, 121.0, 100.0, 110.0), (100.0, 101.0, 89.0, 95.0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([FLAT] * 4 + [FLAT, UP, DOWN, FLAT], 2),  # both legs in one candle of the strategy: the target came first
        ([FLAT] * 4 + [FLAT, DOWN, UP, FLAT], -1),
        ([FLAT] * 4 + [FLAT, (100.0, 121.0, 89.0, 100.0), FLAT, FLAT], -1),  # both in one finest candle
        ([FLAT, UP, DOWN, FLAT], 2),  # the target is live from the second finest candle on, the stop from the first
        ([UP, FLAT, FLAT, DOWN], -1),
        ([DOWN, UP, FLAT, FLAT], -1),
        ([FLAT] * 5 + [(85.0, 86.0, 84.0, 85.0)] * 3, Decimal("-1.5")),  # gapped over inside the candle
        ([FLAT] * 6 + [(91.0, 92.0, 90.5, 91.0), (80.0, 81.0, 79.0, 80.0)], -2),
        ([FLAT] * 399 + [(100.0, 104.0, 100.0, 104.0), DOWN], Decimal("0.4")),  # its hundredth candle's last close
        ([FLAT] * 396 + [FLAT, FLAT, UP, FLAT, DOWN], 2),
    ],
)
def test_the_path_is_that_of_the_finest_candles(
    rows: list[tuple[float, float, float, float]], expected: Decimal
) -> None:
    opinions = one_opinion(at=START + 4 * HOUR, target=20)
    assert outcome(rows, opinions, timeframe="4h") == expected


def test_an_entry_needs_volume_in_the_finest_candle_that_opens_at_t() -> None:
    opinions = one_opinion(at=START + 4 * HOUR, target=20)
    assert outcome([FLAT, UP, FLAT, FLAT], opinions, volumes=[1] * 4 + [0, 1, 1, 1], timeframe="4h") is None
    silent = outcome([FLAT, DOWN, UP, FLAT], opinions, volumes=[1] * 5 + [0, 1, 1], timeframe="4h")
    assert silent == 2, "a candle without volume triggers nothing"


@pytest.mark.parametrize("wait", [18, 19, 20, 21, 38, 39, 40, 60, 98])
def test_a_leg_is_found_however_long_it_takes(wait: int) -> None:
    rows = [*[FLAT] * wait, (100, 100, 90, 90), (1, 1, 1, 1)]
    assert outcome(rows, one_opinion()) == -1
    rows = [*[FLAT] * wait, (100, 111, 99, 99), (1, 1, 1, 1)]
    assert outcome(rows, one_opinion(target=10)) == 1


def test_an_opinion_without_a_stop_gets_twice_the_atr() -> None:
    opinions = buy_opinions(
        np.array([START + HOUR]),
        np.array([1]),
        np.array([100.0]),
        np.array([NAN]),
        np.array([NAN]),
        np.array([0]),
        np.array([2.5]),
    )
    assert opinions.stop_distance.tolist() == [5.0]
    assert outcome([FLAT, (100, 103, 95, 99)], opinions) == -1


@pytest.mark.parametrize(
    "opinions",
    [
        one_opinion(stop=NAN),  # no stop, no entry
        one_opinion(close=99.0, stop=0.0),
        one_opinion(stop=100.0),  # a stop at 0
        one_opinion(close=120.0),  # opens below its stop
        one_opinion(close=80.0, target=20.0),  # opens at its target
        one_opinion(at=START + 3 * HOUR),  # no candle opens there
    ],
)
def test_what_could_not_be_entered_has_no_outcome(opinions: BuyOpinions) -> None:
    assert outcome([FLAT, FLAT], opinions) is None


def test_a_candle_without_volume_fills_and_triggers_nothing() -> None:
    assert outcome([FLAT, FLAT], one_opinion(), volumes=[1, 0, 1]) is None
    rows = [FLAT, (100, 100, 80, 100), (104, 104, 104, 104)]
    assert outcome(rows, one_opinion(), volumes=[1, 1, 0, 1]) == Decimal("0.4")
    rows = [FLAT, (95, 95, 95, 95), (104, 105, 104, 105)]
    assert outcome(rows, one_opinion(limit=1), volumes=[1, 1, 0, 1]) == Decimal("0.4")  # it meets the next open


def test_a_missing_candle_is_no_entry_and_shortens_nothing_else() -> None:
    rows = [FLAT, FLAT, (105, 106, 104, 104), FLAT]
    candles = candles_of([FLAT, *rows])
    gap_at_entry = shadow_outcomes(shadow_market(without(candles, 1), "1h"), one_opinion(), FREE)
    assert len(gap_at_entry.net) == 0
    gap_later = shadow_outcomes(shadow_market(without(candles, 2), "1h"), one_opinion(limit=2), FREE)
    assert gap_later.net.tolist() == [500_000]


def test_one_outcome_counts_for_ten_r_at_most() -> None:
    still = (100.0, 100.5, 99.5, 100.0)
    assert outcome([still, (50, 50, 40, 40)], one_opinion(stop=1.0)) == -10
    assert outcome([still, (150, 151, 150, 150)], one_opinion(stop=1.0)) == 10


def test_nothing_to_judge_and_no_market_are_empty() -> None:
    nothing = one_opinion()
    none = type(nothing)(*(getattr(nothing, name)[:0] for name in nothing.__struct_fields__))
    assert len(none) == 0
    assert len(shadow_outcomes(shadow_market(candles_of([FLAT]), "1h"), none, FREE).net) == 0
    silent = shadow_market(candles_of([FLAT, FLAT], [0, 0]), "1h")
    assert len(shadow_outcomes(silent, one_opinion(), FREE).net) == 0


def test_a_buy_opinion_begins_where_the_direction_turns_and_ends_at_the_next_sell() -> None:
    directions = np.array([1, 1, 0, 1, -1, -1, 1, 0, -1, 0, 1])
    at = START + np.arange(11, dtype=np.int64) * HOUR
    values = np.arange(11, dtype=np.float64)
    found = buy_opinions(at, directions, values, values + 20, values + 40, np.arange(11), values)
    assert found.at.tolist() == at[[0, 3, 6, 10]].tolist()
    assert found.sell_at.tolist() == [*at[[4, 4, 8]].tolist(), NEVER]
    assert found.stop_distance.tolist() == [20, 23, 26, 30]
    assert found.target_distance.tolist() == [40, 43, 46, 50]
    assert found.time_limit.tolist() == [0, 3, 6, 10]


def test_rows_of_changes_only_tell_the_same_opinions() -> None:
    directions = np.array([0, 1, 1, 1, 0, 0, 1, -1, -1, 0, 0, 1])
    at = START + np.arange(12, dtype=np.int64) * HOUR
    values = np.arange(12, dtype=np.float64)
    changed = np.flatnonzero(np.diff(directions, prepend=0))
    whole = buy_opinions(at, directions, values, values, values, np.arange(12), values)
    kept = values[changed]
    stored = buy_opinions(at[changed], directions[changed], kept, kept, kept, np.arange(12)[changed], kept)
    for name in whole.__struct_fields__:
        assert getattr(whole, name).tolist() == getattr(stored, name).tolist()
