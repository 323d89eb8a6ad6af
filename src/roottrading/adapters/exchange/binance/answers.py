"""What comes of a call, whichever door it went through."""

from typing import Any

from msgspec import Struct

from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.domain.time import Time


class Success(Struct, frozen=True):
    """The decoded answer; `asked_at` is an exchange's time that was surely reached when the call was sent."""

    told: Any
    asked_at: Time


class NotSent(Struct, frozen=True):
    """Nothing left this house: `code` is the exchange's for the like of it."""

    code: int
    message: str


class Silence(Struct, frozen=True):
    """It was sent, or may have been, and nothing that says anything came back."""

    reason: str


Answer = Success | Failure | NotSent | Silence
