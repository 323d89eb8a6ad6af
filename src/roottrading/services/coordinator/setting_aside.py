"""What cannot be traded counts nothing, and that is neither a loss nor a gain (trading-rules 7.3, docs/adr/0012)."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.services.coordinator.ledger import cost, holdings, sellable_now
from roottrading.services.coordinator.records import State
from roottrading.services.coordinator.state import Account, SetAside


def set_aside(state: State, instruments: Mapping[str, Instrument], closes: Mapping[str, Decimal]) -> Account:
    """Return the account whose mark and opening leave out what cannot be traded, at its last close before.

    The same object where nothing changed. What can be traded again is put back at that very worth, so that what the
    market did meanwhile is a loss or a gain from now on.
    """
    account = state.account
    before = {each.symbol: each for each in account.set_aside}
    held = [
        _aside(state, symbol, quantity, before[symbol].close if symbol in before else closes.get(symbol))
        for symbol, quantity in sorted(holdings(state).items())
        if not sellable_now(state, instruments[symbol])
    ]
    now = tuple(held)
    if now == account.set_aside:
        return account
    change = _worth(account.set_aside) - _worth(now)
    return replace(
        account,
        set_aside=now,
        mark=None if account.mark is None else account.mark + change,
        opening=account.opening if account.day is None else account.opening + change,
    )


def _aside(state: State, symbol: str, quantity: Decimal, close: Decimal | None) -> SetAside:
    return SetAside(symbol, close, cost(state, symbol) if close is None else quantity * close)


def _worth(several: tuple[SetAside, ...]) -> Decimal:
    return sum((each.worth for each in several), ZERO)
