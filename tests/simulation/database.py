"""What outlives a process: fenced, committed state of each unit, encoded so that nothing in memory is shared."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, field

from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import CancelOrder, CancelReplace, PlaceOrderList, Request
from roottrading.messages.service import Row, Service
from roottrading.runtimes.step import Effects, Unit


class Lost(Exception):
    """Fenced by another owner, or the commit's outcome is unknown: throw the object away and load it again."""


def ids_of(request: Request) -> frozenset[str]:
    """Return the ids under which an answer to the request may come."""
    ids = {request.client_order_id}
    match request:
        case PlaceOrderList():
            ids |= {order.client_order_id for order in request.orders}
        case CancelReplace():
            ids |= {request.target, request.order.client_order_id}
        case CancelOrder():
            ids.add(request.target)
    return frozenset(ids)


class Kept(Struct):
    """One unit's durable state: rows as bytes, positions, outbox, unanswered requests, deadlines, feed position."""

    fence: int = 0
    rows: dict[tuple[str, tuple[str | int, ...]], tuple[type, bytes]] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    outbox: dict[str, list[tuple[str, Envelope]]] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    deadlines: dict[str, Time] = field(default_factory=dict)
    fed: int = 0


class Database:
    """All units' durable state."""

    def __init__(self, roles: list[str]) -> None:
        self.kept = {role: Kept() for role in roles}
        self.commits = 0

    def load(self, role: str, fresh: Callable[[], Service], state_tables: frozenset[str], candles: list[Row]) -> Unit:
        """Build the unit from what is kept and take it over: the fence rises, an older owner's next commit is lost."""
        kept = self.kept[role]
        kept.fence += 1
        service = fresh()
        service.restore(
            candles
            + [
                Row(table, key, msgspec.msgpack.decode(data, type=kind))
                for (table, key), (kind, data) in sorted(kept.rows.items(), key=repr)
                if table in state_tables
            ]
        )
        return Unit(role, 0, service, kept.fence, dict(kept.seen), dict(kept.sent))

    def check_fence(self, unit: Unit) -> None:
        """Raise Lost where the unit has another owner by now."""
        if self.kept[unit.role].fence != unit.fence:
            raise Lost(unit.role)

    def commit(self, unit: Unit, done: Effects, fed: int, answered: list[str], deadline: str | None) -> None:
        """Keep one step's effects in one transaction under the fence; raises Lost where another owner has risen."""
        kept = self.kept[unit.role]
        self.check_fence(unit)
        self.commits += 1
        kept.seen, kept.sent, kept.fed = dict(unit.seen), dict(unit.sent), fed
        for row in done.rows:
            name = (row.table, row.key)
            if row.values is None:
                kept.rows.pop(name, None)
            else:
                kept.rows[name] = (type(row.values), msgspec.msgpack.encode(row.values))
        for channel, envelope in done.envelopes:
            kept.outbox.setdefault(envelope.stream, []).append((channel, envelope))
        for identity in answered:
            kept.requests = {name: r for name, r in kept.requests.items() if identity not in ids_of(r)}
        for request in done.requests:
            kept.requests[f"{type(request).__name__}/{request.client_order_id}"] = request
        if deadline is not None:
            kept.deadlines.pop(deadline, None)
        for _, key, when in done.deadlines:
            if when is None:
                kept.deadlines.pop(key, None)
            else:
                kept.deadlines[key] = when

    def journal(self, role: str, table: str) -> dict[tuple[str | int, ...], Any]:
        """Return a table's records by key."""
        rows = self.kept[role].rows
        return {
            key: msgspec.msgpack.decode(data, type=kind) for (name, key), (kind, data) in rows.items() if name == table
        }
