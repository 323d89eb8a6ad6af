"""A process's numbers as Prometheus reads them; made when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from roottrading.operations.process_figures import cpu_seconds, resident_bytes
from roottrading.runtimes.distributed.observing import BOUNDS, Durations, Figure, Observed

CONTENT: Final = "text/plain; version=0.0.4; charset=utf-8"
_NANO: Final = 1e9

_HISTOGRAMS: Final[tuple[tuple[str, str, Callable[[Observed], Durations]], ...]] = (
    ("step", "Time to decide a batch, with what had to be fetched for it.", lambda seen: seen.steps),
    ("commit", "Time of a transaction.", lambda seen: seen.commits),
    ("publish", "Time until the carriers confirmed a batch's messages.", lambda seen: seen.publishes),
    ("message_age", "Exchange time from a close (or a message) to its being dealt with.", lambda seen: seen.ages),
    ("event_loop_pause", "How much later than asked for a turn of the event loop came.", lambda seen: seen.pauses),
    ("close_to_order", "Exchange time from a message's cause to its requests' leaving.", lambda seen: seen.orders),
)
_COUNTERS: Final[tuple[tuple[str, str, Callable[[Observed], int]], ...]] = (
    ("requests", "Requests handed to the exchange's link.", lambda seen: seen.requests),
    ("duplicates_dropped", "Messages that had been taken before.", lambda seen: seen.dropped),
    ("gaps_mended", "Holes in streams, refetched from the author's outbox.", lambda seen: seen.gaps),
    ("restarts", "Times that the units were loaded anew after a fault.", lambda seen: seen.restarts),
)
MEASURES: Final = {
    "streams_behind": "Streams on Pub/Sub whose source has said more than was taken.",
    "kafka_behind": "Messages of a topic that no unit was handed yet.",
    "kafka_stopped": "Partitions that are read no further, since a message there cannot be read.",
    "inputs_waiting": "Inputs that wait at the units.",
    "quarantined": "Symbols, deadlines and ends of instants that wait for a person's answer.",
    "dead_letters": "Facts that the next ones replaced before they could be processed.",
    "postgres_connections_used": "Connections of the pool that are lent.",
    "postgres_connections_most": "Connections that the pool may open.",
    "redis_reconnects": "Times that a listener connected anew since the last load.",
    "redis_unreadable": "Messages on Pub/Sub that were none, since the last load.",
}


class ProcessMetrics(Collector):
    """Everything that `Observed` knows, labeled with the service."""

    def __init__(self, service: str, observed: Observed) -> None:
        self._service = service
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        """Make them."""
        seen, own = self._observed, [self._service]
        for name, help_, durations in _HISTOGRAMS:
            yield _histogram(f"roottrading_{name}_seconds", help_, durations(seen), own)
        for name, help_, count in _COUNTERS:
            counter = CounterMetricFamily(f"roottrading_{name}", help_, labels=["service"])
            counter.add_metric(own, count(seen))
            yield counter
        for name, help_, by_channel in (
            ("messages_in", "Messages that reached the service's units.", seen.heard),
            ("messages_out", "Messages that the service said or passed on.", seen.said),
            ("messages_forged", "Messages on a topic that nobody of ours said: they were passed over.", seen.forged),
        ):
            counter = CounterMetricFamily(f"roottrading_{name}", help_, labels=["service", "channel"])
            for channel, total in tuple(by_channel.items()):
                counter.add_metric([self._service, channel], total)
            yield counter
        yield self._gauge("up", "Whether the service's units are loaded and served.", seen.stage == "serving")
        yield self._gauge("leading", "Whether this instance leads.", seen.leads)
        yield self._gauge("units", "Units that are loaded.", seen.units)
        yield self._gauge("resident_bytes", "Memory of the process.", resident_bytes())
        cpu = CounterMetricFamily("roottrading_cpu_seconds", "CPU time of the process.", labels=["service"])
        cpu.add_metric(own, cpu_seconds())
        yield cpu
        for name, help_ in MEASURES.items():
            read = seen.measures.get(name)
            if read is not None:
                try:
                    yield self._gauge(name, help_, read())
                except RuntimeError:
                    continue  # its connection is just being closed

    def _gauge(self, name: str, help_: str, figure: Figure) -> GaugeMetricFamily:
        several = isinstance(figure, Mapping)
        gauge = GaugeMetricFamily(f"roottrading_{name}", help_, labels=["service", "channel"][: 1 + several])
        if isinstance(figure, Mapping):
            for channel, value in figure.items():
                gauge.add_metric([self._service, channel], value)
        else:
            gauge.add_metric([self._service], figure)
        return gauge


class Metrics:
    """The numbers of one process, in a registry of its own."""

    def __init__(self, service: str, observed: Observed) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(ProcessMetrics(service, observed))

    def text(self) -> bytes:
        """Return all of them, as they are now."""
        return generate_latest(self._registry)


def _histogram(name: str, help_: str, durations: Durations, labels: list[str]) -> HistogramMetricFamily:
    found, so_far = [], 0
    for bound, count in zip((*BOUNDS, None), durations.counts, strict=True):
        so_far += count
        found.append(("+Inf" if bound is None else repr(bound / _NANO), so_far))
    family = HistogramMetricFamily(name, help_, labels=["service"])
    family.add_metric(labels, found, durations.total / _NANO)
    return family
