"""Traders with a bad habit each: the honest one, wrapped."""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import (
    PROTECTION,
    OutcomeUnknown,
    PlaceOrder,
    PlaceOrderList,
    QueryOrder,
    Request,
)
from roottrading.messages.service import NOTHING, DeadlineDue, Decision, Input, Row, Service
from roottrading.services.trader import Trader, TraderSettings
from tests.simulation.exchange_door import CHANGING


class Wrapped:
    """A trader with a bad habit."""

    def __init__(self, inner: Service) -> None:
        self.inner = inner

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the state."""
        self.inner.restore(rows)

    def decide(self, given: Input, now: Time) -> Decision:
        """Decide as a trader does."""
        return self.inner.decide(given, now)


class RepeatsOnSilence(Wrapped):
    """A request of unknown outcome is sent again under its id."""

    def __init__(self, inner: Service) -> None:
        super().__init__(inner)
        self._sent: dict[str, Request] = {}

    def decide(self, given: Input, now: Time) -> Decision:
        """Send once more instead of asking."""
        again = self._sent.get(given.client_order_id) if isinstance(given, OutcomeUnknown) else None
        if again is not None:
            return Decision(requests=(replace(again, issued_at=now),))
        decision = self.inner.decide(given, now)
        self._sent |= {
            request.client_order_id: request for request in decision.requests if isinstance(request, CHANGING)
        }
        return decision


class ProtectsLater(Wrapped):
    """The entry leaves without its legs, and protection waits for the next command or deadline."""

    def __init__(self, inner: Service) -> None:
        super().__init__(inner)
        self._waiting: tuple[Request, ...] = ()

    def decide(self, given: Input, now: Time) -> Decision:
        """Strip lists of their legs; hold back what protects."""
        decision = self.inner.decide(given, now)
        waited: tuple[Request, ...] = ()
        if isinstance(given, Envelope | DeadlineDue):
            waited, self._waiting = tuple(replace(request, issued_at=now) for request in self._waiting), ()
        late = tuple(request for request in decision.requests if _protects(request))
        self._waiting += late
        requests = waited + tuple(_stripped(request) for request in decision.requests if request not in late)
        if decision is NOTHING and not requests:
            return NOTHING
        return replace(decision, requests=requests)


def _protects(request: Request) -> bool:
    return request.urgency == PROTECTION and not isinstance(request, QueryOrder)


def _stripped(request: Request) -> Request:
    if isinstance(request, PlaceOrderList) and request.kind in ("OPO", "OPOCO"):
        entry = request.orders[0]
        return PlaceOrder(request.symbol, entry.client_order_id, request.urgency, request.issued_at, entry)
    return request


def never_waits(inner: Service) -> Service:
    """Absence is final at once: no request can still be on its way."""
    desk = vars(inner)["_desk"]
    at_once = TraderSettings(receive_window_ms=0, absent_after_ms=0)
    return Trader(desk.deployment, desk.instruments, desk.fees, at_once)


def trader(habit: Callable[[Service], Service]) -> Callable[[str, Service], Service]:
    return lambda role, service: habit(service) if role == "trader" else service
