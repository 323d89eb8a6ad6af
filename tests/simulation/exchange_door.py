"""The exchange's door: it holds requests until rest, times out before or after executing, and refuses zombies."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, Literal

from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import (
    ENTRY,
    CancelOrder,
    CancelRefused,
    CancelReplace,
    ExchangeEvent,
    ExchangeReply,
    OrderRefused,
    OutcomeUnknown,
    PlaceOrder,
    PlaceOrderList,
    Request,
    canonical_order,
)
from roottrading.messages.service import Input
from tests.simulation.venue import Venue

RECV_WINDOW: Final = 3 * SECOND
Fate = Literal["answered", "unknown before", "unknown after"]
REFUSALS: Final = (OrderRefused, CancelRefused)
CHANGING: Final = (PlaceOrder, PlaceOrderList, CancelOrder, CancelReplace)


def name_of(request: Request) -> str:
    """Name a request across runs: its kind and id."""
    return f"{type(request).__name__}/{request.client_order_id}"


def events_of(given: Input) -> tuple[ExchangeEvent, ...]:
    """Return what the exchange says in an input."""
    if isinstance(given, ExchangeReply):
        return given.events
    return (given,) if isinstance(given, ExchangeEvent) else ()


class Door:
    """Decides each request's fate by its name alone, so that an undisturbed run can be given the same fates.

    `lost` names requests that never reached the door because their sender died after its commit; `unheard` those
    whose refusal died with him: nobody can ask for a refusal later. `reached` are those that came to the exchange,
    `executed` those that made it do something; `entered` are the symbols of the entries among them.
    """

    def __init__(
        self,
        venue: Venue,
        seed: int,
        timeouts: float,
        lost: frozenset[str] = frozenset(),
        unheard: frozenset[str] = frozenset(),
    ) -> None:
        self.venue = venue
        self.seed = seed
        self.timeouts = timeouts
        self.lost = lost
        self.unheard = unheard
        self.reached: list[str] = []
        self.executed: list[tuple[Time, str]] = []
        self.entered: list[str] = []
        self.refused_late = 0
        self.disordered = 0  # rounds that were not in canonical order
        self.held: list[Request] = []
        self.refusals: dict[ExchangeEvent, str] = {}  # not heard yet, and of which request

    def fate(self, request: Request) -> Fate:
        """Return what happens to the request; only those that change something are tampered with."""
        if not isinstance(request, CHANGING):
            return "answered"
        if name_of(request) in self.lost:
            return "unknown before"
        if name_of(request) in self.unheard:
            return "unknown after"
        digest = blake2b(f"{self.seed}/{name_of(request)}".encode(), digest_size=8).digest()
        share = int.from_bytes(digest, "big") / 2**64
        if share >= self.timeouts:
            return "answered"
        return "unknown before" if share < self.timeouts / 2 else "unknown after"

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Carry the request out as its fate says."""
        unknown = OutcomeUnknown(request.symbol, request.client_order_id, now)
        if now > request.issued_at + RECV_WINDOW:
            self.refused_late += 1  # -1021: the signed timestamp is too old, whoever sends it
            return [unknown]
        fate = self.fate(request)
        if fate == "unknown before":
            return [unknown]
        events = self.venue.execute(request, now)
        if isinstance(request, CHANGING):
            self.reached.append(name_of(request))
            if not all(isinstance(event, REFUSALS) for event in events):
                self.executed.append((now, name_of(request)))
                if request.urgency == ENTRY:
                    self.entered.append(request.symbol)
        if fate == "unknown after":
            return [unknown]
        self.refusals.update({event: name_of(request) for event in events if isinstance(event, REFUSALS)})
        return events

    def heard(self, event: ExchangeEvent) -> None:
        """Note that an answer was taken and kept."""
        if isinstance(event, REFUSALS):
            self.refusals.pop(event, None)

    def hold(self, requests: Sequence[Request]) -> None:
        """Take requests in; they are carried out at rest."""
        self.held.extend(requests)

    def in_turn(self, held: list[Request]) -> list[Request]:
        """Return what is held in the order in which it is carried out (consistency-rules 1.2)."""
        return sorted(held, key=canonical_order)

    def execute_held(self, now: Time) -> list[Sequence[ExchangeEvent]]:
        """Execute what was sent since the last rest, in canonical order; return the reply to each request.

        Questions come last: an heir may ask for what his predecessor sent in this very round.
        """
        held, self.held = self.held, []
        changing = self.in_turn([request for request in held if isinstance(request, CHANGING)])
        questions = self.in_turn([request for request in held if not isinstance(request, CHANGING)])
        if changing != sorted(changing, key=canonical_order):
            self.disordered += 1
        return [self.execute(request, now) for request in (*changing, *questions)]
