"""The portfolio's own key: it is to see the very account that is traded on, and to be able to do nothing there."""

from collections.abc import Iterator
from typing import Any, Final

from roottrading.adapters.exchange.binance.answers import Answer, Success
from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.operations.doctor.asking import Heard
from roottrading.operations.doctor.finding import Finding, ok, problem, warning

WRONG_KEY: Final = frozenset({-2014, -2015, -1022})
CHECK: Final = "portfolio key"
_LESS: Final = "make one that may read and nothing else"


def judged_reader(heard: Heard, traded: Answer | None) -> Iterator[Finding]:
    """Judge what was asked with this key; `traded` is what the trader's key was told of its account."""
    rights, account = _told(heard.rights), _told(heard.account)
    if isinstance(heard.account, Failure) and heard.account.code in WRONG_KEY:
        text = f"the exchange refuses it ({heard.account.code})"
        yield problem(CHECK, text, "check key, secret and the addresses it may be used from")
        return
    if account is None:
        yield problem(CHECK, "the account cannot be looked at with it", "try again; check its right to read")
        return
    other = _told(traded)
    if other is not None and account.get("uid") != other.get("uid"):
        yield problem(CHECK, "it is of another account than the trader's", "make one for the account that is traded on")
    if rights is None:
        yield warning(CHECK, "the exchange does not tell what it may do", "see to it that it can neither trade nor pay")
    elif rights.get("enableWithdrawals") is not False:
        yield problem(CHECK, "nothing says that it cannot withdraw", f"{_LESS}, and delete this one")
    elif rights.get("enableSpotAndMarginTrading") is not False:
        yield warning(CHECK, "it may trade", _LESS)
    else:
        yield ok(CHECK, "it may only read")


def _told(answer: Answer | None) -> dict[str, Any] | None:
    return answer.told if isinstance(answer, Success) and isinstance(answer.told, dict) else None
