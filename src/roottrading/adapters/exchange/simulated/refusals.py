"""Refusals: what the exchange says no with, in Binance's codes and words."""

from typing import Final

INVALID: Final = -1013
CLOCK: Final = -1021
ILLEGAL_CHARACTERS: Final = -1100
MISSING: Final = -1102
NOT_REQUIRED: Final = -1106
PRECISION: Final = -1111
BAD_TYPE: Final = -1116
BAD_SYMBOL: Final = -1121
BAD_VALUE: Final = -1130
OCO_TYPE: Final = -1158
BUY_OCO_LIMIT_BELOW: Final = -1165
SELL_OCO_LIMIT_ABOVE: Final = -1166
OPO_WORKING_BUY: Final = -1222
OPO_PENDING_SELL: Final = -1223
PENDING_NOT_REQUIRED: Final = -1225
REJECTED: Final = -2010
CANCEL_REJECTED: Final = -2011
REPLACE_HALF: Final = -2021
REPLACE_FAILED: Final = -2022
AMEND_REJECTED: Final = -2038

OUTSIDE_WINDOW: Final = "Timestamp for this request is outside of the recvWindow."
UNKNOWN_ORDER: Final = "Unknown order sent."


class Refused(Exception):
    """The exchange refuses what was asked; nothing of it was done."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def filter_failure(name: str) -> Refused:
    """Return the refusal of a filter."""
    return Refused(INVALID, f"Filter failure: {name}")


def missing(name: str) -> Refused:
    """Return the refusal of a request that lacks something."""
    return Refused(MISSING, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_required(name: str) -> Refused:
    """Return the refusal of a request that says something it must not."""
    return Refused(NOT_REQUIRED, f"Parameter '{name}' sent when not required.")


def insufficient_balance() -> Refused:
    """Return the refusal of an account that has too little."""
    return Refused(REJECTED, "Account has insufficient balance for requested action.")


def duplicate() -> Refused:
    """Return the refusal of a client order id that an open order has."""
    return Refused(REJECTED, "Duplicate order sent.")
