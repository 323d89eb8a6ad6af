"""What an answer that is no success means for the request: refused, absent, unknown, or a clock that runs off."""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

Meaning = Literal["refused", "absent", "unknown", "clock", "limited", "banned"]

UNKNOWN_OUTCOME: Final = frozenset({-1000, -1001, -1006, -1007, -1016})
CLOCK: Final = -1021
BROKEN_FILTER: Final = -1013
TOO_MANY_REQUESTS: Final = -1003
TOO_MANY_ORDERS: Final = -1015
OVERLOADED: Final = -1008
NO_SUCH_ORDER: Final = frozenset({-2013, -2026})
CANCEL_REJECTED: Final = -2011
REPLACED_IN_PART: Final = -2021
NOT_REPLACED: Final = -2022
NOT_ALLOWED: Final = -2015
_LONGEST: Final = 300  # characters of a message that are kept


class Failure(Struct, frozen=True):
    """An answer that is no success: its HTTP status, code, words, and data (of a cancelReplace; of a ban).

    `retry_after` is the number of seconds to wait, or 0 where none was told.
    """

    status: int
    code: int
    message: str
    data: Any = None
    retry_after: int = 0

    @property
    def meaning(self) -> Meaning:
        """What it means for the request.

        `unknown`: it may have been carried out (5xx, and the codes by which the exchange itself does not know).
        `clock`: the signed time is outside of the window; nothing happened, and nothing is signed again. `limited` and
        `banned`: nothing happened, and nobody may ask before `retry_after`. `absent`: there is no such order.
        """
        if self.status == 418:
            return "banned"
        if self.status == 403:
            return "refused"  # the firewall's word about this request: others may pass
        if self.status >= 500 or self.code in UNKNOWN_OUTCOME:
            return "unknown"
        if self.code == CLOCK:
            return "clock"
        if self.status == 429 or self.code in {TOO_MANY_REQUESTS, TOO_MANY_ORDERS}:
            return "limited"
        return "absent" if self.code in NO_SUCH_ORDER else "refused"


def failure(status: int, body: bytes, retry_after: str | None = None) -> Failure:
    """Read an answer that is no success; never raises.

    A body that is no error of the exchange's (a firewall's page, a proxy's) is told by its status alone: 403 is the
    firewall's, and 451 says that the exchange does not serve this place.
    """
    wait = _seconds(retry_after)
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    if isinstance(told, dict):
        return failure_of(status, told, wait)
    return Failure(status, _code_of(status), f"HTTP {status} without the exchange's words", None, wait)


def failure_of(status: int, told: dict[str, Any], retry_after: int = 0) -> Failure:
    """Return the failure that a decoded error object tells; never raises."""
    code, message = told.get("code"), told.get("msg")
    known = isinstance(code, int) and not isinstance(code, bool) and code != 0
    return Failure(
        status,
        code if known and isinstance(code, int) else _code_of(status),
        message[:_LONGEST] if isinstance(message, str) else f"HTTP {status}",
        told.get("data"),
        retry_after,
    )


def _code_of(status: int) -> int:
    """Return the exchange's code that is nearest to a status without one."""
    if status in {403, 418, 429}:
        return TOO_MANY_REQUESTS
    if status in {401, 451}:
        return NOT_ALLOWED
    return -1000 if status >= 500 else BROKEN_FILTER


def _seconds(text: str | None) -> int:
    """Read a Retry-After header; what is no number of seconds counts as none."""
    if text is None or not text.strip().isascii() or not text.strip().isdigit():
        return 0
    return min(int(text.strip()[:9]), 3 * 86_400 + 1)
