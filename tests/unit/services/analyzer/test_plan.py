"""The plan: streams, ids, and what cannot be planned."""

from typing import ClassVar

import pytest

from roottrading.domain.ids import signal_id
from roottrading.services.analyzer.plan import Plan, StrategyUse
from roottrading.strategies.contract import Strategy
from roottrading.strategies.ema_cross import EmaCross
from tests.unit.services.analyzer.samples import Channel, Leader


class Misspelt(Channel, frozen=True):
    inputs: ClassVar[tuple[str, ...]] = ("1h",)


class Backwards(Channel, frozen=True):
    @property
    def lookback(self) -> int:
        return -1


def test_the_streams_hold_inputs_and_the_finest_timeframe() -> None:
    plan = Plan("sim", (StrategyUse("leader", Leader(), "15m"), StrategyUse("a", Channel(), "5m")), ("XUSDT",), "1m")
    assert plan.timeframes == ("15m", "5m")
    assert plan.streams == (
        ("ETHUSDT", "1h"),
        ("XUSDT", "15m"),
        ("XUSDT", "1m"),
        ("XUSDT", "4h"),
        ("XUSDT", "5m"),
    )
    assert plan.inputs(("XUSDT", "15m")) == {("ETHUSDT", "1h"), ("XUSDT", "4h"), ("XUSDT", "1m")}
    assert plan.inputs(("XUSDT", "5m")) == {("XUSDT", "1m")}
    assert plan.gives(("XUSDT", "5m"))
    assert not plan.gives(("ETHUSDT", "1h"))


def test_ids_follow_deployment_version_and_parameters() -> None:
    plan = Plan("sim", (StrategyUse("x", EmaCross(slow=30), "5m"),), ("XUSDT",), "1m")
    (placement,) = plan.placed(("XUSDT", "5m"))
    assert placement.settings == '1:{"fast":12,"slow":30}'
    assert plan.signal_ids(placement)(300_000_000) == signal_id(
        "sim", "x", '1:{"fast":12,"slow":30}', "XUSDT", "5m", 300_000_000
    )


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        ((StrategyUse("a", Channel(), "5m"), StrategyUse("a", EmaCross(), "5m")), "strategy a is planned twice on 5m"),
        ((StrategyUse("a", Channel(), "5m", ("YUSDT",)),), "strategy a is meant for YUSDT: use some of XUSDT"),
        ((), "no strategy is planned"),
        ((StrategyUse("a", Channel(), "7m"),), "unknown timeframe '7m'"),
        ((StrategyUse("a", Misspelt(), "5m"),), "strategy a has the input '1h': write SYMBOL/timeframe"),
        ((StrategyUse("a", Backwards(), "5m"),), "strategy a has a lookback of -1"),
    ],
)
def test_what_cannot_be_planned_is_named(uses: tuple[StrategyUse, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        Plan("sim", uses, ("XUSDT",), "1m")


def test_a_strategy_is_a_plain_struct() -> None:
    assert isinstance(Misspelt(), Strategy)
