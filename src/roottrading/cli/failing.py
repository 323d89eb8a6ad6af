"""What strategies did wrong in a run, in sentences for its report."""

from collections.abc import Iterable

from roottrading.adapters.store.port import Store
from roottrading.services.analyzer.state import COUNTERS, FailureCount


def notes(store: Store, faults: Iterable[str]) -> tuple[str, ...]:
    """Return the faults found before the run, and how often which strategy failed in it."""
    rows = sorted(store.load().rows[COUNTERS], key=lambda row: row.key)
    return (*faults, *(_sentence(row.values) for row in rows))


def _sentence(failure: FailureCount) -> str:
    place = f"{failure.file}:{failure.line}" if failure.line else failure.file
    where = f" ({place})" if place else ""
    return f"strategy {failure.strategy} had no opinion {failure.count} times{where}: {failure.reason}"
