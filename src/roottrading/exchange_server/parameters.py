"""Parameters as they came, and how they are read: one refusal for each way in which they can be wrong."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from roottrading.domain.time import MILLISECOND, Time
from roottrading.exchange_server.errors import ApiError, bad_symbol, invalid, malformed, missing

DECIMAL_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER_RANGE: Final = "^[0-9]{1,20}$"
SYMBOL_RANGE: Final = r"^[\w\-._&&[^a-z]]{1,50}$"
ID_RANGE: Final = "^[a-zA-Z0-9-_]{1,36}$"
_DECIMAL: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
_INTEGER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_SIGNED: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_SYMBOL: Final = re.compile(r"[\w\-.]{1,50}")
_ID: Final = re.compile(r"[a-zA-Z0-9\-_]{1,36}", re.ASCII)
_MOST: Final = 2**63 - 1
# instants in microseconds have more digits than those in milliseconds: 10**14 ms would be the year 5138
_MICROSECONDS_FROM: Final = 10**14


class Parameters:
    """A request's parameters by name, as texts."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def __len__(self) -> int:
        return len(self._given)

    @property
    def names(self) -> frozenset[str]:
        """What was sent."""
        return frozenset(self._given)

    def given(self, name: str) -> str:
        """Return a parameter as it came, whatever it is; empty where it was not sent."""
        return self._given.get(name, "")

    def text(self, name: str) -> str | None:
        """Return a parameter as it came; None where it was not sent. An empty one is refused."""
        value = self._given.get(name)
        if value == "":
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        """Return a parameter that must be there."""
        value = self._given.get(name)
        if not value:
            raise missing(name)
        return value

    def symbol(self, known: Mapping[str, Any], name: str = "symbol") -> str:
        """Return a symbol that the exchange lists."""
        symbol = self.required(name)
        if _SYMBOL.fullmatch(symbol) is None or symbol != symbol.upper():
            raise malformed(name, SYMBOL_RANGE)
        if symbol not in known:
            raise bad_symbol()
        return symbol

    def symbols(self, known: Mapping[str, Any], name: str = "symbols") -> list[str] | None:
        """Return a JSON list of different symbols, None where none was sent."""
        text = self.text(name)
        if text is None:
            return None
        try:
            symbols = msgspec.json.decode(text, type=list[str])
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise malformed(name, r"^\[(\"[\w\-._&&[^a-z]]{1,50}\"(,\"[\w\-._&&[^a-z]]{1,50}\"){0,}){0,1}\]$") from None
        if len(set(symbols)) < len(symbols):
            raise ApiError(-1151, "Symbol is present multiple times in the list.")
        if any(symbol not in known for symbol in symbols):
            raise bad_symbol()
        return symbols

    def decimal(self, name: str) -> Decimal | None:
        """Return a number that is not negative, exactly as it was sent."""
        text = self.text(name)
        if text is None:
            return None
        if _DECIMAL.fullmatch(text) is None:
            raise malformed(name, DECIMAL_RANGE)
        fraction = text.partition(".")[2].rstrip("0")
        if len(fraction) > 8:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(text)

    def amount(self, name: str) -> Decimal | None:
        """Return a number above 0."""
        value = self.decimal(name)
        if value is not None and value <= 0:
            raise ApiError(-1013, f"Invalid {name}.")
        return value

    def integer(self, name: str, least: int = 0, most: int = _MOST) -> int | None:
        """Return a whole number within bounds."""
        text = self.text(name)
        if text is None:
            return None
        if (_INTEGER if least >= 0 else _SIGNED).fullmatch(text) is None:
            raise malformed(name, INTEGER_RANGE)
        value = int(text)
        if value > _MOST:
            raise ApiError(-1108, f"Parameter '{name}' overflowed.")
        if not least <= value <= most:
            raise invalid(name)
        return value

    def limit(self, usual: int, most: int) -> int:
        """Return how many entries are wanted: at least 1, and no more than `most` whatever was asked."""
        wanted = self.integer("limit", least=0)
        if wanted is None:
            return usual
        if wanted < 1:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(wanted, most)

    def instant(self, name: str) -> Time | None:
        """Return an instant, sent in milliseconds or in microseconds."""
        value = self.integer(name)
        if value is None:
            return None
        return value if value >= _MICROSECONDS_FROM else value * MILLISECOND

    def boolean(self, name: str, usual: bool) -> bool:
        """Return true or false, in letters of any size."""
        text = self.text(name)
        if text is None:
            return usual
        if text.lower() not in {"true", "false"}:
            raise malformed(name, "^(?i)(true|false)$")
        return text.lower() == "true"

    def choice(self, name: str, allowed: frozenset[str], refusal: Callable[[], ApiError] | None = None) -> str | None:
        """Return one of several words; another is refused with -1130 unless `refusal` says how."""
        text = self.text(name)
        if text is not None and text not in allowed:
            raise invalid(name) if refusal is None else refusal()
        return text

    def client_id(self, name: str) -> str | None:
        """Return a client order id in the alphabet that Binance allows."""
        text = self.text(name)
        if text is not None and _ID.fullmatch(text) is None:
            raise malformed(name, ID_RANGE)
        return text
