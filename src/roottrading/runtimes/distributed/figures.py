"""What is counted of a serving when somebody asks: how far it is behind, and what waits for a person."""

from collections.abc import Callable

from roottrading.runtimes.distributed.observing import Figure
from roottrading.runtimes.distributed.serving import Serving


def figures_of(serving: Serving) -> dict[str, Callable[[], Figure]]:
    """Return them by name."""
    return {
        "streams_behind": serving.streams_behind,
        "kafka_behind": serving.kafka_behind,
        "kafka_stopped": lambda: len(serving.unread),
        "inputs_waiting": lambda: serving.waiting,
        "quarantined": lambda: sum(actor.quarantine.stopped for actor in serving.actors.values()),
        "dead_letters": lambda: sum(actor.quarantine.dead_letters for actor in serving.actors.values()),
    }
