"""The way to a real exchange, as runtimes see it: requests in, events out, and its clock."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from roottrading.domain.time import Time
from roottrading.messages.exchange import ExchangeEvent, Request


class ExchangeLink(Protocol):
    """One account at one exchange. It never sends anything twice, and never keeps an outcome to itself.

    Every request is answered by events: by what came of it, by a refusal (also where it was not sent at all), or by
    OutcomeUnknown where nobody knows. With every (re)connection it greets: balances, the market's status, what is open
    and what was executed meanwhile, ReconcileDue. Entries wait for that; exits and protection do not.
    """

    async def open(self) -> None:
        """Connect, learn the exchange's clock, limits and instruments. Raises LinkError where that is not possible."""

    async def close(self) -> None:
        """End all connections; requests under way are heard no more."""

    def now(self) -> Time:
        """Return the exchange's time: the one that requests are issued at."""

    def prepare(self, requests: Sequence[Request]) -> None:
        """Do what of `send` can be done before the commit: nothing leaves, and nothing needs to be sent after it."""

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out, in their order; returns at once and never raises. Only ever after the commit."""

    def events(self) -> AsyncIterator[Sequence[ExchangeEvent]]:
        """Return all events in the order in which they came, those together that are there; ends with the link.

        An answer's events are never parted: who acts between them acts on half of it.
        """


class LinkError(Exception):
    """The link cannot be opened; the text says why and what to do."""
