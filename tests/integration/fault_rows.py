"""The fault matrix: its rows are what goes wrong, its columns the steps of a cycle at which it does."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.time import MINUTE, SECOND, Time
from roottrading.exchange_server.faults.fault import Fault
from tests.integration.fault_cell import ENTRY_AT, KEY, SYMBOL, Cell


class Step(Struct, frozen=True):
    """A step of a cycle: the instant of its decision, the request that takes it, and what the account hears of it.

    `nth` of those messages is the step's own. `earlier` is a message after which the step's request is sent.
    """

    name: str
    at: Time
    request: str
    heard: str
    nth: int = 1
    earlier: str = ""
    alone: bool = False
    tight: bool = False


TRADE: Final = "user executionReport TRADE"
STEPS: Final = (
    Step("entry with protection", ENTRY_AT, "ws orderList.place.opo*", TRADE),
    Step("entry", ENTRY_AT, "ws order.place", TRADE, alone=True),
    Step("protection", ENTRY_AT, "ws orderList.place.oco", "user executionReport NEW", 2, TRADE, alone=True),
    Step("trailing", ENTRY_AT + MINUTE, "ws order.cancelReplace", "user executionReport *"),
    Step("exit", ENTRY_AT + 2 * MINUTE, "ws order.cancelReplace", TRADE),
    Step("stop", ENTRY_AT + 4 * MINUTE + 10 * SECOND, "", "user executionReport *", tight=True),
)


class Row(Struct, frozen=True):
    """Something that goes wrong: the faults of it at a step, the last one counted; None where it cannot be.

    `mended_by` ends what does not end by itself. In a market that `takes_nothing` no bound is kept.
    """

    name: str
    faults: Callable[[Step], tuple[Fault, ...] | None]
    mended_by: tuple[Fault, ...] = ()
    takes_nothing: bool = False
    before: Time = 5 * SECOND  # from so long before the step on
    foreign: tuple[tuple[str, Decimal], ...] = ()


def cells(row: Row) -> list[tuple[Step, Cell]]:
    """Return the row's cells, by step."""
    found = []
    for step in STEPS:
        faults = row.faults(step)
        if faults is not None:
            name = f"{row.name} at {step.name}"
            cell = Cell(name, step.at - row.before, faults, row.mended_by, step.alone, step.tight, row.foreign)
            found.append((step, cell))
    return found


def _answer(**how: object) -> Callable[[Step], tuple[Fault, ...] | None]:
    fault = Fault(where="ws *", **how)  # type: ignore[arg-type]
    return lambda step: (replace(fault, where=step.request),) if step.request else None


def _heard(**how: object) -> Callable[[Step], tuple[Fault, ...] | None]:
    fault = Fault(where="user *", **how)  # type: ignore[arg-type]
    return lambda step: (replace(fault, where=step.heard, nth=step.nth),)


def _all_heard(**how: object) -> Callable[[Step], tuple[Fault, ...] | None]:
    return lambda _: (Fault(where="user *", times=0, **how),)  # type: ignore[arg-type]


def _market(**how: object) -> Callable[[Step], tuple[Fault, ...] | None]:
    return lambda _: (Fault(where="stream ltcusdt@kline_1m", **how),)  # type: ignore[arg-type]


def _act(**how: object) -> Callable[[Step], tuple[Fault, ...] | None]:
    """Do it at the very moment of the step's request; to a stop that works by itself, before."""
    return lambda step: (Fault(where=step.request, **how),)  # type: ignore[arg-type]


def _at_once(**how: object) -> Callable[[Step], tuple[Fault, ...] | None]:
    return lambda _: (Fault(**how),)  # type: ignore[arg-type]


def _over_rest(**how: object) -> Callable[[Step], tuple[Fault, ...] | None]:
    """Take the WebSocket API away, and strike what goes over REST then; entries do not go out meanwhile."""

    def faults(step: Step) -> tuple[Fault, ...] | None:
        if not step.request or (not step.earlier and step.at == ENTRY_AT):
            return None
        stays_away = Fault(kind="cut", where="ws userDataStream.*", times=0)
        gone = Fault(kind="drop", where=step.earlier, value="ws-api")
        return stays_away, gone, Fault(where="POST /api/v3/order*", **how)  # type: ignore[arg-type]

    return faults


def _status(value: str) -> Row:
    trading = Fault(kind="status", symbol=SYMBOL, value="TRADING")
    return Row(value, _act(kind="status", symbol=SYMBOL, value=value), (trading,), takes_nothing=True)


def _filter(name: str, field: str, value: str, usual: str) -> Row:
    back = Fault(kind="filter", symbol=SYMBOL, field=field, value=usual)
    return Row(name, _act(kind="filter", symbol=SYMBOL, field=field, value=value), (back,))


def _by_hand(name: str, asset: str, amount: int) -> Row:
    change = Decimal(amount)
    faults = _act(kind="balance", account=KEY, asset=asset, amount=change)
    return Row(name, faults, foreign=((asset, change),))


LATE: Final = 5_000
ROWS: Final = (
    Row("answer 1.5 s late", _answer(kind="latency", milliseconds=1_500, jitter=400)),
    Row("answer 5 s late", _answer(kind="latency", milliseconds=LATE)),
    Row("429", _answer(kind="refusal", status=429, code=-1003, message="Too many requests.", retry_after=2)),
    Row("418", _answer(kind="refusal", status=418, code=-1003, message="Banned.", retry_after=5)),
    Row("403", _answer(kind="refusal", status=403)),
    Row("5xx, not executed", _answer(kind="refusal", status=503)),
    Row("5xx, executed", _answer(kind="refusal", status=503, executed=True)),
    Row("-1007, not executed", _answer(kind="timeout", milliseconds=LATE)),
    Row("-1007, executed", _answer(kind="timeout", milliseconds=LATE, executed=True)),
    Row("silence, not executed", _answer(kind="timeout", silent=True)),
    Row("silence, executed", _answer(kind="timeout", silent=True, executed=True)),
    Row("cut before the request", _answer(kind="cut", moment="before")),
    Row("cut in the middle of the answer", _answer(kind="cut", moment="middle")),
    Row("cut after the answer", _answer(kind="cut", moment="after")),
    Row("truncated answer", _answer(kind="body", shape="truncated")),
    Row("answer of bytes", _answer(kind="body", shape="garbage")),
    Row("answer of HTML", _answer(kind="body", shape="html")),
    Row("unknown field in the answer", _answer(kind="field", field="result.unheardOf", value='{"a": [1]}')),
    Row("unknown word in the answer", _answer(kind="field", field="result.status", value="UNHEARD_OF")),
    Row("WebSocket API dropped", _answer(kind="drop")),
    Row("WebSocket API closed as after 24 h", _answer(kind="close")),
    Row("serverShutdown", _answer(kind="shutdown", milliseconds=2_000)),
    Row("WebSocket API stalls", _answer(kind="stall", milliseconds=20_000)),
    Row("pings not answered", _answer(kind="deaf")),
    Row("all connections cut 1 s before", _at_once(kind="drop"), before=SECOND),
    Row("all connections cut 1 s after", _at_once(kind="drop"), before=-SECOND),
    Row("all connections closed 1 s before", _at_once(kind="close"), before=SECOND),
    Row("REST 429", _over_rest(kind="refusal", status=429, code=-1003, retry_after=2)),
    Row("REST 403", _over_rest(kind="refusal", status=403)),
    Row("REST 5xx, not executed", _over_rest(kind="refusal", status=503)),
    Row("REST 5xx, executed", _over_rest(kind="refusal", status=503, executed=True)),
    Row("REST silence, not executed", _over_rest(kind="timeout", silent=True, milliseconds=LATE)),
    Row("REST silence, executed", _over_rest(kind="timeout", silent=True, milliseconds=LATE, executed=True)),
    Row("REST cut before the request", _over_rest(kind="cut", moment="before")),
    Row("REST cut in the middle of the answer", _over_rest(kind="cut", moment="middle")),
    Row("REST truncated answer", _over_rest(kind="body", shape="truncated")),
    Row("lost report", _heard(kind="lose")),
    Row(
        "reports and answer lost",
        lambda step: (
            *(_answer(kind="timeout", silent=True, executed=True)(step) or ()),
            Fault(kind="lose", where="user *", times=0),
        ),
    ),
    Row("all reports lost", _all_heard(kind="lose")),
    Row("all reports twice", _all_heard(kind="duplicate")),
    Row("report 5 s late", _heard(kind="late", milliseconds=LATE)),
    Row("all reports 20 s late", _all_heard(kind="late", milliseconds=20_000)),
    Row("reports swapped", _heard(kind="swap")),
    Row("unknown word in a report", _heard(kind="field", field="x", value="UNHEARD_OF")),
    Row("unknown field in all reports", _all_heard(kind="field", field="unheardOf", value="[1]")),
    Row("WebSocket API dropped at a report", _heard(kind="drop")),
    Row("candle lost", _market(kind="lose", times=30)),
    Row("candle twice", _market(kind="duplicate", times=0)),
    Row("candle 8 s late", _market(kind="late", milliseconds=8_000, times=0)),
    Row("candles swapped", _market(kind="swap", times=10)),
    Row("candle truncated", _market(kind="body", times=0)),
    Row("unknown field in candles", _market(kind="field", field="data.unheardOf", value="1", times=0)),
    Row("market streams stall", _market(kind="stall", milliseconds=30_000)),
    Row("market streams cut", _market(kind="drop")),
    Row("market streams' serverShutdown", _market(kind="shutdown", milliseconds=3_000)),
    Row("clock 5 s ahead", _at_once(kind="drift", milliseconds=5_000), (Fault(kind="drift"),)),
    Row("clock 5 s behind", _at_once(kind="drift", milliseconds=-5_000), (Fault(kind="drift"),)),
    _status("HALT"),
    _status("BREAK"),
    _status("CANCEL_ONLY"),
    _filter("coarser steps", "step_size", "0.01", "0.001"),
    _filter("coarser ticks", "tick_size", "1", "0.1"),
    _filter("higher least notional", "min_notional", "100", "10"),
    replace(_filter("least notional above the position", "min_notional", "100000", "10"), takes_nothing=True),
    replace(_filter("steps above the position", "step_size", "1000", "0.001"), takes_nothing=True),
    _filter("lists not allowed any more", "opo_allowed", "false", "true"),
    _by_hand("coins put in by hand", "LTC", 3),
    _by_hand("money put in by hand", "USDT", 50),
    _by_hand("foreign money taken out by hand", "USDT", -50),
    Row(
        "empty book",
        _act(kind="empty_book", symbol=SYMBOL),
        (Fault(kind="empty_book", symbol=SYMBOL, value="off"),),
        takes_nothing=True,
    ),
    Row(
        "list refused in part",
        lambda step: _act(kind="list_part", symbol=SYMBOL)(step) if "List" in step.request else None,
    ),
)
