"""What a process sees of the exchange: of the public market, or of the account with a key.

Either side tells the exchange's time, the instruments and their changes, and hands what it hears to the units.
"""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Protocol

from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.exchange import Request
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.linked.stepping import Resting

Actors = Mapping[int, Actor]


class ExchangeSide(Resting, Protocol):
    """What a process sees of the exchange."""

    async def open(self) -> None:
        """Connect. Raises LinkError."""

    async def close(self) -> None:
        """End all connections."""

    def now(self) -> Time:
        """Return the exchange's time."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The symbols' filters."""

    def serve(self, actors: Actors) -> Awaitable[None]:
        """Hand what is heard to the units until cancelled: to those that there are then."""

    def take(self, symbols: Iterable[str], first: Mapping[str, Time]) -> None:
        """Look after these, too, whose units are there by now; candles are wanted from the `first` of each on."""

    def leave(self, symbols: Iterable[str]) -> None:
        """Look after these no longer: what is under way is heard to its end."""

    def prepare(self, requests: Sequence[Request]) -> None:
        """Do what of sending can be done before: nothing leaves."""

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out."""
