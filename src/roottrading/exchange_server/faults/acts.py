"""What faults do to the market and to accounts: status, filters, balances, an empty book, a clock that is wrong."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import MILLISECOND, Time
from roottrading.exchange_server.drifting import DriftingClock
from roottrading.exchange_server.faults.fault import Fault, FaultError
from roottrading.exchange_server.faults.register import Strike
from roottrading.exchange_server.market.recorded_ladder import RecordedLadder
from roottrading.exchange_server.venue import TradingVenue

OFF: Final = "off"
_FIXED: Final = ("symbol", "base_asset", "quote_asset", "status", "order_types", "self_trade_prevention")
FILTERS: Final = tuple(name for name in Instrument.__struct_fields__ if name not in {*_FIXED, "percent_price"})


class Acts:
    """Carries out the faults that are no matter of answers and messages."""

    def __init__(
        self,
        venue: TradingVenue,
        clock: DriftingClock,
        drained: set[str],
        ladders: dict[str, RecordedLadder],
    ) -> None:
        """Act on these; `drained` are the symbols of candles in which nothing may be taken."""
        self._venue = venue
        self._clock = clock
        self._drained = drained
        self._ladders = ladders
        self._does: dict[str, Callable[[Fault, Time], None]] = {
            "drift": self._drift,
            "status": self._status,
            "filter": self._filter,
            "balance": self._balance,
            "empty_book": self._empty_book,
            "list_part": self._list_part,
        }

    def act(self, strike: Strike) -> None:
        """Do what a fault says; FaultError where it cannot be."""
        fault = strike.fault
        if fault.symbol and fault.symbol not in self._venue.instruments:
            known = ", ".join(self._venue.instruments)
            raise FaultError(f"fault {fault.kind!r}: no symbol {fault.symbol!r}; there are {known}")
        try:
            self._does[fault.kind](fault, self._clock.now())
        except FaultError:
            raise
        except ValueError as error:
            raise FaultError(f"fault {fault.kind!r}: {error}") from None

    def _drift(self, fault: Fault, _: Time) -> None:
        self._clock.drift = fault.milliseconds * MILLISECOND

    def _status(self, fault: Fault, now: Time) -> None:
        self._venue.set_status(fault.symbol, fault.value, now)

    def _filter(self, fault: Fault, now: Time) -> None:
        instrument = self._venue.instruments[fault.symbol]
        if fault.field not in FILTERS:
            raise FaultError(f"fault 'filter': no field {fault.field!r}; there are {', '.join(FILTERS)}")
        changed = msgspec.structs.replace(instrument, **{fault.field: _like(getattr(instrument, fault.field), fault)})
        self._venue.change_filters(changed, now)

    def _balance(self, fault: Fault, now: Time) -> None:
        if fault.account not in self._venue.updated_at:
            known = ", ".join(sorted(self._venue.updated_at)) or "none"
            raise FaultError(f"fault 'balance': no account {fault.account!r}; there are {known}")
        self._venue.deposit(fault.account, fault.asset, fault.amount, now)

    def _empty_book(self, fault: Fault, _: Time) -> None:
        empty = fault.value != OFF
        ladder = self._ladders.get(fault.symbol)
        if ladder is not None:
            ladder.drained = empty
        elif empty:
            self._drained.add(fault.symbol)
            self._venue.exchange.parts.books[fault.symbol].market.allowance = ZERO
        else:
            self._drained.discard(fault.symbol)

    def _list_part(self, fault: Fault, _: Time) -> None:
        for symbol in [fault.symbol] if fault.symbol else list(self._venue.instruments):
            self._venue.exchange.parts.books[symbol].refused_lists += 1


def _like(present: Any, fault: Fault) -> Any:
    """Return the fault's value in the form of the present one."""
    try:
        if isinstance(present, bool):
            return msgspec.convert(fault.value, bool, strict=False)
        if isinstance(present, int):
            return int(fault.value)
        value = Decimal(fault.value)
    except (msgspec.ValidationError, ValueError, InvalidOperation):
        raise FaultError(f"fault 'filter': {fault.field} cannot be {fault.value!r}") from None
    if not value.is_finite() or value < ZERO:
        raise FaultError(f"fault 'filter': {fault.field} is a number of 0 or more, not {fault.value!r}")
    return value
