"""Deadlines that services asked for, delivered in order: by time, service and key."""

from collections.abc import Iterable

from roottrading.domain.time import Time


class Deadlines:
    """What is due when; the same key of a service asked for again replaces the earlier wish."""

    def __init__(self, wished: Iterable[tuple[str, str, Time]] = ()) -> None:
        self._due: dict[tuple[str, str], Time] = {(role, key): when for role, key, when in wished}
        self._changed: set[tuple[str, str]] = set()

    def set(self, role: str, key: str, when: Time | None) -> None:
        """Ask for `key` at `when`, or cancel it."""
        self._changed.add((role, key))
        if when is None:
            self._due.pop((role, key), None)
        else:
            self._due[role, key] = when

    def has(self, role: str, key: str) -> bool:
        """Say whether `key` is asked for."""
        return (role, key) in self._due

    def next(self) -> Time | None:
        """Return the earliest time at which something is due."""
        return min(self._due.values()) if self._due else None

    def take(self, until: Time) -> list[tuple[str, str]]:
        """Remove and return what is due at or before `until`: (role, key), in order."""
        ready = sorted((when, role, key) for (role, key), when in self._due.items() if when <= until)
        for _, role, key in ready:
            del self._due[role, key]
            self._changed.add((role, key))
        return [(role, key) for _, role, key in ready]

    def changes(self) -> list[tuple[str, str, Time | None]]:
        """Return what changed since the last call: (role, key, when), None where it is no longer asked for."""
        changed = sorted(self._changed)
        self._changed.clear()
        return [(role, key, self._due.get((role, key))) for role, key in changed]

    def all(self) -> list[tuple[str, str, Time]]:
        """Return everything asked for: (role, key, when)."""
        return sorted((role, key, when) for (role, key), when in self._due.items())
