"""Verdicts go from Redis to Kafka: the same envelope on another channel (consistency-rules 2.7).

The envelope is not touched: its source stays its author, its stream and sequence stay what the author gave them. Where
one process holds both ends, nothing has to be carried.
"""

from typing import Final

from msgspec import Struct

from roottrading.messages.channels import SIGNALS_AGGREGATED, VERDICTS


class Bridge(Struct, frozen=True):
    """Two channels, by name: every envelope of `origin` is forwarded to `destination`."""

    origin: str
    destination: str


BRIDGES: Final = (Bridge(SIGNALS_AGGREGATED, VERDICTS),)
_DESTINATIONS: Final = {bridge.origin: bridge.destination for bridge in BRIDGES}


def forward(channel: str) -> str | None:
    """Return the channel on which an envelope of `channel` goes on, unchanged; None where it goes nowhere."""
    return _DESTINATIONS.get(channel)
