"""Verdicts go from Redis to Kafka: the same envelope on another channel (consistency-rules 2.7).

The envelope is not touched: its source stays its author, its stream and sequence stay what the author gave them. Where
one process holds both ends, nothing has to be carried.
"""

from roottrading.messages.channels import BRIDGES


def forward(channel: str) -> str | None:
    """Return the channel on which an envelope of `channel` goes on, unchanged; None where it goes nowhere."""
    return BRIDGES.get(channel)
