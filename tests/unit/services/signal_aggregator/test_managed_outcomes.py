"""Outcomes of strategies that manage: the same path where they do nothing, and what they change by hand."""

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roottrading.domain.position import Position
from roottrading.domain.time import HOUR, Time, duration
from roottrading.services.gateway.fold import fold
from roottrading.services.signal_aggregator.buy_opinions import BuyOpinions, buy_opinions
from roottrading.services.signal_aggregator.managed_outcomes import managed_outcomes
from roottrading.services.signal_aggregator.shadow_market import shadow_market
from roottrading.services.signal_aggregator.shadow_outcomes import Costs, Outcomes, shadow_outcomes
from roottrading.strategies.contract import HOLD, Adjustment
from tests.unit.services.signal_aggregator.markets import START, candles_of, one_opinion, random_candles

FREE = Costs(0.0, 0.0)
D = Decimal
FLAT = (100.0, 101.0, 99.0, 100.0)


class Scripted:
    """Wants what is written for a T, and remembers what it was shown."""

    def __init__(self, wants: Mapping[int, Adjustment]) -> None:
        self._wants = {START + hours * HOUR: wanted for hours, wanted in wants.items()}
        self.seen: list[tuple[Position, int]] = []

    def manage(self, position: Position, row: Mapping[str, Decimal]) -> Adjustment:
        at = int(row["at"])
        self.seen.append((position, at))
        return self._wants.get(at, HOLD)


def row_at(at: Time) -> Mapping[str, Decimal]:
    return {"at": D(at)}


def outcomes(rows: list[tuple[float, float, float, float]], manager: Scripted, opinions: BuyOpinions) -> Outcomes:
    candles = candles_of([FLAT, *rows])
    return managed_outcomes(candles, shadow_market(candles, "1h"), opinions, FREE, manager, row_at)


@settings(max_examples=100)
@example(894, "1h")
@example(1255, "2h")
@given(st.integers(0, 2**32), st.sampled_from(["1h", "2h", "4h", "1d"]))
def test_who_manages_nothing_has_the_outcomes_of_the_search(seed: int, timeframe: str) -> None:
    random = np.random.default_rng(seed)
    finest = random_candles(random, int(random.integers(3, 260)) * duration(timeframe) // HOUR)
    candles = fold(finest, timeframe)
    finest = finest.slice(0, int((finest.at <= candles.at[-1]).sum()))  # candles that are not closed yet tell nothing
    market = shadow_market(finest, timeframe)
    count = len(candles)
    opinions = buy_opinions(
        candles.at,
        random.integers(-1, 2, count),
        candles.close / 1e8,
        random.choice([np.nan, 0.5, 2.0, 6.0], count),
        random.choice([np.nan, 1.0, 3.0], count),
        random.choice([0, 0, 1, 5, 150], count),
        random.choice([np.nan, 1.0], count),
    )
    costs = Costs(0.001, 0.0005)
    searched = shadow_outcomes(market, opinions, costs)
    walked = managed_outcomes(candles, market, opinions, costs, Scripted({}), row_at)
    assert walked.net.tolist() == searched.net.tolist()
    assert walked.known_at.tolist() == searched.known_at.tolist()


def test_an_exit_is_taken_at_the_next_open() -> None:
    manager = Scripted({3: Adjustment(exit="roi")})
    found = outcomes([FLAT, (100, 104, 100, 104), (103, 103, 103, 103), (1, 1, 1, 1)], manager, one_opinion())
    assert found.net.tolist() == [300_000]
    assert [at for _, at in manager.seen] == [START + 2 * HOUR, START + 3 * HOUR]  # from the entry candle's close on


def test_it_is_shown_its_position() -> None:
    manager = Scripted({2: Adjustment(stop=D(95))})
    outcomes([(100, 109, 99, 108), FLAT], manager, one_opinion(target=20))
    first, second = (position for position, _ in manager.seen)
    assert first == Position("BTCUSDT", D(1), D(100), D(90), D(120), START + HOUR, D(108))
    assert (second.stop_price, second.highest_close) == (D(95), D(108))


def test_a_tighter_stop_limits_the_loss_but_r_stays_what_was_risked() -> None:
    found = outcomes([FLAT, (100, 100, 95, 96), (96, 96, 80, 80)], Scripted({2: Adjustment(stop=D(95))}), one_opinion())
    assert found.net.tolist() == [-500_000]


def test_a_looser_stop_and_a_small_step_are_ignored() -> None:
    rows = [FLAT, (100, 100, 89, 89)]
    assert outcomes(rows, Scripted({2: Adjustment(stop=D(80))}), one_opinion()).net.tolist() == [-1_000_000]
    # ATR 8: steps below 2 are ignored
    found = outcomes([FLAT, (95, 95, 91.5, 94)], Scripted({2: Adjustment(stop=D(91.5))}), one_opinion(atr=8.0))
    assert found.net.tolist() == [-600_000]
    found = outcomes([FLAT, (95, 95, 92, 94)], Scripted({2: Adjustment(stop=D(92))}), one_opinion(atr=8.0))
    assert found.net.tolist() == [-800_000]


def test_a_stop_above_the_close_means_out_at_once() -> None:
    found = outcomes([FLAT, (107, 107, 106, 107), FLAT], Scripted({2: Adjustment(stop=D(105))}), one_opinion())
    assert found.net.tolist() == [700_000]


@pytest.mark.parametrize(("close", "expected"), [(119.0, 100_000), (120.0, 1_500_000)])
def test_a_target_given_up_is_met_at_a_close_only(close: float, expected: int) -> None:
    rows = [FLAT, (100, 125, 100, close), (115, 115, 115, 115), (101, 101, 101, 101)]
    found = outcomes(rows, Scripted({2: Adjustment(stop=D(95))}), one_opinion(target=20))
    assert found.net.tolist() == [expected]


def test_a_nearer_target_is_met_at_a_close() -> None:
    rows = [FLAT, (100, 106, 100, 106), (107, 107, 107, 107), FLAT]
    found = outcomes(rows, Scripted({2: Adjustment(target=D(105))}), one_opinion())
    assert found.net.tolist() == [700_000]


def test_no_opinion_is_no_outcome() -> None:
    nothing = one_opinion(stop=float("nan"))
    assert outcomes([FLAT], Scripted({}), nothing).net.tolist() == []
