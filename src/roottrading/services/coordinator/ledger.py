"""The bot's own money: cash from own fills, reservations, and what its base is worth (trading-rules 2.8)."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, quotient_down
from roottrading.services.coordinator.records import State
from roottrading.services.coordinator.state import OpenCycle

TRADING = "TRADING"
DELISTING = "DELISTING"  # trading goes on, but not for long


class Valuation(Struct, frozen=True, gc=False):
    """The account at the closes of a T, in quote; `by_symbol` is what each symbol's own base is worth.

    `is_whole` says that all of it can be traded.
    """

    equity: Decimal
    exposure: Decimal
    by_symbol: Mapping[str, Decimal]
    is_whole: bool = True


def cash_change(fill: Fill, instrument: Instrument) -> Decimal:
    """Return what a fill does to the cash: the notional, and the fee where it is taken in quote."""
    cash = fill.price * fill.quantity
    if fill.side == "BUY":
        cash = -cash
    return cash - fill.fee if fill.fee_asset == instrument.quote_asset else cash


def risk_equity(cash: Decimal, holdings: Mapping[str, Decimal], closes: Mapping[str, Decimal]) -> Decimal:
    """Return cash and holdings (base by symbol) at the closes of one T: what the limits judge.

    A runtime that skips instants computes `InstantComplete.highest_equity` with it.
    """
    return cash + sum((quantity * closes[symbol] for symbol, quantity in holdings.items()), ZERO)


def holdings(state: State) -> dict[str, Decimal]:
    """Return the bot's own base by symbol: open cycles and dust, where there is any."""
    held = {symbol: cycle.held for symbol, cycle in state.cycles.items() if cycle.held}
    for symbol, dust in state.dust.items():
        held[symbol] = held.get(symbol, ZERO) + dust.quantity
    return held


def reserved(state: State) -> Decimal:
    """Return the cash set aside for entries that are still under way."""
    return sum([cycle.reserved for cycle in state.cycles.values()], ZERO)


def value(state: State, instruments: Mapping[str, Instrument], closes: Mapping[str, Decimal]) -> Valuation:
    """Value the account at the closes of T.

    What cannot be traded counts 0 (trading-rules 7.3); a symbol whose close nobody gave counts at its cost.
    """
    by_symbol = {}
    is_whole = True
    for symbol, quantity in holdings(state).items():
        if not sellable_now(state, instruments[symbol]):
            worth, is_whole = ZERO, False
        elif (close := closes.get(symbol)) is not None:
            worth = quantity * close
        else:
            worth = cost(state, symbol)
        by_symbol[symbol] = worth
    exposure = sum(by_symbol.values(), ZERO)
    return Valuation(state.account.cash + exposure, exposure, by_symbol, is_whole)


def market_status(state: State, instrument: Instrument) -> str:
    """Return the market's status as last heard, else the instrument's own."""
    known = state.symbols.get(instrument.symbol)
    return (known.status if known is not None else "") or instrument.status


def sellable_now(state: State, instrument: Instrument) -> bool:
    """Say whether the symbol's market takes orders."""
    return market_status(state, instrument) in {TRADING, DELISTING}


def cost(state: State, symbol: str) -> Decimal:
    """Return what the symbol's own base has cost, dust included."""
    dust = state.dust.get(symbol)
    cost_of_dust = dust.cost if dust is not None else ZERO
    cycle = state.cycles.get(symbol)
    return cost_of_dust if cycle is None else cost_of_dust + cost_of(cycle)


def cost_of(cycle: OpenCycle) -> Decimal:
    """Return what the base still held by a cycle has cost, rounded down."""
    had = cycle.received_net + cycle.lent.quantity
    if had <= 0:
        return ZERO
    return quotient_down((cycle.paid + cycle.lent.cost) * cycle.held, had)
