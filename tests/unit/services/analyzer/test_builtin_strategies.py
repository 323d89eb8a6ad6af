"""Every built-in strategy says the same of a real candle from its one window as from the whole block."""

import numpy as np
import pytest

from roottrading.services.analyzer import Plan, StrategyUse, WholeBlocks
from roottrading.services.analyzer.single_row import evaluate_last
from roottrading.services.gateway.fold import fold
from roottrading.strategies import catalog
from tests.unit.services.analyzer.samples import recorded


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
@pytest.mark.parametrize("name", sorted(catalog.builtin()))
def test_one_window_and_whole_block_give_the_same_bits(name: str, timeframe: str) -> None:
    tape = {"BTCUSDT": recorded("BTCUSDT"), "ETHUSDT": recorded("ETHUSDT")}
    plan = Plan("sim", (StrategyUse(name, catalog.builtin()[name](), timeframe, ("BTCUSDT",)),), tape, "1m")
    stream = ("BTCUSDT", timeframe)
    blocks = WholeBlocks(plan, tape, fold)
    (columns,) = blocks.opinions(stream)
    assert columns.failures == {}
    (placement,) = plan.placed(stream)
    own = blocks.feed(stream)
    inputs = {each.declared: blocks.feed(each.stream) for each in placement.inputs}
    halt = int(np.argmax(np.diff(own.columns.open_time))) + 1
    rows = [*range(0, len(columns.marks), 97), *range(halt - 2, halt + 3), *columns.changes[:40].tolist()]
    assert columns.has_opinion[rows].any()
    with np.errstate(all="ignore"):
        for row in rows:
            readout, failure = evaluate_last(placement, own, inputs, row + 1)
            assert failure is None
            assert str(readout.opinion(0)) == str(columns.readout.opinion(row))
