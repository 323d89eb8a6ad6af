"""Bring one phase of an instant to rest: drain every message, hand requests over in canonical order, again."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    AccountChanged,
    ExchangeEvent,
    ExchangeReply,
    InstrumentChanged,
    Request,
    canonical_order,
)
from roottrading.messages.service import Input
from roottrading.pipeline import BRIDGES, CHANNELS, ROLES
from roottrading.runtimes.recording import MAY_HOLD_FACTS, record
from roottrading.runtimes.step import Effects, Unit, step


class InProcessExchange(Protocol):
    """An exchange that answers at once: the simulated one."""

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Carry the request out at `now` and return all that follows for its account."""


class Wiring(Struct):
    """Who hears what in one process: `routes` name the units by channel and source, in the pipeline's order.

    Bridges are followed, and nobody hears himself.
    """

    units: Mapping[str, Unit]
    routes: Mapping[tuple[str, str], tuple[Unit, ...]]
    exchange: InProcessExchange


def wire(units: Mapping[str, Unit], exchange: InProcessExchange) -> Wiring:
    """Connect the units as the pipeline says; what a bridge carries reaches its destination's consumers directly."""
    routes: dict[tuple[str, str], tuple[Unit, ...]] = {}
    for channel in CHANNELS:
        heard = {channel.name} | {b.destination.name for b in BRIDGES if b.origin.name == channel.name}
        consumers = [role.name for role in ROLES if any(consumed.name in heard for consumed in role.consumes)]
        for source in units:
            names = [name for name in consumers if name in units and name != source]
            routes[channel.name, source] = tuple(units[name] for name in names)
    return Wiring(units, routes, exchange)


def settle(
    wiring: Wiring,
    inbox: list[tuple[Unit, Input]],
    now: Time,
    done: Effects,
    last: Sequence[tuple[Unit, Input]] = (),
) -> None:
    """Work off `inbox`, first in first out, until nothing is under way.

    `last` is given after the first drain and before its requests go out: InstantComplete (consistency-rules 1.1).
    Delivered envelopes leave `done.envelopes`; rows, deadlines and watches stay in it.
    """
    _drain(wiring, inbox, now, done)
    if last:
        inbox += last
        _drain(wiring, inbox, now, done)
    while done.requests:
        held = sorted(done.requests, key=canonical_order) if len(done.requests) > 1 else done.requests
        done.requests = []
        for request in held:
            inbox += addressed(wiring, wiring.exchange.execute(request, now))
        _drain(wiring, inbox, now, done)


def addressed(wiring: Wiring, events: Sequence[ExchangeEvent]) -> list[tuple[Unit, Input]]:
    """Say who hears what of the exchange: the trader all at once, others what is theirs by the pipeline."""
    units = wiring.units
    heard: list[tuple[Unit, Input]] = []
    if events:
        heard.append((units["trader"], events[0] if len(events) == 1 else ExchangeReply(tuple(events))))
    for event in events:
        kind = type(event)
        if kind is AccountChanged:
            heard.append((units["portfolio"], event))
        elif kind is InstrumentChanged:
            heard += [(units["coordinator"], event), (units["portfolio"], event)]
    return heard


def _drain(wiring: Wiring, inbox: list[tuple[Unit, Input]], now: Time, done: Effects) -> None:
    envelopes, routes = done.envelopes, wiring.routes
    for unit, given in inbox:  # what is appended meanwhile comes in its turn
        step(unit, given, now, done)
        if envelopes:
            for channel, envelope in envelopes:
                if type(envelope.body) in MAY_HOLD_FACTS:
                    record(envelope, done.rows)
                for consumer in routes[channel, envelope.source]:
                    inbox.append((consumer, envelope))
            envelopes.clear()
    inbox.clear()
