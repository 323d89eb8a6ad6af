"""What went wrong in a run and was passed over, in sentences for its report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from roottrading.adapters.store.port import Store
from roottrading.domain.time import iso
from roottrading.messages.events import AlertRaised
from roottrading.runtimes.controlling import REFUSED
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.result import journal
from roottrading.services.analyzer.state import COUNTERS, FailureCount
from roottrading.services.gateway.state import DROPPED, Dropped

MANAGE_FAILED: Final = "manage_failed"  # the coordinator's alert, one for each cycle


def notes(store: Store, faults: Iterable[str]) -> tuple[str, ...]:
    """Return the faults found before the run, how often which strategy failed in it, and what was not taken."""
    rows = store.load().rows
    failures = sorted(rows[COUNTERS], key=lambda row: row.key)
    dropped = sorted(rows[DROPPED], key=lambda row: row.key)
    alerts: Sequence[AlertRaised] = journal(store, ALERTS.name)
    managed = Counter(alert.text for alert in alerts if alert.subject == MANAGE_FAILED)
    return (
        *faults,
        *(_sentence(row.values) for row in failures),
        *(_dropped(row.values) for row in dropped),
        *(f"in {count} cycles: {text}; the stop stayed" for text, count in sorted(managed.items())),
        *(f"at {iso(alert.at)}: {alert.text}" for alert in alerts if alert.subject == REFUSED),
    )


def _sentence(failure: FailureCount) -> str:
    place = f"{failure.file}:{failure.line}" if failure.line else failure.file
    where = f" ({place})" if place else ""
    return f"strategy {failure.strategy} had no opinion {failure.count} times{where}: {failure.reason}"


def _dropped(dropped: Dropped) -> str:
    return (
        f"{dropped.symbol}: {dropped.duplicate} candles came again and {dropped.late} came after a later one; "
        "they were dropped"
    )
