"""Subscribers: which connections hear which account's events."""

from collections.abc import Callable

from roottrading.exchange_server.user_events import UserEvent

Hear = Callable[[UserEvent], None]


class Subscribers:
    """The subscriptions of all connections, by account, in the order in which they came."""

    def __init__(self) -> None:
        self._hearing: dict[str, list[Hear]] = {}

    def add(self, account: str, hear: Hear) -> Callable[[], None]:
        """Let `hear` be called with every event of the account; return the way to end that."""
        hearing = self._hearing.setdefault(account, [])
        hearing.append(hear)

        def leave() -> None:
            if hear in hearing:
                hearing.remove(hear)

        return leave

    def publish(self, account: str, event: UserEvent) -> None:
        """Tell an event to all who hear the account."""
        for hear in tuple(self._hearing.get(account, ())):
            hear(event)

    def __len__(self) -> int:
        return sum(len(hearing) for hearing in self._hearing.values())
