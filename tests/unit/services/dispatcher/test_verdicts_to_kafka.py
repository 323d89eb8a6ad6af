"""The dispatcher carries what the map says, and nothing else."""

import pytest

from roottrading import pipeline
from roottrading.services.dispatcher import forward


def test_it_carries_what_the_map_bridges() -> None:
    carried = {channel.name: forward(channel.name) for channel in pipeline.CHANNELS if forward(channel.name)}
    assert carried == {bridge.origin.name: bridge.destination.name for bridge in pipeline.BRIDGES}


def test_verdicts_go_on_to_kafka() -> None:
    assert forward("signals:aggregated") == "signals.aggregated"


@pytest.mark.parametrize("channel", ["signals.aggregated", "signals:raw", "market", "trade.commands", ""])
def test_nothing_else_goes_on(channel: str) -> None:
    assert forward(channel) is None
