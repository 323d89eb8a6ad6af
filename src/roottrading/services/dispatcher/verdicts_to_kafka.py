"""Verdicts go from Redis to Kafka: the same envelope on another channel (consistency-rules 2.7).

The envelope is not touched: its source stays its author, its stream and sequence stay what the author gave them. Where
one process holds both ends, nothing has to be carried.
"""

from collections.abc import Iterable

from roottrading.domain.time import Time
from roottrading.messages.channels import BRIDGES
from roottrading.messages.service import NOTHING, Decision, Input, Row


def forward(channel: str) -> str | None:
    """Return the channel on which an envelope of `channel` goes on, unchanged; None where it goes nowhere."""
    return BRIDGES.get(channel)


class Dispatcher:
    """The service as its process runs it: places in streams are the runtime's, and there is nothing else."""

    def restore(self, rows: Iterable[Row]) -> None:
        """Take nothing: there are no rows."""

    def decide(self, given: Input, now: Time) -> Decision:
        """Think nothing of it; what goes on is `forward`'s answer."""
        return NOTHING
