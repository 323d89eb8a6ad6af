"""A fault: what goes wrong, where, at which occurrence, and how often."""

from decimal import Decimal
from typing import Final, Literal

import msgspec
from msgspec import Struct

ANSWERS: Final = frozenset({"latency", "refusal", "timeout", "cut", "body", "field"})
CONNECTIONS: Final = frozenset({"stall", "drop", "close", "shutdown", "deaf"})
MESSAGES: Final = frozenset({"lose", "duplicate", "late", "swap"})
ACTS: Final = frozenset({"drift", "status", "filter", "balance", "empty_book", "list_part"})
NOW: Final = ""

Kind = Literal[
    "latency",
    "refusal",
    "timeout",
    "cut",
    "body",
    "field",
    "stall",
    "drop",
    "close",
    "shutdown",
    "deaf",
    "lose",
    "duplicate",
    "late",
    "swap",
    "drift",
    "status",
    "filter",
    "balance",
    "empty_book",
    "list_part",
]
_METHODS: Final = ("GET ", "POST ", "PUT ", "DELETE ", "* ")
_ON: Final = {  # what can strike where; acts can strike everywhere
    "an answer over REST": ANSWERS | {"drop"},
    "an answer of the WebSocket API": ANSWERS | CONNECTIONS,
    "a stream": CONNECTIONS | MESSAGES | {"latency", "body", "field"},
    "an account's event": CONNECTIONS | MESSAGES | {"field"},
    "everything": frozenset({"latency", "field", "drop"}),
}


class FaultError(ValueError):
    """A fault that cannot be; the text says what is wrong and what is allowed."""


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to go wrong.

    `where` is a pattern (`*` stands for anything): `POST /api/v3/order`, `ws order.place`, `stream btcusdt@depth*`,
    `user executionReport TRADE`; empty: at once. `symbol` and `account` narrow it. It strikes at the `nth` occurrence
    and at `times` in all (0: for ever). `at` (a scenario's) is when it begins: an instant of the exchange's time.

    What the other fields mean depends on `kind`:

    - latency: the answer waits for `milliseconds` and up to `jitter` more.
    - refusal: `status` with `code`, `message`, `retry_after`; `executed`: it is carried out nevertheless.
    - timeout: no answer for `milliseconds`, then -1007 (`silent`: then the connection is cut); `executed` or not.
    - cut: the connection is cut `before` (nothing is carried out), in the `middle` of the answer or `after` it.
    - body: of what is carried out, a `truncated` answer, or one that is no JSON (`garbage`, `html`).
    - field: `field` of the answer or message becomes `value` (unknown enum values, unknown fields).
    - stall: nothing is sent on the connection for `milliseconds`. drop: it is cut. close: it ends as after 24 hours.
      shutdown: serverShutdown is said, and after `milliseconds` it ends. deaf: its pings are not answered any more.
    - lose, duplicate, late (by `milliseconds`), swap (after the next one): a message.
    - drift: the exchange's clock goes wrong by `milliseconds`. status: `value` of `symbol`. filter: `field` of
      `symbol`'s instrument becomes `value`. balance: `asset` of `account` changes by `amount`. empty_book: there is
      nothing to take in `symbol` (`value` "off": again there is). list_part: the pending legs of the next order list
      are refused.
    """

    kind: Kind
    where: str = NOW
    symbol: str = ""
    account: str = ""
    nth: int = 1
    times: int = 1
    at: str = ""
    milliseconds: int = 0
    jitter: int = 0
    status: int = 500
    code: int = -1000
    message: str = "An unknown error occurred while processing the request."
    retry_after: int = 0
    executed: bool = False
    silent: bool = False
    moment: Literal["before", "middle", "after"] = "before"
    shape: Literal["truncated", "garbage", "html"] = "truncated"
    field: str = ""
    value: str = ""
    asset: str = ""
    amount: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise FaultError(f"fault {self.kind!r}: {problem}")


def _problem(fault: Fault) -> str:
    """Say what is wrong with a fault; empty where nothing is."""
    if fault.nth < 1 or fault.times < 0 or min(fault.jitter, fault.retry_after) < 0:
        return "nth is 1 or more; times, jitter and retry_after are 0 or more"
    if fault.milliseconds < 0 and fault.kind != "drift":
        return "milliseconds are 0 or more"
    place = _place(fault.where)
    if fault.where and not place:
        return f"where is {fault.where!r}: use a pattern such as 'POST /api/v3/order', 'ws order.place', 'stream *'"
    if fault.kind in ANSWERS | MESSAGES and not fault.where:
        return "where is missing: it says which answers or messages it strikes"
    if place and fault.kind not in ACTS | _ON[place]:
        return f"it cannot strike {place}; there can {', '.join(sorted(_ON[place]))}, and what is done to the market"
    if fault.kind == "refusal" and not 400 <= fault.status <= 599:
        return f"status is {fault.status}: use one from 400 to 599"
    needed = {
        "field": ("field",),
        "status": ("symbol", "value"),
        "filter": ("symbol", "field", "value"),
        "balance": ("account", "asset"),
        "empty_book": ("symbol",),
    }.get(fault.kind, ())
    lacking = [name for name in needed if not getattr(fault, name)]
    return f"{' and '.join(lacking)} must be given" if lacking else ""


def _place(where: str) -> str:
    """Say in words what a pattern names, empty for none that there is."""
    if where == "*":
        return "everything"
    if where.startswith(_METHODS):
        return "an answer over REST"
    kind = where.partition(" ")[0] if " " in where else ""
    return {"ws": "an answer of the WebSocket API", "stream": "a stream", "user": "an account's event"}.get(kind, "")


def read_fault(given: object) -> Fault:
    """Read a fault from decoded JSON or TOML; FaultError saying what is wrong."""
    try:
        return msgspec.convert(given, Fault)
    except FaultError:
        raise
    except msgspec.ValidationError as error:
        raise FaultError(f"no fault: {error}") from None
