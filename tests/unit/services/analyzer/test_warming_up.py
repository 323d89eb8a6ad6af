"""Histories that begin late: a strategy waits for its own window, and for no other (trading-rules 4.3)."""

from roottrading.domain.time import HOUR
from roottrading.services.analyzer import Plan, StrategyUse, WholeBlocks
from roottrading.services.gateway.fold import fold
from tests.unit.services.analyzer.samples import Channel, random_candles

BEGINS = 100  # in hours since 1970, as all numbers here


def test_an_opinion_may_stand_before_the_market_s_own_measures_do() -> None:
    """Blocks are counted from the epoch: of 32 candles for a lookback of 20, of 256 for the 256 of ATR and regime.

    The first block whose window has all its candles begins at 128 = 4 x 32 >= 100 + 20, and at 512 = 2 x 256 >=
    100 + 256. Between the two, a strategy that names no stop has an opinion, and no entry ("no_stop", 2.1).
    """
    tape = {"BTCUSDT": random_candles("BTCUSDT", "1h", 500, 1, start=BEGINS * HOUR)}
    plan = Plan("simtest", (StrategyUse("channel", Channel(20), "1h"),), ("BTCUSDT",), "1h")
    blocks = WholeBlocks(plan, tape, fold)
    told = {hour: blocks.at(("BTCUSDT", "1h"), (hour + 1) * HOUR) for hour in range(BEGINS, BEGINS + 500)}
    assert {hour for hour, said in told.items() if said.opinions[0].state == "ok"} == set(range(128, BEGINS + 500))
    assert {hour for hour, said in told.items() if said.atr is not None} == set(range(512, BEGINS + 500))
    assert {hour for hour, said in told.items() if said.regime} == set(range(512, BEGINS + 500))
