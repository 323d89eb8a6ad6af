"""The exchange's door: it holds requests until rest, times out before or after executing, and refuses zombies."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, Literal

from roottrading.domain.time import SECOND, Time
from roottrading.messages.exchange import (
    CancelOrder,
    CancelReplace,
    ExchangeEvent,
    OutcomeUnknown,
    PlaceOrder,
    PlaceOrderList,
    Request,
    canonical_order,
)
from roottrading.runtimes.session import MarketExchange

RECV_WINDOW: Final = 3 * SECOND
Fate = Literal["answered", "unknown before", "unknown after"]
CHANGING: Final = (PlaceOrder, PlaceOrderList, CancelOrder, CancelReplace)


def name_of(request: Request) -> str:
    """Name a request across runs: its kind and id."""
    return f"{type(request).__name__}/{request.client_order_id}"


class Door:
    """Decides each request's fate by its name alone, so that an undisturbed run can be given the same fates.

    `lost` names requests that never reached the door because their sender died after its commit.
    """

    def __init__(self, exchange: MarketExchange, seed: int, timeouts: float, lost: frozenset[str] = frozenset()) -> None:
        self.exchange = exchange
        self.seed = seed
        self.timeouts = timeouts
        self.lost = lost
        self.executed: list[str] = []
        self.refused_late = 0
        self.held: list[Request] = []

    def fate(self, request: Request) -> Fate:
        """Return what happens to the request; only those that change something are tampered with."""
        if not isinstance(request, CHANGING):
            return "answered"
        if name_of(request) in self.lost:
            return "unknown before"
        digest = blake2b(f"{self.seed}/{name_of(request)}".encode(), digest_size=8).digest()
        share = int.from_bytes(digest, "big") / 2**64
        if share >= self.timeouts:
            return "answered"
        return "unknown before" if share < self.timeouts / 2 else "unknown after"

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Carry the request out as its fate says."""
        if now > request.issued_at + RECV_WINDOW:
            self.refused_late += 1  # -1021: the signed timestamp is too old, whoever sends it
            return [OutcomeUnknown(request.symbol, request.client_order_id, now)]
        fate = self.fate(request)
        if fate == "unknown before":
            return [OutcomeUnknown(request.symbol, request.client_order_id, now)]
        self.executed.append(name_of(request))
        events = self.exchange.execute(request, now)
        if fate == "unknown after":
            return [OutcomeUnknown(request.symbol, request.client_order_id, now)]
        return events

    def execute_held(self, now: Time) -> list[ExchangeEvent]:
        """Execute what was sent since the last rest, in canonical order."""
        held, self.held = sorted(self.held, key=canonical_order), []
        return [event for request in held for event in self.execute(request, now)]
