"""The step: identity by sequence, gaps noticed, effects gathered, and the phase brought to rest in canonical order."""

from collections.abc import Iterable, Sequence

import pytest

from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.exchange import (
    ENTRY,
    EXIT,
    PROTECTION,
    CancelOrder,
    ExchangeEvent,
    OrderAbsent,
    QueryOrder,
    Request,
)
from roottrading.messages.service import NOTHING, Decision, Input, InstantComplete, Outgoing, Row
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.settle import settle, wire
from roottrading.runtimes.step import Effects, Gap, Unit, step


def alert(text: str) -> AlertRaised:
    return AlertRaised("info", "test", text, "BTCUSDT", 1)


def envelope(sequence: int, follows: int, text: str = "x") -> Envelope:
    return Envelope("trader", "trade.events/BTCUSDT", sequence, follows, 1, "cause", alert(text))


class Echo:
    """Answers every envelope with one message on `channel`, and remembers what it was given."""

    def __init__(self, channel: str = "trade.events", requests: tuple[Request, ...] = ()) -> None:
        self.channel = channel
        self.requests = requests
        self.given: list[Input] = []

    def restore(self, rows: Iterable[Row]) -> None:
        assert not list(rows)

    def decide(self, given: Input, now: Time) -> Decision:
        self.given.append(given)
        if isinstance(given, InstantComplete):
            return Decision(requests=self.requests)
        if isinstance(given, Envelope) and self.channel:
            return Decision(messages=(Outgoing(self.channel, "BTCUSDT", given.body),), deadlines=(("later", now + 5),))
        return NOTHING


def test_a_sequence_that_is_not_above_the_last_seen_is_dropped() -> None:
    unit, done = Unit("portfolio", 0, Echo("")), Effects()
    step(unit, envelope(1, 0), 1, done)
    step(unit, envelope(1, 0), 1, done)
    step(unit, envelope(2, 1), 1, done)
    step(unit, envelope(1, 0), 1, done)
    assert unit.seen == {("trader", "trade.events/BTCUSDT"): 2}
    assert (unit.steps, unit.dropped) == (2, 2)


def test_a_message_that_follows_another_than_the_last_seen_is_a_gap_and_changes_nothing() -> None:
    unit, done = Unit("portfolio", 0, Echo("")), Effects()
    step(unit, envelope(1, 0), 1, done)
    with pytest.raises(Gap, match="follows 2, but 1 was the last seen"):
        step(unit, envelope(3, 2), 1, done)
    assert unit.seen == {("trader", "trade.events/BTCUSDT"): 1}


def test_outgoing_messages_are_numbered_per_stream_and_keep_their_cause() -> None:
    unit, done = Unit("coordinator", 0, Echo()), Effects()
    step(unit, envelope(1, 0), 7, done)
    step(unit, envelope(2, 1), 8, done)
    sent = [e for _, e in done.envelopes]
    assert [(e.source, e.stream, e.follows, e.sequence, e.at) for e in sent] == [
        ("coordinator", "trade.events/BTCUSDT", 0, 1, 7),
        ("coordinator", "trade.events/BTCUSDT", 1, 2, 8),
    ]
    assert {e.cause for e in sent} == {"cause"}
    assert done.deadlines == [("coordinator", "later", 12), ("coordinator", "later", 13)]


class Recording:
    """An exchange that answers every request with OrderAbsent, and remembers the order in which they came."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        self.requests.append(request)
        return [OrderAbsent(request.symbol, request.client_order_id, now)]


def test_a_phase_drains_messages_then_completes_the_instant_then_executes_in_canonical_order() -> None:
    entry = QueryOrder("AUSDT", "b", ENTRY, 1)
    leave = CancelOrder("BUSDT", "a", EXIT, 1, "x")
    guard = QueryOrder("BUSDT", "z", PROTECTION, 1)
    other = QueryOrder("AUSDT", "a", ENTRY, 1)
    coordinator, trader, portfolio = Echo("", (entry, leave, guard, other)), Echo(""), Echo("")
    units = {
        "coordinator": Unit("coordinator", 0, coordinator),
        "trader": Unit("trader", 0, trader),
        "portfolio": Unit("portfolio", 0, portfolio),
    }
    exchange = Recording()
    wiring = wire(units, exchange)
    done = Effects()
    complete = InstantComplete(1, {})
    inbox: list[tuple[Unit, Input]] = [(units["portfolio"], envelope(1, 0))]
    settle(wiring, inbox, 1, done, [(units["coordinator"], complete)])
    assert exchange.requests == [guard, leave, other, entry]
    assert [type(g) for g in portfolio.given] == [Envelope]
    assert coordinator.given == [complete]
    assert [g.client_order_id for g in trader.given if isinstance(g, ExchangeEvent)] == ["z", "a", "a", "b"]


def test_nobody_hears_himself_and_a_bridge_is_followed() -> None:
    units = {name: Unit(name, 0, Echo("")) for name in ("signal_aggregator", "coordinator", "trader", "portfolio")}
    wiring = wire(units, Recording())
    assert [u.role for u in wiring.routes["signals:aggregated", "signal_aggregator"]] == ["coordinator"]
    assert [u.role for u in wiring.routes["trade.events", "trader"]] == ["coordinator", "portfolio"]
    assert [u.role for u in wiring.routes["trade.events", "coordinator"]] == ["portfolio"]


def test_deadlines_come_in_order_once_and_can_be_replaced_or_canceled() -> None:
    deadlines = Deadlines([("trader", "b", 20)])
    deadlines.set("trader", "a", 10)
    deadlines.set("coordinator", "z", 10)
    deadlines.set("trader", "b", 5)
    deadlines.set("trader", "c", 1)
    deadlines.set("trader", "c", None)
    assert deadlines.next() == 5
    assert deadlines.take(9) == [("trader", "b")]
    assert deadlines.all() == [("coordinator", "z", 10), ("trader", "a", 10)]
    assert deadlines.take(10) == [("coordinator", "z"), ("trader", "a")]
    assert deadlines.next() is None
