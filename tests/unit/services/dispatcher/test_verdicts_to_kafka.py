"""The dispatcher carries what the map says, and nothing else."""

import pytest

from roottrading import pipeline
from roottrading.services.dispatcher import BRIDGES, forward


def test_its_bridges_are_those_of_the_map() -> None:
    assert [(b.origin, b.destination) for b in BRIDGES] == [
        (b.origin.name, b.destination.name) for b in pipeline.BRIDGES
    ]


def test_verdicts_go_on_to_kafka() -> None:
    assert forward("signals:aggregated") == "signals.aggregated"


@pytest.mark.parametrize("channel", ["signals.aggregated", "signals:raw", "market", "trade.commands", ""])
def test_nothing_else_goes_on(channel: str) -> None:
    assert forward(channel) is None
