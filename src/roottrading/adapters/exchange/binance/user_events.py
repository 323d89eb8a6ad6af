"""The account's events on the user data stream, made into events of ours."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from roottrading.adapters.exchange.binance.orders_to_events import STATUSES, TRIGGERED_TYPES, Reader
from roottrading.adapters.exchange.binance.wire import (
    AccountPosition,
    ExecutionReport,
    Malformed,
    converted,
    decoded,
    time_of,
)
from roottrading.domain.balance import Balance
from roottrading.domain.money import ZERO
from roottrading.domain.order import ENDED
from roottrading.domain.time import Time
from roottrading.messages.exchange import (
    AccountChanged,
    ExchangeEvent,
    OrderEnded,
    OrderExecuted,
    OrderOpened,
    OrderReported,
    OrderTriggered,
)

# What the link itself must act on: whole balances are needed, the subscription ended, the server goes away.
Notice = Literal["balances", "terminated", "shutdown"]
Told = Sequence[ExchangeEvent] | Notice

_WITHOUT_NEWS: Final = frozenset(
    {
        "listStatus",  # each order's own report says what became of it
        "outboundAccountInfo",  # until 2020; outboundAccountPosition comes with it
    }
)
_NOTICES: Final[dict[str, Notice]] = {
    "balanceUpdate": "balances",
    "externalLockUpdate": "balances",
    "eventStreamTerminated": "terminated",
    "serverShutdown": "shutdown",
}


def read_frame(reader: Reader, data: bytes | str) -> Told:
    """Read a frame that holds one event, in any of the wrappings it ever came in. Never raises."""
    try:
        return read_event(reader, unwrapped(decoded(data)))
    except Malformed as error:
        reader.strangers.note("user data", error)
        return ()


def unwrapped(told: Any) -> Any:
    """Return the event inside {"subscriptionId", "event"} or {"stream", "data"}, or itself."""
    if isinstance(told, dict):
        for name in ("event", "data"):
            if isinstance(told.get(name), dict):
                return told[name]
    return told


def read_event(reader: Reader, event: Any) -> Told:
    """Return what an event says; one that is not understood says nothing and is counted. Never raises."""
    kind = event.get("e") if isinstance(event, dict) else None
    if not isinstance(kind, str):
        reader.strangers.note("user data", "an event without its kind")
        return ()
    if kind in _NOTICES:
        return _NOTICES[kind]
    if kind in _WITHOUT_NEWS:
        return ()
    try:
        if kind == "executionReport":
            return _order(reader, converted(event, ExecutionReport, reader.strangers, "executionReport"))
        if kind == "outboundAccountPosition":
            return _balances(converted(event, AccountPosition, reader.strangers, "outboundAccountPosition"))
    except Malformed as error:
        reader.strangers.note("user data", error)
        return ()
    reader.strangers.note("user data events", kind)
    return ()


def _balances(told: AccountPosition) -> Sequence[ExchangeEvent]:
    at = time_of(told.u or told.E)
    return (AccountChanged("", "", at, tuple(Balance(each.a, each.f, each.l) for each in told.B)),)


def _order(reader: Reader, report: ExecutionReport) -> Sequence[ExchangeEvent]:
    name = report.C or report.c  # of a cancel, `c` is the cancel's own id
    at = time_of(report.T or report.E)
    reader.orders.note(report.s, report.i, name, report.q)
    handler = _BY_KIND.get(report.x)
    if handler is None:
        reader.strangers.note("execution type", report.x)
        handler = _ended if report.X in ENDED else _nothing
    return handler(reader, report, name, at)


def _nothing(reader: Reader, report: ExecutionReport, name: str, at: Time) -> Sequence[ExchangeEvent]:
    """A rejected order is told by the answer to its request, with the words that matter."""
    return ()


def _opened(reader: Reader, report: ExecutionReport, name: str, at: Time) -> Sequence[ExchangeEvent]:
    kind = reader.type(report.o)
    opened = OrderOpened(
        report.s,
        name,
        at,
        report.i,
        report.g,
        reader.side(report.S),
        kind,
        report.q or None,
        report.p or None,
        report.P or None,
        reader.status(report.X),
    )
    if kind in TRIGGERED_TYPES and report.w:
        return opened, OrderTriggered(report.s, name, at, report.i)
    return (opened,)


def _executed(reader: Reader, report: ExecutionReport, name: str, at: Time) -> Sequence[ExchangeEvent]:
    if not reader.orders.is_news(report.s, report.t, report.i):
        return ()
    side = reader.side(report.S)
    asset = report.N or reader.free_of_charge(report.s, side)
    rate = reader.rate(report.s, side, report.m, asset) if report.N else ZERO
    executed = OrderExecuted(
        report.s,
        name,
        at,
        report.i,
        report.t,
        side,
        report.L,
        report.l,
        report.n or ZERO,
        asset,
        rate,
        report.m,
        report.z,
        reader.status(report.X),
    )
    if report.X in ENDED and report.X != "FILLED":
        return executed, *_ended(reader, report, name, at)
    return (executed,)


def _ended(reader: Reader, report: ExecutionReport, name: str, at: Time) -> Sequence[ExchangeEvent]:
    status = reader.status(report.X)
    if status not in ENDED:
        return ()  # self-trade prevention took a part of it; the order goes on
    return (OrderEnded(report.s, name, at, report.i, status, report.z, report.eR),)


def _replaced(reader: Reader, report: ExecutionReport, name: str, at: Time) -> Sequence[ExchangeEvent]:
    """The order's quantity was lowered (amended); it may have another client order id from now on."""
    if report.X not in STATUSES:
        reader.strangers.note("order status", report.X)
        return ()
    return (
        OrderReported(
            report.s,
            report.c or name,
            at,
            report.i,
            reader.side(report.S),
            reader.type(report.o),
            report.q,
            report.p or None,
            report.P or None,
            report.z,
            reader.status(report.X),
            at,
        ),
    )


_BY_KIND: Final[dict[str, Callable[[Reader, ExecutionReport, str, Time], Sequence[ExchangeEvent]]]] = {
    "NEW": _opened,
    "TRADE": _executed,
    "CANCELED": _ended,
    "EXPIRED": _ended,
    "TRADE_PREVENTION": _ended,
    "REPLACED": _replaced,
    "REJECTED": _nothing,
}
