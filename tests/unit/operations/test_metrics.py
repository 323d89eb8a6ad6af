"""Metrics as the reader that Prometheus itself ships understands them."""

from prometheus_client.parser import text_string_to_metric_families

from roottrading.operations.metrics import Metrics
from roottrading.runtimes.distributed.observing import Observed

Found = dict[tuple[str, str], float]


def read(observed: Observed) -> Found:
    found: Found = {}
    for family in text_string_to_metric_families(Metrics("trader", observed).text().decode()):
        for sample in family.samples:
            assert sample.labels["service"] == "trader"
            found[sample.name, sample.labels.get("channel") or sample.labels.get("le", "")] = sample.value
    return found


def test_counts_are_told_by_channel() -> None:
    observed = Observed()
    observed.heard["trade.commands"] += 3
    observed.said["trade.events"] += 5
    observed.gaps, observed.dropped, observed.restarts = 1, 2, 4
    found = read(observed)
    assert found["roottrading_messages_in_total", "trade.commands"] == 3
    assert found["roottrading_messages_out_total", "trade.events"] == 5
    assert found["roottrading_gaps_mended_total", ""] == 1
    assert found["roottrading_duplicates_dropped_total", ""] == 2
    assert found["roottrading_restarts_total", ""] == 4


def test_times_are_seconds_in_buckets_that_add_up() -> None:
    observed = Observed()
    for took in (1_500_000, 1_700_000, 40_000_000, 10**12):
        observed.commits.add(took)
    found = read(observed)
    name = "roottrading_commit_seconds"
    assert found[f"{name}_bucket", "0.001"] == 0
    assert found[f"{name}_bucket", "0.002"] == 2
    assert found[f"{name}_bucket", "0.05"] == 3
    assert found[f"{name}_bucket", "50.0"] == 3
    assert found[f"{name}_bucket", "+Inf"] == found[f"{name}_count", ""] == 4
    assert found[f"{name}_sum", ""] == 1000.0432


def test_what_stands_elsewhere_is_read_when_asked_and_left_out_where_it_is_being_closed() -> None:
    observed = Observed()
    used = [2]

    def closed() -> float:
        raise RuntimeError("closed")

    observed.measures = {"postgres_connections_used": lambda: used[0], "redis_unreadable": closed}
    assert read(observed)["roottrading_postgres_connections_used", ""] == 2
    used[0] = 5
    found = read(observed)
    assert found["roottrading_postgres_connections_used", ""] == 5
    assert ("roottrading_redis_unreadable", "") not in found
    assert found["roottrading_resident_bytes", ""] > 10**6


def test_a_service_is_up_while_it_serves() -> None:
    observed = Observed()
    assert read(observed)["roottrading_up", ""] == 0
    observed.serve(2)
    found = read(observed)
    assert (found["roottrading_up", ""], found["roottrading_units", ""]) == (1, 2)
