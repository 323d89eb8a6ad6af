"""Bring one phase of an instant to rest: drain every message, hand requests over in canonical order, again."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages.exchange import AccountChanged, ExchangeEvent, InstrumentChanged, Request, canonical_order
from roottrading.messages.service import Input
from roottrading.pipeline import BRIDGES, CHANNELS, ROLES
from roottrading.runtimes.recording import RECORDED
from roottrading.runtimes.step import Effects, Unit, step


class InProcessExchange(Protocol):
    """An exchange that answers at once: the simulated one."""

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Carry the request out at `now` and return all that follows for its account."""


class Wiring(Struct):
    """Who hears what in one process: `consumers` of a channel, in the pipeline's order, bridges followed."""

    units: Mapping[str, Unit]
    consumers: Mapping[str, tuple[Unit, ...]]
    exchange: InProcessExchange


def wire(units: Mapping[str, Unit], exchange: InProcessExchange) -> Wiring:
    """Connect the units as the pipeline says; what a bridge carries reaches its destination's consumers directly."""
    consumers: dict[str, tuple[Unit, ...]] = {}
    for channel in CHANNELS:
        heard = {channel.name} | {b.destination.name for b in BRIDGES if b.origin.name == channel.name}
        consumers[channel.name] = tuple(
            units[role.name]
            for role in ROLES
            if role.name in units and any(consumed.name in heard for consumed in role.consumes)
        )
    return Wiring(units, consumers, exchange)


def settle(
    wiring: Wiring,
    inbox: deque[tuple[Unit, Input]],
    now: Time,
    done: Effects,
    last: Sequence[tuple[Unit, Input]] = (),
) -> None:
    """Work off `inbox` until nothing is under way.

    `last` is given after the first drain and before its requests go out: InstantComplete (consistency-rules 1.1).
    Delivered envelopes leave `done.envelopes`; rows, deadlines and watches stay in it.
    """
    _drain(wiring, inbox, now, done)
    if last:
        inbox.extend(last)
        _drain(wiring, inbox, now, done)
    while done.requests:
        held = sorted(done.requests, key=canonical_order) if len(done.requests) > 1 else done.requests
        done.requests = []
        for request in held:
            inbox.extend(addressed(wiring, wiring.exchange.execute(request, now)))
        _drain(wiring, inbox, now, done)


def addressed(wiring: Wiring, events: Iterable[ExchangeEvent]) -> Iterator[tuple[Unit, Input]]:
    """Say who hears each event of the exchange: the trader all, others what is theirs by the pipeline."""
    units = wiring.units
    trader = units["trader"]
    for event in events:
        yield trader, event
        if type(event) is AccountChanged:
            yield units["portfolio"], event
        elif type(event) is InstrumentChanged:
            yield units["coordinator"], event


def _drain(wiring: Wiring, inbox: deque[tuple[Unit, Input]], now: Time, done: Effects) -> None:
    envelopes = done.envelopes
    while inbox:
        unit, given = inbox.popleft()
        step(unit, given, now, done)
        if envelopes:
            for channel, envelope in envelopes:
                source = envelope.source
                if (record := RECORDED.get(type(envelope.body))) is not None:
                    done.rows.append(record(envelope, envelope.body))
                for consumer in wiring.consumers[channel]:
                    if consumer.role != source:
                        inbox.append((consumer, envelope))
            envelopes.clear()
