"""Which connection holds which streams."""

from collections.abc import Iterable, Mapping

from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription


class Assignment:
    """Streams by slot, a slot being a connection and those that replace it; no slot has more than `most` of them.

    A stream stays where it is: adding and removing others never moves it, since moving costs control messages.
    """

    def __init__(self, most: int) -> None:
        """Begin with no streams."""
        self._most = most
        self._slots: dict[int, dict[str, Subscription]] = {}
        self._of: dict[str, int] = {}

    @property
    def slots(self) -> Mapping[int, Mapping[str, Subscription]]:
        """The streams of each slot, by their names; none is empty."""
        return self._slots

    def add(self, subscriptions: Iterable[Subscription]) -> set[int]:
        """Give each stream that has none a slot, the first with room; return the slots that changed."""
        changed = set()
        for subscription in subscriptions:
            name = subscription.name
            if name in self._of:
                continue
            slot = next((each for each, held in self._slots.items() if len(held) < self._most), None)
            if slot is None:
                slot = next(number for number in range(len(self._slots) + 1) if number not in self._slots)
                self._slots[slot] = {}
            self._slots[slot][name] = subscription
            self._of[name] = slot
            changed.add(slot)
        return changed

    def remove(self, subscriptions: Iterable[Subscription]) -> set[int]:
        """Take streams out; return the slots that changed, those that are empty and gone now among them."""
        changed = set()
        for subscription in subscriptions:
            slot = self._of.pop(subscription.name, None)
            if slot is None:
                continue
            del self._slots[slot][subscription.name]
            if not self._slots[slot]:
                del self._slots[slot]
            changed.add(slot)
        return changed
